"""The change feed's word on how fresh it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import ChangeFeed
from foundation.database import Database
from tests.servers import Stack

START = datetime(2026, 5, 18, 1, 0, tzinfo=UTC)


class SlowOnce(Database):
    """A real database whose next reading has to wait for `released`; those after it do not."""

    released: asyncio.Event | None = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """See `Database.read`."""
        wait, self.released = self.released, None
        if wait is not None:
            await wait.wait()
        async with super().read() as connection:
            yield connection


async def test_an_older_reading_never_sets_back_when_the_feed_was_heard(stack: Stack) -> None:
    """A reading that began earlier and ends later would make a worker that has just heard everything refuse everybody."""
    now = START
    db = SlowOnce(stack.database_url)
    feed = ChangeFeed(db, lambda: now)
    await feed.catch_up()
    released = db.released = asyncio.Event()
    older = asyncio.create_task(feed.catch_up())
    await asyncio.sleep(0)
    now += timedelta(days=1)
    newer = asyncio.create_task(feed.catch_up())
    await asyncio.wait([newer], timeout=0.5)
    released.set()
    await asyncio.gather(older, newer)
    feed.check_fresh()
    await db.close()
