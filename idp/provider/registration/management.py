"""Management of a registration by the application itself (RFC 7592): read, replace, remove.

Whoever shows the registration access token acts for the application. An update replaces the whole registration, is judged like a new one
within the bounds of its invitation, and brings a new registration access token; of two updates with one token the conditional UPDATE lets
one through. The secret stays, since an application's instances would not all learn of another one: only an application that had none gets
one, and an operator renews it.
"""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger import Change, Entry
from foundation.problems import StorageUnavailable
from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.registry import SECRET_METHODS, TOPIC, Client, is_secret_of
from idp.provider.composition import Provider
from idp.provider.errors import InvalidClientMetadata, ProtocolError, TokenError
from idp.provider.registration.document import apply_document
from idp.provider.registration.dynamic import judge_application, registration_answer, template_within
from idp.provider.registration.invitations import digest_of
from idp.provider.registration.reasons import REGISTRATION_TOKEN_INVALID
from idp.provider.registration.register import client_entry, client_row, locked_row, make_secret, new_client
from idp.provider.registration.requests import answer_refusal, check_rate, read_document, read_token
from idp.provider.registration.rules import ClientRegistration
from idp.provider.registration.sectors import claim_sector
from idp.provider.tables import oauth_clients
from idp.provider.tokens.granting import end_grants
from idp.provider.tokens.revocations import revocation

KIND = "oauth.registration"

# RFC 7592 §2.2: what the server made is never sent back, but for the identifier and the secret, which must be the right ones.
_SERVER_MADE = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


async def manage_application(
    request: BackChannelRequest, client_id: str, *, provider: Provider, now: datetime
) -> OAuthResponse:
    """Answer GET, PUT and DELETE of a client configuration endpoint; a refusal is returned, and on record."""
    known = None
    try:
        await check_rate(request.origin.network, provider)
        token = read_token(request, REGISTRATION_TOKEN_INVALID)
        await provider.clients.refresh()
        await provider.clients.learn(client_id)
        client = await _client_of(token, client_id, provider)
        known = client.client_id
        if request.method in ("GET", "HEAD"):
            return OAuthResponse(
                200, registration_answer(client, issuer=provider.issuer, registration_token=token, secret=None)
            )
        client = await _as_it_is_now(client, provider)
        if request.method == "DELETE":
            return await _remove(client, request, provider, now)
        return await _replace(client, request, provider, now)
    except (ProtocolError, InvalidClientMetadata) as refused:
        return await answer_refusal(refused, kind=KIND, client_id=known, request=request, provider=provider, now=now)


async def _client_of(token: str, client_id: str, provider: Provider) -> Client:
    """An unknown client, a disabled one and a wrong token are one refusal (RFC 7592 §2.1)."""
    client = provider.clients.find_active(client_id)
    if client is not None and not _is_token_of(client, token):
        # Another node may have given it a new one a moment ago.
        client = await provider.clients.look_again(client)
    if client is None or not _is_token_of(client, token):
        raise TokenError(REGISTRATION_TOKEN_INVALID, "not the token of an active client")
    return client


async def _as_it_is_now(seen: Client, provider: Provider) -> Client:
    """What is judged is written back, so an operator's change that this worker has not heard of yet must be in it."""
    client = await provider.clients.read_now(seen.client_id)
    if client is None or client.registration_token_hash != seen.registration_token_hash:
        raise TokenError(REGISTRATION_TOKEN_INVALID, "replaced meanwhile")
    return client


def _is_token_of(client: Client, token: str) -> bool:
    kept = client.registration_token_hash
    return kept is not None and hmac.compare_digest(kept, digest_of(token))


async def _replace(client: Client, request: BackChannelRequest, provider: Provider, now: datetime) -> OAuthResponse:
    document = read_document(request, max_octets=provider.limits.max_form_octets)
    _check_server_made(document, client, now)
    wanted = await judge_application(apply_document(document, _template(client)), provider=provider, now=now)
    if not set(wanted.scopes) <= client.scopes:
        # The exemption from consent, and its legal basis, were given for what the application could learn then.
        wanted = replace(wanted, consent="ask", consent_basis=None)
    keeps_secret = _keeps_secret(wanted, client)
    made, token = None if keeps_secret else make_secret(wanted, provider.entropy), provider.entropy.token()
    replaced = replace(
        new_client(wanted, made, now),
        created_at=client.created_at,
        registration_token_hash=digest_of(token),
    )
    if keeps_secret:
        replaced = replace(replaced, secrets=client.secrets)
    changes = [Change(TOPIC, client.client_id)]
    async with provider.db.transaction() as connection:
        await _write(connection, client, client_row(replaced))
        await claim_sector(connection, provider.db, replaced)
        entry = client_entry(
            "oauth.client_updated",
            replaced,
            actor=f"client:{client.client_id}",
            request_id=request.origin.request_id,
            now=now,
        )
        await provider.ledger.append_in(connection, entry, changes=changes)
    provider.feed.apply(changes)
    # Whoever sent the secret gets it back, so that the answer can take the place of the registration it kept; here only a digest is known.
    secret = document.get("client_secret") if keeps_secret else made
    return OAuthResponse(
        200, registration_answer(replaced, issuer=provider.issuer, registration_token=token, secret=secret)
    )


def _keeps_secret(wanted: ClientRegistration, client: Client) -> bool:
    """RFC 7592 §2.2 lets a server keep the secret or make another one."""
    return wanted.token_endpoint_auth_method in SECRET_METHODS and bool(_current_secrets(client).secrets)


def _current_secrets(client: Client) -> Client:
    """Return the client without secrets that are on their way out."""
    return replace(client, secrets=tuple(secret for secret in client.secrets if secret.expires_at is None))


async def _remove(client: Client, request: BackChannelRequest, provider: Provider, now: datetime) -> OAuthResponse:
    """RFC 7592 §2.3: the client, its secret, its tokens and its grants end; the row stays, so that the identifier is never used again."""
    lifetime = provider.limits.access_token_lifetime
    changes = [
        Change(TOPIC, client.client_id),
        revocation(f"client:{client.client_id}", lifetime=lifetime, now=now),
    ]
    async with provider.db.transaction() as connection:
        values: dict[str, Any] = {
            "status": "removed",
            "registration_token_hash": None,
            "secrets": [],
            "updated_at": now,
        }
        await _write(connection, client, values)
        ended = await end_grants(connection, now=now, client_id=client.client_id)
        entry = Entry(
            kind="oauth.client_removed",
            at=now,
            outcome="done",
            actor=f"client:{client.client_id}",
            department=client.department_id,
            client=client.client_id,
            request_id=request.origin.request_id,
            details={"grants": len(ended)},
        )
        await provider.ledger.append_in(connection, entry, changes=changes)
    provider.feed.apply(changes)
    return OAuthResponse(204, None)


async def _write(connection: AsyncConnection, seen: Client, values: Mapping[str, Any]) -> None:
    """Change the row of the client while it is what was judged, and the token that was shown still its own.

    Raises TokenError when the token or the client is gone, StorageUnavailable when an operator changed something else meanwhile.
    """
    column = oauth_clients.c
    written = await connection.execute(
        update(oauth_clients)
        .where(
            column.client_id == seen.client_id,
            column.status == "active",
            column.registration_token_hash == seen.registration_token_hash,
            column.updated_at == seen.updated_at,
        )
        .values({name: value for name, value in values.items() if name != "client_id"})
    )
    if written.rowcount:
        return
    row = await locked_row(connection, seen.client_id)
    if row["status"] == "active" and row["registration_token_hash"] == seen.registration_token_hash:
        raise StorageUnavailable(detail="the registration was changed meanwhile")
    raise TokenError(REGISTRATION_TOKEN_INVALID, "replaced meanwhile")


def _check_server_made(document: Mapping[str, Any], client: Client, now: datetime) -> None:
    for member in _SERVER_MADE:
        if member in document:
            raise InvalidClientMetadata(member, "is not sent in an update")
    if document.get("client_id") != client.client_id:
        raise InvalidClientMetadata("client_id", "is that of the address")
    secret = document.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and is_secret_of(_current_secrets(client), secret, now=now)):
        raise InvalidClientMetadata("client_secret", "is not the current one")


def _template(client: Client) -> ClientRegistration:
    metadata = client.metadata
    bounds = ClientMetadata(
        legacy_exceptions=metadata.legacy_exceptions,
        legacy_until=metadata.legacy_until,
        # Whoever looked at it saw other names and addresses.
        is_reviewed=False,
        registrable_scopes=metadata.registrable_scopes,
        registrable_grant_types=metadata.registrable_grant_types,
    )
    basis = ClientRegistration(
        client_id=client.client_id,
        name_zh=client.client_id,
        name_en=client.client_id,
        department_id=client.department_id,
        policy=client.policy,
        resources=tuple(sorted(client.resources)),
        introspects=tuple(sorted(client.introspects)),
        consent=client.consent,
        consent_basis=client.consent_basis,
    )
    return template_within(bounds, basis)
