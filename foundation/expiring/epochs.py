"""Noticing that the shared store lost its content, and trusting it again after a hold.

The mark of the content lives in the store and in SQL. Where the two differ, the store was emptied, replaced
or failed over to an older copy. Counters then fail closed for the hold, during which nobody profits from
limits that went back to zero; after it one new mark is agreed by all nodes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.expiring.port import ExpiringStore
from foundation.expiring.redis_store import RedisExpiringStore, open_redis_store
from foundation.expiring.tables import expiring_epochs

STORE = "shared"
HOLD = timedelta(seconds=60)


class Trust(Enum):
    """Whether limits count at present: TRUSTED, or HOLDING after a loss."""

    TRUSTED = "trusted"
    HOLDING = "holding"


@dataclass(frozen=True, slots=True)
class KeptEpoch:
    """The mark SQL remembers, and since when it is known to be lost."""

    epoch: str
    lost_at: datetime | None


async def open_shared_store(url: str, *, db: Database, entropy: Entropy, prefix: str = "rz:") -> RedisExpiringStore:
    """Return the Redis store trusting only the content SQL remembers; call ``mend_epoch`` next, and every
    second from then on.
    """
    async with db.read() as connection:
        kept = await find_epoch(connection)
    return await open_redis_store(url, epoch=entropy.token() if kept is None else kept.epoch, prefix=prefix)


async def mend_epoch(
    db: Database, store: ExpiringStore, *, now: datetime, entropy: Entropy, hold: timedelta = HOLD
) -> Trust:
    """Compare the marks and do what is due; safe on many nodes at once. Raises StoreUnavailable or
    StorageUnavailable.

    First start: agree on a mark. Marks agree: adopt it, in case another node mended. Marks differ: note the
    loss, and once the hold is over set a new mark. A failover back to the content that SQL knows ends the
    hold at once.
    """
    async with db.read() as connection:
        kept = await find_epoch(connection)
    if kept is None:
        mark = await store.acknowledge_flush(entropy.token())
        async with db.transaction() as connection:
            insert = db.insert(expiring_epochs).values(store=STORE, epoch=mark)
            await connection.execute(insert.on_conflict_do_nothing())
        return Trust.TRUSTED
    if await store.epoch() == kept.epoch:
        await store.acknowledge_flush(kept.epoch)
        if kept.lost_at is not None:
            await _keep_epoch(db, kept.epoch)
        return Trust.TRUSTED
    if kept.lost_at is None:
        await _note_loss(db, kept.epoch, now)
        return Trust.HOLDING
    if now < kept.lost_at + hold:
        return Trust.HOLDING
    await _keep_epoch(db, await store.acknowledge_flush(entropy.token()))
    return Trust.TRUSTED


async def find_epoch(connection: AsyncConnection) -> KeptEpoch | None:
    """Return what SQL remembers, or None before the first start."""
    rows = await connection.execute(
        select(expiring_epochs.c.epoch, expiring_epochs.c.lost_at).where(expiring_epochs.c.store == STORE)
    )
    row = rows.first()
    return None if row is None else KeptEpoch(row.epoch, row.lost_at)


async def _note_loss(db: Database, epoch: str, now: datetime) -> None:
    async with db.transaction() as connection:
        await connection.execute(
            update(expiring_epochs)
            .where(
                expiring_epochs.c.store == STORE,
                expiring_epochs.c.epoch == epoch,
                expiring_epochs.c.lost_at.is_(None),
            )
            .values(lost_at=now)
        )


async def _keep_epoch(db: Database, epoch: str) -> None:
    async with db.transaction() as connection:
        await connection.execute(
            update(expiring_epochs).where(expiring_epochs.c.store == STORE).values(epoch=epoch, lost_at=None)
        )
