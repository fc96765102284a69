"""Registering applications: every member is judged before anything is stored.

The secret of a confidential client carries 256 random bits, is returned once and stored as its SHA-256; two
are valid while a rotation overlaps.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.ledger import Change, Entry, Ledger
from idp.provider.clients.jwk_sets import check_jwk_set
from idp.provider.clients.metadata import render_metadata
from idp.provider.clients.redirects import host_of
from idp.provider.clients.registry import (
    SECRET_METHODS,
    TOPIC,
    Client,
    ClientSecret,
    ClientStatus,
    parse_secrets,
    render_secrets,
)
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.rules import ClientRegistration, check_registration
from idp.provider.registration.sectors import hold_sector
from idp.provider.tables import oauth_clients
from idp.provider.tokens.revocations import restoration, revocation

__all__ = [
    "ClientRegistration",
    "Registered",
    "check_registration",
    "register_client",
    "rotate_client_secret",
    "set_client_status",
]

SECRET_OCTETS = 32
FEWEST_SECRET_CHARACTERS = 32
LONGEST_OVERLAP = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Registered:
    """A client on record; `secret` is shown now and never again, None for a public client."""

    client: Client
    secret: str | None


async def register_client(
    wanted: ClientRegistration,
    *,
    db: Database,
    ledger: Ledger,
    entropy: Entropy,
    actor: str,
    now: datetime,
    secret: str | None = None,
) -> Registered:
    """Store a new client and record it; raises InvalidClientMetadata.

    `secret` lets an operator move a client with its secret from another place; it must be as long as a made
    one.
    """
    check_registration(wanted, now=now)
    if secret is not None and len(secret) < FEWEST_SECRET_CHARACTERS:
        raise InvalidClientMetadata("client_secret", "at least 32 characters")
    made = make_secret(wanted, entropy)
    secret = made if made is None or secret is None else secret
    client = new_client(wanted, secret, now)
    async with db.transaction() as connection:
        taken = await connection.execute(
            select(oauth_clients.c.client_id).where(oauth_clients.c.client_id == wanted.client_id)
        )
        if taken.first() is not None:
            raise InvalidClientMetadata("client_id", "already registered")
        await hold_sector(connection, db, client)
        changes = [Change(TOPIC, client.client_id)]
        await add_client(connection, client, ledger=ledger, actor=actor, changes=changes, now=now)
    return Registered(client, secret)


def make_secret(wanted: ClientRegistration, entropy: Entropy) -> str | None:
    """Return a new secret for a client that signs in with one, None for any other."""
    return entropy.token(SECRET_OCTETS) if wanted.token_endpoint_auth_method in SECRET_METHODS else None


async def add_client(
    connection: AsyncConnection,
    client: Client,
    *,
    ledger: Ledger,
    actor: str,
    changes: Sequence[Change],
    now: datetime,
    request_id: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Store a client and record it in the caller's transaction, as its last statements; nothing is judged here."""
    await connection.execute(insert(oauth_clients).values(client_row(client)))
    entry = client_entry(
        "oauth.client_registered", client, actor=actor, request_id=request_id, now=now, details=details
    )
    await ledger.append_in(connection, entry, changes=changes)


async def rotate_client_secret(
    client_id: str,
    *,
    overlap: timedelta,
    db: Database,
    ledger: Ledger,
    entropy: Entropy,
    actor: str,
    now: datetime,
) -> str:
    """Give the client a new secret and return it.

    The newest old one stays valid for `overlap`, others die now.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidClientMetadata("overlap", "between zero and thirty days")
    secret = entropy.token(SECRET_OCTETS)
    async with db.transaction() as connection:
        row = await locked_row(connection, client_id)
        if row["token_endpoint_auth_method"] not in SECRET_METHODS:
            raise InvalidClientMetadata("client_id", "the client does not sign in with a secret")
        current = [entry for entry in parse_secrets(row["secrets"]) if entry.expires_at is None]
        kept = [replace(entry, expires_at=now + overlap) for entry in current if overlap]
        secrets = (ClientSecret(_sha256(secret), None), *kept)
        await connection.execute(
            update(oauth_clients)
            .where(oauth_clients.c.client_id == client_id)
            .values(secrets=render_secrets(secrets), updated_at=now)
        )
        entry = Entry(kind="oauth.client_secret_rotated", at=now, outcome="done", actor=actor, client=client_id)
        await ledger.append_in(connection, entry, changes=[Change(TOPIC, client_id)])
    return secret


async def set_client_status(
    client_id: str,
    status: ClientStatus,
    *,
    token_lifetime: timedelta,
    db: Database,
    ledger: Ledger,
    actor: str,
    now: datetime,
) -> None:
    """Disable or enable a client.

    Disabling revokes every access token it holds; enabling lets it have new ones, the old ones stay revoked.
    """
    announce = revocation if status == "disabled" else restoration
    changes = [Change(TOPIC, client_id), announce(f"client:{client_id}", lifetime=token_lifetime, now=now)]
    async with db.transaction() as connection:
        row = await locked_row(connection, client_id)
        if row["status"] == "removed":
            raise InvalidClientMetadata("client_id", "the application removed itself; register it anew")
        await connection.execute(
            update(oauth_clients).where(oauth_clients.c.client_id == client_id).values(status=status, updated_at=now)
        )
        entry = Entry(kind=f"oauth.client_{status}", at=now, outcome="done", actor=actor, client=client_id)
        await ledger.append_in(connection, entry, changes=changes)


async def locked_row(connection: AsyncConnection, client_id: str) -> Any:
    """Return the client's row, locked until the transaction ends; raises InvalidClientMetadata for an unknown one."""
    found = await connection.execute(
        select(oauth_clients).where(oauth_clients.c.client_id == client_id).with_for_update()
    )
    row = found.mappings().first()
    if row is None:
        raise InvalidClientMetadata("client_id", "not registered")
    return row


def new_client(wanted: ClientRegistration, secret: str | None, now: datetime) -> Client:
    """Return the client that a judged registration becomes."""
    return Client(
        client_id=wanted.client_id,
        name_zh=wanted.name_zh,
        name_en=wanted.name_en,
        department_id=wanted.department_id,
        policy=wanted.policy,
        status="active",
        application_type=wanted.application_type,
        token_endpoint_auth_method=wanted.token_endpoint_auth_method,
        secrets=() if secret is None else (ClientSecret(_sha256(secret), None),),
        redirect_uris=tuple(wanted.redirect_uris),
        post_logout_redirect_uris=tuple(wanted.post_logout_redirect_uris),
        backchannel_logout_uri=wanted.backchannel_logout_uri,
        grant_types=frozenset(wanted.grant_types),
        scopes=frozenset(wanted.scopes),
        resources=frozenset(wanted.resources),
        introspects=frozenset(wanted.introspects),
        sector=wanted.sector or _default_sector(wanted),
        consent=wanted.consent,
        consent_basis=wanted.consent_basis,
        home_uri=wanted.home_uri,
        created_at=now,
        updated_at=now,
        metadata=wanted.metadata,
    )


def _default_sector(wanted: ClientRegistration) -> str:
    # A loopback host or a private scheme belongs to no department: two apps must not share a sector by
    # accident.
    host = host_of(wanted.redirect_uris[0]) if wanted.redirect_uris else ""
    is_nobodys = wanted.application_type == "native" or host in ("", "127.0.0.1", "[::1]")
    return wanted.client_id if is_nobodys else host


def client_row(client: Client) -> dict[str, Any]:
    """Return the client as its row."""
    row = {name: getattr(client, name) for name in Client.__dataclass_fields__}
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        row[name] = list(row[name])
    for name in ("grant_types", "scopes", "resources", "introspects"):
        row[name] = sorted(row[name])
    row["secrets"] = render_secrets(client.secrets)
    row["metadata"] = render_metadata(client.metadata)
    return row


def client_entry(
    kind: str,
    client: Client,
    *,
    actor: str,
    request_id: str | None,
    now: datetime,
    details: Mapping[str, Any] | None = None,
) -> Entry:
    """Return the record of what a client may do from now on."""
    return Entry(
        kind=kind,
        at=now,
        outcome="done",
        actor=actor,
        department=client.department_id,
        client=client.client_id,
        request_id=request_id,
        details={
            "policy": client.policy,
            "auth_method": client.token_endpoint_auth_method,
            "grant_types": sorted(client.grant_types),
            "scopes": sorted(client.scopes),
            "redirect_uris": list(client.redirect_uris),
            "sector": client.sector,
            **_keys_for_record(client),
            **(details or {}),
        },
    )


def _keys_for_record(client: Client) -> dict[str, Any]:
    """Return whose signatures count from now on: where the keys are published, or their thumbprints (RFC 7638)."""
    metadata = client.metadata
    if metadata.jwks_uri is not None:
        return {"jwks_uri": metadata.jwks_uri}
    if metadata.jwks is None:
        return {}
    return {"keys": sorted(one.key.thumbprint() for one in check_jwk_set(metadata.jwks))}


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
