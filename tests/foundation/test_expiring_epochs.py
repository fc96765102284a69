"""A lost store is noticed by every node, also across restarts, held closed for a while and then trusted
again.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import redis.asyncio

from foundation.database import Database
from foundation.entropy import SystemEntropy
from foundation.expiring import RedisExpiringStore, StoreFlushed, Trust, mend_epoch, open_shared_store

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
LONG = timedelta(minutes=5)
HOLD = timedelta(seconds=60)
ENTROPY = SystemEntropy()


@pytest.fixture
async def db(sqlite_url: str) -> AsyncIterator[Database]:
    """A fresh database."""
    db = Database(sqlite_url)
    yield db
    await db.close()


async def _open(url: str, db: Database) -> RedisExpiringStore:
    return await open_shared_store(url, db=db, entropy=ENTROPY)


async def _mend(db: Database, store: RedisExpiringStore, after: timedelta) -> Trust:
    return await mend_epoch(db, store, now=NOW + after, entropy=ENTROPY, hold=HOLD)


async def _flush(url: str) -> None:
    async with redis.asyncio.Redis.from_url(url) as client:
        await client.flushdb()


async def test_first_nodes_agree_on_one_mark(db: Database, redis_url: str) -> None:
    """Before the first mend nothing counts; afterwards both nodes count on the same counter."""
    one, two = await _open(redis_url, db), await _open(redis_url, db)
    with pytest.raises(StoreFlushed):
        await one.increment("n", LONG)
    assert await _mend(db, one, timedelta()) is Trust.TRUSTED
    assert await _mend(db, two, timedelta()) is Trust.TRUSTED
    assert [await one.increment("n", LONG), await two.increment("n", LONG)] == [1, 2]
    await one.close()
    await two.close()


async def test_restart_with_content_goes_on_and_without_it_holds(db: Database, redis_url: str) -> None:
    """A node that restarts after a flush must not take the empty store for a fresh one."""
    first = await _open(redis_url, db)
    await _mend(db, first, timedelta())
    await first.increment("n", LONG)
    again = await _open(redis_url, db)
    assert await again.increment("n", LONG) == 2
    await _flush(redis_url)
    late = await _open(redis_url, db)
    assert await _mend(db, late, timedelta()) is Trust.HOLDING
    for node in (first, again, late):
        with pytest.raises(StoreFlushed):
            await node.increment("n", LONG)
    assert await _mend(db, late, HOLD / 2) is Trust.HOLDING
    assert await _mend(db, late, HOLD) is Trust.TRUSTED
    assert await _mend(db, first, HOLD) is Trust.TRUSTED
    assert await _mend(db, again, HOLD) is Trust.TRUSTED
    assert [await node.increment("n", LONG) for node in (first, again, late)] == [1, 2, 3]
    for node in (first, again, late):
        await node.close()


async def test_second_flush_is_noticed_like_the_first(db: Database, redis_url: str) -> None:
    """The hold begins anew with every loss."""
    store = await _open(redis_url, db)
    await _mend(db, store, timedelta())
    for number in range(1, 3):
        await _flush(redis_url)
        assert await _mend(db, store, 10 * number * HOLD) is Trust.HOLDING
        with pytest.raises(StoreFlushed):
            await store.hit_window("w", 5, LONG)
        assert await _mend(db, store, 10 * number * HOLD + HOLD) is Trust.TRUSTED
        assert (await store.hit_window("w", 5, LONG)).remaining == 4
    await store.close()
