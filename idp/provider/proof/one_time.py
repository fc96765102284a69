"""Values that count once among all nodes: identifiers of client assertions, DPoP proofs and request objects (`jti`).

A use is one INSERT of a digest under a unique key; what is there already was used. The statement commits by itself, so a value that was
spent for a request that fails afterwards stays spent. Redis is never asked: it may forget (RFC 7523 §3, RFC 9449 §11.1).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, LargeBinary, bindparam, func, select

from foundation.database import Database, Instant
from idp.provider.tables import one_time_values

if TYPE_CHECKING:
    from idp.provider.composition import Provider

OneTimeUse = tuple[bytes, datetime]
"""(digest, when the row may be forgotten)"""


class OneTimeUses:
    """Records uses, those of all callers of a batch in one statement."""

    def __init__(self, db: Database) -> None:
        self._db = db
        insert = db.insert(one_time_values)
        self._in_one = (
            insert.from_select(
                ["digest", "expires_at"],
                select(
                    func.unnest(bindparam("digests", type_=ARRAY(LargeBinary))),
                    func.unnest(bindparam("ends", type_=ARRAY(Instant))),
                ),
            )
            .on_conflict_do_nothing()
            .returning(one_time_values.c.digest)
        )

    async def record(self, uses: Sequence[OneTimeUse]) -> Mapping[OneTimeUse, bool]:
        """Insert what is new and return it; of two uses of one value in a batch the first counts."""
        first: dict[bytes, datetime] = {}
        for digest, expires_at in uses:
            first.setdefault(digest, expires_at)
        # In ascending order, so that two nodes with common values wait for each other in one direction alone.
        rows = sorted(first.items())
        async with self._db.read() as connection:
            won = await connection.execute(*self._statement(rows))
            new = [digest for (digest,) in won]
        return {(digest, first[digest]): True for digest in new}

    def _statement(self, rows: Sequence[OneTimeUse]) -> tuple[Any, Any]:
        if self._db.dialect == "postgresql":
            # One text for every length of batch, prepared once.
            return self._in_one, {"digests": [row[0] for row in rows], "ends": [row[1] for row in rows]}
        values = [{"digest": digest, "expires_at": expires_at} for digest, expires_at in rows]
        insert = self._db.insert(one_time_values).values(values)
        return insert.on_conflict_do_nothing().returning(one_time_values.c.digest), None


async def use_once(kind: str, value: str, *, expires_at: datetime, provider: "Provider") -> bool:
    """Tell whether this is the first use of the value among all nodes; it is on record when this returns.

    `kind` keeps values of different meaning apart. `expires_at` is when whatever carries the value is refused anyway. Raises
    StorageUnavailable, in which case the request must be refused: nobody knows.
    """
    digest = hashlib.sha256(f"{kind}\n{value}".encode("utf-8", "surrogatepass")).digest()
    return await provider.one_time.claim((digest, expires_at)) is not None
