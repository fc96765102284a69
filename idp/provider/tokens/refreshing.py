"""Refresh tokens: one family per grant, a generation counter, and one conditional UPDATE for the rotations of a batch.

A token reads `<family>.<generation>.<secret>`. Only the newest generation is accepted; an older one shows
that somebody else holds a copy, and ends the whole family (RFC 9700 §4.14.2). The family's name is
unguessable and stands nowhere else, so nobody without a token of the family can end it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnClause,
    FromClause,
    Integer,
    LargeBinary,
    String,
    Update,
    bindparam,
    column,
    func,
    select,
    update,
    values,
)

from foundation.batching import Coalescer
from foundation.database import Database, Instant, TransactionConflict
from foundation.entropy import Entropy
from foundation.ledger import Insert
from foundation.problems import StorageUnavailable
from foundation.values import value_type
from idp.provider.tables import oauth_grants, refresh_families
from idp.provider.tokens.granting import Grant, grant_of_row
from idp.provider.tokens.standing import standing_grants

_FORM = re.compile(
    r"(?P<family>[0-9a-f]{32})\.(?P<generation>[1-9][0-9]{0,8})\.(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII
)


@value_type
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


@value_type
class RefreshFamily:
    """What the database says of a family; it ends with its grant."""

    family_id: str
    client_id: str
    generation: int
    confirmation: str | None
    """What its tokens are bound to; `sender_constraint.parse_confirmation` reads it."""
    grant: Grant


@value_type
class Rotation:
    """One wish to replace the newest token of a family by its successor, or to prolong it where both are the same."""

    presented: RefreshToken
    successor: RefreshToken
    client_id: str
    idle_until: datetime
    now: datetime


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
    confirmation: str | None,
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
        "confirmation": confirmation,
    }
    return token, Insert(refresh_families, row)


def successor_of(presented: RefreshToken, *, entropy: Entropy) -> RefreshToken:
    """Return the next generation of a token."""
    return RefreshToken(presented.family_id, presented.generation + 1, entropy.token())


def is_reuse(presented: RefreshToken, family: RefreshFamily, client_id: str) -> bool:
    """Tell whether a refused token is an older generation in the hands of the family's own client."""
    return family.client_id == client_id and presented.generation < family.generation


class RefreshFamilies:
    """Finds families and rotates their tokens, each for all callers of a batch in one statement; share one per process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reads: Coalescer[str, RefreshFamily] = Coalescer(self._fetch)
        self._rotations: Coalescer[Rotation, bool | StorageUnavailable] = Coalescer(self._rotate)
        family = refresh_families.c
        self._by_id = (
            select(family.family_id, family.generation, family.confirmation, oauth_grants)
            .join(oauth_grants, oauth_grants.c.grant_id == family.grant_id)
            .where(db.among(family.family_id, "families"))
        )
        self._in_one = _rotate_to(_rows_of_arrays())

    async def find(self, family_id: str) -> RefreshFamily | None:
        """Return the family, also when its grant was ended."""
        return await self._reads.load(family_id)

    async def rotate(self, rotation: Rotation) -> bool:
        """Replace the presented token if it is the newest one, alive and the client's; False says that nothing was changed.

        Alive means as well: neither the grant nor its session was ended, the account is open, and an officer still
        holds the post. One statement decides among all nodes, and `find` tells afterwards why it refused.
        """
        outcome = await self._rotations.load(rotation)
        if isinstance(outcome, StorageUnavailable):
            raise outcome
        return outcome is not None

    async def _fetch(self, family_ids: Sequence[str]) -> Mapping[str, RefreshFamily]:
        async with self._db.read() as connection:
            rows = await connection.execute(self._by_id, {"families": list(family_ids)})
            return {row["family_id"]: _family(row) for row in rows.mappings()}

    async def _rotate(self, rotations: Sequence[Rotation]) -> Mapping[Rotation, bool | StorageUnavailable]:
        try:
            async with self._db.read() as connection:
                written = {digest for (digest,) in await connection.execute(*self._statement(rotations))}
        except TransactionConflict:
            # Another node holds some of these rows and waits for others. Nothing was done; single rows are waited for in line.
            if len(rotations) == 1:
                raise
            return await self._rotate_singly(rotations)
        # Of two wishes for one token the database took one, and this says which: its successor is what was written.
        return {rotation: True for rotation in rotations if rotation.successor.digest in written}

    async def _rotate_singly(self, rotations: Sequence[Rotation]) -> Mapping[Rotation, bool | StorageUnavailable]:
        outcomes: dict[Rotation, bool | StorageUnavailable] = {}
        for place, rotation in enumerate(rotations):
            try:
                outcomes.update(await self._rotate([rotation]))
            except StorageUnavailable as failure:
                # What was written before is answered; whoever is left would wait for the same storage as long again.
                outcomes.update(dict.fromkeys(rotations[place:], failure))
                break
        return outcomes

    def _statement(self, rotations: Sequence[Rotation]) -> tuple[Update, Mapping[str, Any]]:
        # In ascending order, in which an index is asked for them: two nodes with common families mostly wait in one direction.
        rows = sorted((_row(rotation) for rotation in rotations), key=lambda row: row[0])
        if self._db.dialect == "postgresql":
            # One text for every length of batch, prepared once.
            return self._in_one, {
                asked.name: list(cells) for asked, cells in zip(_ASKED, zip(*rows, strict=True), strict=True)
            }
        return _rotate_to(values(*_ASKED, name="asked").data(rows).cte("asked")), {}


# The columns of a batch of rotations, in the order in which `_row` gives their values. None is named like a column of the table,
# whose own names are taken in an UPDATE.
_ASKED: tuple[ColumnClause[Any], ...] = (
    column("of_family", String),
    column("presented_hash", LargeBinary),
    column("by_client", String),
    column("next_generation", Integer),
    column("next_hash", LargeBinary),
    column("idle_until", Instant),
    column("asked_at", Instant),
)


def _row(rotation: Rotation) -> tuple[Any, ...]:
    presented, successor = rotation.presented, rotation.successor
    return (
        presented.family_id,
        presented.digest,
        rotation.client_id,
        successor.generation,
        successor.digest,
        rotation.idle_until,
        rotation.now,
    )


def _rows_of_arrays() -> FromClause:
    """Return the rows as PostgreSQL takes them: one array for each column."""
    arrays = (bindparam(asked.name, type_=ARRAY(asked.type)) for asked in _ASKED)
    return func.unnest(*arrays).table_valued(*_ASKED, name="asked").render_derived()


def _rotate_to(asked: FromClause) -> Update:
    family = refresh_families.c
    return (
        update(refresh_families)
        .where(
            family.family_id == asked.c.of_family,
            # The hash is that of the whole token, with its generation.
            family.token_hash == asked.c.presented_hash,
            family.client_id == asked.c.by_client,
            family.idle_expires_at > asked.c.asked_at,
            family.absolute_expires_at > asked.c.asked_at,
            standing_grants().where(oauth_grants.c.grant_id == family.grant_id).exists(),
        )
        .values(generation=asked.c.next_generation, token_hash=asked.c.next_hash, idle_expires_at=asked.c.idle_until)
        .returning(family.token_hash)
    )


def _family(row: Mapping[Any, Any]) -> RefreshFamily:
    # The client of a family is that of its grant.
    return RefreshFamily(row["family_id"], row["client_id"], row["generation"], row["confirmation"], grant_of_row(row))
