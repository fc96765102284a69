"""Protected holders: for a caller without clearance they are indistinguishable from holders without licenses.

The few references are kept in memory, so that a protected holder costs no statement of its own: the work
done for an answer, and with it the time, is the same with and without protection.
"""

from datetime import datetime

from sqlalchemy import delete, select

from certs_catalog.tables import protected_holders
from certs_catalog.vocabulary import HolderRef
from foundation.changes import Change, ChangeFeed
from foundation.database import Database
from foundation.ledger import Entry, Ledger

TOPIC = "protected-holder"


class ProtectedHolders:
    """The references of every protected holder; read anew after a change was heard."""

    def __init__(self, db: Database, feed: ChangeFeed) -> None:
        self._db = db
        self._indexes: frozenset[bytes] | None = None
        self._changes = 0
        feed.subscribe(TOPIC, self._forget)

    async def load(self) -> frozenset[bytes]:
        """Return the blind indexes of all protected holders. Raises StorageUnavailable."""
        if self._indexes is not None:
            return self._indexes
        changes_before = self._changes
        async with self._db.read() as connection:
            rows = await connection.execute(select(protected_holders.c.holder_index))
            read = frozenset(bytes(row.holder_index) for row in rows)
        if changes_before == self._changes:
            self._indexes = read
        return read

    def _forget(self, _change: Change) -> None:
        self._changes += 1
        self._indexes = None


async def set_protection(
    holder: HolderRef,
    protected: bool,
    *,
    db: Database,
    ledger: Ledger,
    feed: ChangeFeed,
    actor: str,
    now: datetime,
) -> bool:
    """Put a holder under protection, or end it; recorded without naming the holder in the body.

    False when it was so already, and then nothing is recorded.
    """
    change = Change(TOPIC, "all")
    async with db.transaction() as connection:
        if protected:
            statement = db.insert(protected_holders).values(
                holder_index=holder.index, holder_type=holder.type, since=now
            )
            done = await connection.execute(statement.on_conflict_do_nothing())
        else:
            done = await connection.execute(
                delete(protected_holders).where(protected_holders.c.holder_index == holder.index)
            )
        if not done.rowcount:
            return False
        entry = Entry(
            kind="holder.protection",
            at=now,
            outcome="done",
            actor=actor,
            details={"protected": protected},
            personal={"holder": holder.index.hex()},
        )
        await ledger.append_in(connection, entry, changes=[change])
    feed.apply([change])
    return True
