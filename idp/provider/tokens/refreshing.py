"""Refresh tokens: one family per grant, a generation counter, and one conditional UPDATE for each rotation.

A token reads `<family>.<generation>.<secret>`. Only the newest generation is accepted; an older one shows
that somebody else holds a copy, and ends the whole family (RFC 9700 §4.14.2). The family's name is
unguessable and stands nowhere else, so nobody without a token of the family can end it.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.ledger import Insert
from idp.provider.proof.sender_constraint import Confirmation
from idp.provider.tables import oauth_grants, refresh_families
from idp.provider.tokens.standing import standing_grants

_FORM = re.compile(
    r"(?P<family>[0-9a-f]{32})\.(?P<generation>[1-9][0-9]{0,8})\.(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as it was presented or made; never logged, never stored."""

    family_id: str
    generation: int
    secret: str

    def __str__(self) -> str:
        return f"{self.family_id}.{self.generation}.{self.secret}"

    @property
    def digest(self) -> bytes:
        """The SHA-256 that is stored."""
        return hashlib.sha256(str(self).encode("ascii")).digest()


@dataclass(frozen=True, slots=True)
class RefreshFamily:
    """What the database says of a family."""

    family_id: str
    grant_id: str
    client_id: str
    generation: int
    token_hash: bytes
    idle_expires_at: datetime
    absolute_expires_at: datetime
    ended_at: datetime | None
    confirmation: str | None
    """What its tokens are bound to; `sender_constraint.parse_confirmation` reads it."""


def parse_refresh_token(text: str) -> RefreshToken | None:
    """Return the parts, or None when the text cannot be one of ours."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    return RefreshToken(match["family"], int(match["generation"]), match["secret"])


def new_family(
    *,
    grant_id: str,
    client_id: str,
    idle: timedelta,
    absolute: timedelta,
    confirmation: Confirmation | None,
    entropy: Entropy,
    now: datetime,
) -> tuple[RefreshToken, Insert]:
    """Return the first token of a new family and its row, to be written with the ledger entry of its issue."""
    token = RefreshToken(entropy.identifier(), 1, entropy.token())
    row = {
        "family_id": token.family_id,
        "grant_id": grant_id,
        "client_id": client_id,
        "generation": token.generation,
        "token_hash": token.digest,
        "idle_expires_at": min(now + idle, now + absolute),
        "absolute_expires_at": now + absolute,
        "created_at": now,
        "confirmation": None if confirmation is None else str(confirmation),
    }
    return token, Insert(refresh_families, row)


async def rotate(
    db: Database,
    presented: RefreshToken,
    *,
    client_id: str,
    idle: timedelta,
    rotates: bool,
    entropy: Entropy,
    now: datetime,
) -> tuple[RefreshToken, RefreshFamily] | None:
    """Replace the presented token by the next generation, if it is the newest one, alive and the client's.

    When it does not rotate, the same token stays and its idle time begins anew.

    Alive means as well: neither the grant nor its session was ended, the account is open, and an officer still
    holds the post.

    One statement decides among all nodes; None says that nothing was changed, and `find_family` tells why.
    """
    next_generation = RefreshToken(presented.family_id, presented.generation + 1, entropy.token())
    successor = next_generation if rotates else presented
    family = refresh_families.c
    async with db.read() as connection:
        rows = await connection.execute(
            update(refresh_families)
            .where(
                family.family_id == presented.family_id,
                family.generation == presented.generation,
                family.token_hash == presented.digest,
                family.client_id == client_id,
                family.idle_expires_at > now,
                family.absolute_expires_at > now,
                standing_grants().where(oauth_grants.c.grant_id == family.grant_id).exists(),
            )
            .values(generation=successor.generation, token_hash=successor.digest, idle_expires_at=now + idle)
            .returning(refresh_families)
        )
        row = rows.mappings().first()
    return None if row is None else (successor, _family(row))


async def find_family(db: Database, family_id: str) -> RefreshFamily | None:
    """Return the family, ended or not: it ends with its grant, and when that is gone."""
    columns = [column for column in refresh_families.columns if column.name != "ended_at"]
    query = (
        select(*columns, oauth_grants.c.ended_at)
        .join(oauth_grants, oauth_grants.c.grant_id == refresh_families.c.grant_id)
        .where(refresh_families.c.family_id == family_id)
    )
    async with db.read() as connection:
        rows = await connection.execute(query)
        row = rows.mappings().first()
    return None if row is None else _family(row)


def is_reuse(presented: RefreshToken, family: RefreshFamily, client_id: str) -> bool:
    """Tell whether a refused token is an older generation in the hands of the family's own client."""
    return family.client_id == client_id and presented.generation < family.generation


def _family(row: Mapping[Any, Any]) -> RefreshFamily:
    return RefreshFamily(**{name: row[name] for name in RefreshFamily.__dataclass_fields__})
