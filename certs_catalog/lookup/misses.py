"""Enumeration is noticed: an officer who keeps asking about what is not there is blocked, and the auditor
is told.

A miss is a lookup that found nothing, or whose case was unknown or about somebody else. A confirmed absence
of a type of which absence is an ordinary finding (no title, no mortgage) is an answer, not a miss. The rule
looks at the officer's last lookups since the last block; it is decided in SQL, so neither a restart nor an
emptied store forgets it.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from certs_catalog.limits import LookupLimits
from certs_catalog.reasons.authorisation import OFFICER_BLOCKED
from certs_catalog.tables import accesses, officer_blocks
from foundation.changes import Change, ChangeFeed
from foundation.database import Database
from foundation.entropy import Entropy
from foundation.ledger import POSITION, Entry, Insert, Ledger

TOPIC = "officer-block"


class OfficerBlocks:
    """Who is blocked until when; the few rows are kept in memory and read anew after a change was heard."""

    def __init__(self, db: Database, feed: ChangeFeed) -> None:
        self._db = db
        self._until: dict[str, datetime] | None = None
        self._changes = 0
        feed.subscribe(TOPIC, self._forget)

    async def is_blocked(self, officer_id: str, *, now: datetime) -> bool:
        """Whether the officer is blocked at this instant. Raises StorageUnavailable."""
        blocks = self._until if self._until is not None else await self.load(now=now)
        until = blocks.get(officer_id)
        return until is not None and now < until

    async def load(self, *, now: datetime) -> dict[str, datetime]:
        """Read every block that still lasts."""
        changes_before = self._changes
        async with self._db.read() as connection:
            rows = await connection.execute(
                select(officer_blocks.c.officer_id, func.max(officer_blocks.c.until).label("until"))
                .where(officer_blocks.c.until > now)
                .group_by(officer_blocks.c.officer_id)
            )
            read = {row.officer_id: row.until for row in rows}
        if changes_before == self._changes:
            self._until = read
        return read

    def _forget(self, _change: Change) -> None:
        self._changes += 1
        self._until = None


async def block_after_misses(
    officer_id: str,
    *,
    department_id: str,
    db: Database,
    ledger: Ledger,
    entropy: Entropy,
    limits: LookupLimits,
    now: datetime,
) -> bool:
    """Look at the officer's last lookups after a recorded miss, and block when too many of them are misses."""
    since = select(func.max(officer_blocks.c.since_position)).where(officer_blocks.c.officer_id == officer_id)
    last = (
        select(accesses.c.is_miss)
        .where(
            accesses.c.officer_id == officer_id,
            accesses.c.is_leading,
            accesses.c.position > func.coalesce(since.scalar_subquery(), -1),
        )
        .order_by(accesses.c.position.desc())
        .limit(limits.miss_window)
    )
    async with db.read() as connection:
        misses = sum(1 for row in await connection.execute(last) if row.is_miss)
    if misses * 100 <= limits.miss_percent * limits.miss_window:
        return False
    row = {
        "block_id": entropy.identifier(),
        "officer_id": officer_id,
        "since_position": POSITION,
        "until": now + timedelta(seconds=limits.miss_block_seconds),
        "misses": misses,
    }
    await ledger.append(
        Entry(
            kind="license.alarm",
            at=now,
            outcome="done",
            code=OFFICER_BLOCKED.code,
            actor="system:miss-rule",
            department=department_id,
            details={"officer": officer_id, "misses": misses, "window": limits.miss_window},
        ),
        inserts=[Insert(officer_blocks, row)],
        changes=[Change(TOPIC, officer_id)],
    )
    return True
