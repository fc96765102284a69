"""What every worker must hear: revocations and invalidated caches, in the order in which they were committed.

A change is written in the transaction of the ledger entry that caused it and carries that entry's position. Positions are given
out under a lock that is held until commit, so a reader that has seen position n has seen every change before it: following the
feed is one cheap `position > last`. The worker that made the change applies it at once; the others within `POLL_INTERVAL`.

Invariant: a worker that cannot hear the feed does not trust its caches. `check_fresh` refuses after `STALE_AFTER`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import BigInteger, Column, Index, String, Table, and_, delete, func, or_, select

from foundation.clock import Clock
from foundation.database import Database, Instant, metadata
from foundation.problems import ServiceUnavailable, StorageUnavailable

POLL_INTERVAL = timedelta(milliseconds=300)
STALE_AFTER = timedelta(seconds=5)
KEPT_WITHOUT_EXPIRY = timedelta(days=1)
_PAGE = 2_000

log = structlog.get_logger(__name__)

changes = Table(
    "changes",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", String(32), nullable=False),
    Column("key", String(255), nullable=False),
    Column("at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=True),
    Index("ix_changes_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that every worker must hear: `key` of `topic` is no longer what it was.

    With `expires_at` the change is a standing fact (a revocation) that a starting worker must still learn; without, it only
    invalidates what is cached, and a starting worker has nothing cached. `at` is the instant of its entry, which the feed always
    tells; whoever applies a change at once gives it where the listener asks for it.
    """

    topic: str
    key: str
    expires_at: datetime | None = None
    at: datetime | None = None


class ChangeFeed:
    """This worker's ear on the changes of all workers."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._listeners: dict[str, list[Callable[[Change], None]]] = defaultdict(list)
        self._last = -1
        self._is_marked = False
        self._heard_at: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()

    def subscribe(self, topic: str, callback: Callable[[Change], None]) -> None:
        """Call `callback` for every change of `topic`, possibly twice for one change; it must be quick and must not raise."""
        self._listeners[topic].append(callback)

    def apply(self, heard: Iterable[Change]) -> None:
        """Tell this worker's listeners at once; the ledger calls it after the commit of the worker's own changes."""
        for change in heard:
            for callback in self._listeners[change.topic]:
                callback(change)

    async def mark(self) -> None:
        """Remember where the feed stands; call before caches are filled, so that what is committed meanwhile is heard after all."""
        async with self._db.read() as connection:
            last = (await connection.execute(select(func.max(changes.c.position)))).scalar()
        self._last = -1 if last is None else int(last)
        self._is_marked = True

    async def start(self) -> None:
        """Learn every standing fact, then follow the feed from its mark until `stop`; subscribe before calling it."""
        if not self._is_marked:
            await self.mark()
        now = self._clock()
        async with self._db.read() as connection:
            rows = await connection.execute(select(changes).where(changes.c.expires_at > now))
            standing = [Change(row.topic, row.key, row.expires_at, row.at) for row in rows]
        self.apply(standing)
        self._heard_at = now
        self._task = asyncio.create_task(self._follow(), name="change-feed")

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def check_fresh(self, now: datetime | None = None) -> None:
        """Refuse with ServiceUnavailable when the feed has not been heard for `STALE_AFTER`: a revocation may be missing.

        Without `now` the feed's own clock is asked.
        """
        if self._heard_at is None or (now or self._clock()) - self._heard_at > STALE_AFTER:
            raise StorageUnavailable(detail="change feed not heard")

    async def catch_up(self) -> None:
        """Read everything that was committed since the last reading and apply it.

        One reading at a time: an older one that ended later would set back the moment at which the feed was heard.
        """
        async with self._reading:
            await self._read_on()

    async def _read_on(self) -> None:
        while True:
            asked_at = self._clock()
            async with self._db.read() as connection:
                rows = list(
                    await connection.execute(
                        select(changes)
                        .where(changes.c.position > self._last)
                        .order_by(changes.c.position, changes.c.ordinal)
                        .limit(_PAGE)
                    )
                )
            # A page may end inside the changes of one position; those are read again by the next one.
            whole = len(rows) < _PAGE
            self.apply(Change(row.topic, row.key, row.expires_at, row.at) for row in rows)
            if rows:
                self._last = max(self._last, rows[-1].position if whole else rows[-1].position - 1)
            if whole:
                # Of two readings that overlap, the later one counts.
                self._heard_at = asked_at if self._heard_at is None else max(self._heard_at, asked_at)
                return

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_INTERVAL.total_seconds())
            try:
                await self.catch_up()
            except ServiceUnavailable as failure:
                log.warning("change_feed.unreachable", detail=failure.detail)


async def forget_expired_changes(db: Database, *, now: datetime) -> int:
    """Delete changes that nobody can need any more and return how many; called by the leased housekeeping job."""
    async with db.transaction() as connection:
        done = await connection.execute(
            delete(changes).where(
                or_(
                    changes.c.expires_at <= now,
                    and_(changes.c.expires_at.is_(None), changes.c.at <= now - KEPT_WITHOUT_EXPIRY),
                )
            )
        )
    return done.rowcount
