"""The attempt counters in SQL: read under a lock, decided by a pure rule, written back in the same transaction.

They live in the database, not in Redis, because a flush must not give anybody new tries. Callers that count one attempt against
several counters name them in one order (account before pair, person before network), so that no two wait for each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from foundation.database import Database
from idp.signin.tables import attempt_counters
from idp.signin.throttling import Counted, Counter, Held, Window, count_attempt

KEPT_WHEN_QUIET = timedelta(days=30)
PASSWORD_ACCOUNT = "password.account"
PASSWORD_DEVICE_ACCOUNT = "password.known-device"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One counter an attempt is counted against; `subject` is a blind index or a hash, never a name or a number."""

    scope: str
    subject: bytes
    rule: Callable[[Counter], Counted | Held]


def within(scope: str, subject: bytes, *windows: Window, now: datetime) -> Attempt:
    """Return an attempt that is held by sliding windows."""
    return Attempt(scope, subject, lambda counter: count_attempt(counter, windows, now=now))


async def reserve_attempts(
    db: Database, connection: AsyncConnection, attempts: Sequence[Attempt], *, now: datetime
) -> Held | None:
    """Count one attempt against every counter if all agree, else against none; returns None when it may be made."""
    counted: list[tuple[Attempt, Counter]] = []
    for attempt in attempts:
        verdict = attempt.rule(await _lock(db, connection, attempt, now=now))
        if isinstance(verdict, Held):
            return verdict
        counted.append((attempt, verdict.counter))
    for attempt, counter in counted:
        await connection.execute(_WRITE_BACK, {**_named(attempt), **_columns(counter), "last_at": now})
    return None


async def forget_attempts(connection: AsyncConnection, *, scope: str, subject: bytes) -> None:
    """Forget the counter of one subject, after a success."""
    await connection.execute(_FORGET, {"of_scope": scope, "of_subject": subject})


async def forget_quiet_counters(db: Database, *, now: datetime) -> int:
    """Delete counters without attempts for thirty days and return how many; a stopped password stays stopped."""
    async with db.transaction() as connection:
        done = await connection.execute(
            delete(attempt_counters).where(
                attempt_counters.c.last_at < now - KEPT_WHEN_QUIET,
                attempt_counters.c.scope.not_in((PASSWORD_ACCOUNT, PASSWORD_DEVICE_ACCOUNT)),
            )
        )
    return done.rowcount


async def _lock(db: Database, connection: AsyncConnection, attempt: Attempt, *, now: datetime) -> Counter:
    """Make the row exist and lock it in one statement: a success elsewhere may delete it at any moment between two."""
    fresh = {"scope": attempt.scope, "subject": attempt.subject, **_columns(Counter()), "last_at": now}
    row = (await connection.execute(db.kept(_locking), fresh)).one()
    hits = tuple(_EPOCH + timedelta(milliseconds=hit) for hit in row.hits)
    return Counter(hits, row.consecutive, row.blocks, row.blocked_until)


def _locking(db: Database) -> ReturningInsert[Any]:
    fresh = db.insert(attempt_counters)
    return fresh.on_conflict_do_update(
        index_elements=["scope", "subject"], set_={"scope": fresh.excluded.scope}
    ).returning(attempt_counters)


_OF_ONE = (attempt_counters.c.scope == bindparam("of_scope")) & (attempt_counters.c.subject == bindparam("of_subject"))
_WRITE_BACK = update(attempt_counters).where(_OF_ONE)
_FORGET = delete(attempt_counters).where(_OF_ONE)


def _named(attempt: Attempt) -> dict[str, object]:
    return {"of_scope": attempt.scope, "of_subject": attempt.subject}


def _columns(counter: Counter) -> dict[str, object]:
    return {
        "hits": [(hit - _EPOCH) // timedelta(milliseconds=1) for hit in counter.hits],
        "consecutive": counter.consecutive,
        "blocks": counter.blocks,
        "blocked_until": counter.blocked_until,
    }
