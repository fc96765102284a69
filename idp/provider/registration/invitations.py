"""Invitations: an operator lets a department register so many applications by itself, under these terms, until then.

The invitation is an initial access token (RFC 7591 §1.2) of 256 random bits, kept as its SHA-256. Each registration spends one use of it by
one conditional UPDATE, in the transaction that stores the application; a registration that is refused spends nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.ledger import Entry, Ledger
from idp.provider.clients.metadata import LegacyException
from idp.provider.clients.policies import POLICIES
from idp.provider.clients.redirects import check_registrable_uri
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.metadata_rules import LONGEST_LEGACY
from idp.provider.registration.tables import client_invitations
from idp.provider.scopes import OPENID, SCOPES

LONGEST_INVITATION = timedelta(days=90)
MOST_USES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationTerms:
    """What an invited application may be: its department and policy, and the most it may ask for."""

    department_id: str
    policy: str = "baseline"
    grant_types: Sequence[str] = ("authorization_code", "refresh_token")
    scopes: Sequence[str] = (OPENID, "profile")
    resources: Sequence[str] = ()
    legacy_exceptions: Sequence[LegacyException] = ()
    legacy_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A standing invitation."""

    invitation_id: str
    terms: InvitationTerms
    remaining: int
    expires_at: datetime


async def invite_clients(
    terms: InvitationTerms,
    *,
    uses: int,
    expires_at: datetime,
    db: Database,
    ledger: Ledger,
    entropy: Entropy,
    actor: str,
    now: datetime,
    token: str | None = None,
) -> tuple[Invitation, str]:
    """Store an invitation and return it with its token, which is shown now and never again; raises InvalidClientMetadata.

    `token` is made here unless somebody derives it, as a demonstration does that has to find it again.
    """
    _check_terms(terms, now)
    if not 1 <= uses <= MOST_USES:
        raise InvalidClientMetadata("uses", f"1 to {MOST_USES}")
    if not now < expires_at <= now + LONGEST_INVITATION:
        raise InvalidClientMetadata("expires_at", "in the future, at most 90 days ahead")
    token = token or entropy.token()
    invitation = Invitation(entropy.identifier(), terms, uses, expires_at)
    row = {
        "invitation_id": invitation.invitation_id,
        "token_hash": digest_of(token),
        "department_id": terms.department_id,
        "policy": terms.policy,
        "grant_types": sorted(terms.grant_types),
        "scopes": sorted(terms.scopes),
        "resources": sorted(terms.resources),
        "legacy_exceptions": sorted(terms.legacy_exceptions),
        "legacy_until": terms.legacy_until,
        "remaining": uses,
        "expires_at": expires_at,
        "created_by": actor,
        "created_at": now,
    }
    entry = Entry(
        kind="oauth.clients_invited",
        at=now,
        outcome="done",
        actor=actor,
        department=terms.department_id,
        details={
            "invitation": invitation.invitation_id,
            "policy": terms.policy,
            "grant_types": row["grant_types"],
            "scopes": row["scopes"],
            "legacy_exceptions": row["legacy_exceptions"],
            "uses": uses,
            "expires_at": expires_at.isoformat(),
        },
    )
    async with db.transaction() as connection:
        await connection.execute(insert(client_invitations).values(row))
        await ledger.append_in(connection, entry)
    return invitation, token


async def find_invitation(db: Database, token: str, *, now: datetime) -> Invitation | None:
    """Return the invitation of a token while it is good for one more application; spends nothing."""
    async with db.read() as connection:
        rows = await connection.execute(
            select(client_invitations).where(
                client_invitations.c.token_hash == digest_of(token),
                client_invitations.c.remaining > 0,
                client_invitations.c.expires_at > now,
            )
        )
        row = rows.mappings().first()
    return None if row is None else _invitation(row)


async def spend_invitation(connection: AsyncConnection, invitation_id: str, *, now: datetime) -> bool:
    """Take one use; False says that others were faster or that it is over."""
    taken = await connection.execute(
        update(client_invitations)
        .where(
            client_invitations.c.invitation_id == invitation_id,
            client_invitations.c.remaining > 0,
            client_invitations.c.expires_at > now,
        )
        .values(remaining=client_invitations.c.remaining - 1)
    )
    return bool(taken.rowcount)


def digest_of(token: str) -> bytes:
    """Return the SHA-256 by which a registration token is known."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _check_terms(terms: InvitationTerms, now: datetime) -> None:
    policy = POLICIES.get(terms.policy)
    if policy is None:
        raise InvalidClientMetadata("policy", "unknown")
    if not terms.grant_types or not set(terms.grant_types) <= policy.grant_types:
        raise InvalidClientMetadata("grant_types", "not allowed by the policy")
    if unknown := sorted(set(terms.scopes) - set(SCOPES)):
        raise InvalidClientMetadata("scopes", f"unknown scope {unknown[0]!r}")
    for resource in terms.resources:
        check_registrable_uri(resource, member="resources")
    exceptions = set(terms.legacy_exceptions)
    if exceptions and (not policy.has_exceptions or not exceptions <= set(get_args(LegacyException))):
        raise InvalidClientMetadata("legacy_exceptions", "known ones, and only under policy legacy")
    if bool(exceptions) != (terms.legacy_until is not None):
        raise InvalidClientMetadata("legacy_until", "exceptions and their end go together")
    if terms.legacy_until is not None and not now < terms.legacy_until <= now + LONGEST_LEGACY:
        raise InvalidClientMetadata("legacy_until", "in the future, at most one year ahead")


def _invitation(row: Mapping[Any, Any]) -> Invitation:
    return Invitation(
        row["invitation_id"],
        InvitationTerms(
            department_id=row["department_id"],
            policy=row["policy"],
            grant_types=tuple(row["grant_types"]),
            scopes=tuple(row["scopes"]),
            resources=tuple(row["resources"]),
            legacy_exceptions=tuple(row["legacy_exceptions"]),
            legacy_until=row["legacy_until"],
        ),
        row["remaining"],
        row["expires_at"],
    )
