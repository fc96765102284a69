"""Sealing again what lies in the database under a former key, after the sealing key was rotated.

Each room names its sealed columns; the pass walks them by primary key in short batches, beside nodes that serve. A value is written
back only where the very octets that were read still stand, so a change made meanwhile is never undone. What is sealed under the
active key already is passed over: an interrupted pass is repeated from the beginning and finds only the rest to do.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Column, LargeBinary, bindparam, func, select, update

from foundation.clock import Clock
from foundation.database import Database, TransactionConflict
from foundation.leases import give_lease_back, take_lease
from foundation.sealing import LONGEST_HEAD, SealBroken, Sealer

LEASE = "reseal"
LEASE_TERM = timedelta(seconds=30)
"""As long after a pass was killed the next one begins."""
BATCH = 200
COUNTED_AT_ONCE = 2_000
_TRIES = 5
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """One column of sealed values in a table with one primary key column.

    The values of a row open in `context`, followed by a colon and the value of `bound_to` where they are bound to their row.
    """

    column: Column[Any]
    context: str
    bound_to: Column[Any] | None = None

    @property
    def name(self) -> str:
        """The column as an operator knows it: `table.column`."""
        return f"{self.column.table.name}.{self.column.name}"

    @property
    def key(self) -> Column[Any]:
        """The primary key of its table."""
        (key,) = self.column.table.primary_key.columns
        return key


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the pass over one column is: values written of those that were left at its beginning.

    `broken` names, by primary key, the values that do not open with any key of the ring; they are left as they are.
    """

    column: str
    done: int
    total: int
    broken: tuple[str, ...] = ()


Tell = Callable[[Progress], None]


class ResealUnderWay(Exception):
    """Another process is at it, or was killed less than `LEASE_TERM` ago."""


@dataclass(frozen=True, slots=True)
class _Value:
    key: Any
    context: str
    sealed: bytes


async def count_left(column: SealedColumn, *, db: Database, sealer: Sealer) -> int:
    """Return how many values are sealed under another key than the active one. Raises StorageUnavailable."""
    head = func.substr(column.column, 1, LONGEST_HEAD, type_=LargeBinary)
    left = 0
    async for page in _pages(db, column, head, COUNTED_AT_ONCE):
        left += sum(sealer.needs_reseal(bytes(row[1])) for row in page)
    return left


async def reseal_columns(
    columns: Sequence[SealedColumn], *, db: Database, sealer: Sealer, holder: str, clock: Clock, tell: Tell
) -> tuple[Progress, ...]:
    """Seal everything in these columns under the active key and return what was done; `tell` hears of every batch.

    One process at a time. Raises ResealUnderWay or StorageUnavailable; what was done by then stays done.
    """
    lease = _Lease(db, holder, clock)
    try:
        await _to_its_end(lease.keep())
        return tuple([await _reseal_column(one, db, sealer, lease, tell) for one in columns])
    finally:
        await _to_its_end(give_lease_back(db, LEASE, holder=holder))


class _Lease:
    """The right to be the only pass; asked for again well before it ends."""

    def __init__(self, db: Database, holder: str, clock: Clock) -> None:
        self._db = db
        self._holder = holder
        self._clock = clock
        self._due: datetime | None = None

    async def keep(self) -> None:
        """Take or prolong the lease when it is time; raises ResealUnderWay when somebody else has it."""
        now = self._clock()
        if self._due is not None and now < self._due:
            return
        if not await take_lease(self._db, LEASE, holder=self._holder, term=LEASE_TERM, now=now):
            raise ResealUnderWay
        self._due = now + LEASE_TERM / 3


async def _reseal_column(column: SealedColumn, db: Database, sealer: Sealer, lease: _Lease, tell: Tell) -> Progress:
    progress = Progress(column.name, 0, await count_left(column, db=db, sealer=sealer))
    tell(progress)
    async for page in _pages(db, column, column.column, BATCH):
        due = [value for value in (_value_of(column, row) for row in page) if sealer.needs_reseal(value.sealed)]
        await _to_its_end(lease.keep())
        if not due:
            continue
        done, broken = await _to_its_end(_reseal_values(column, due, db, sealer))
        # More than was left at first: a node that does not have the new key in front yet has sealed meanwhile.
        total = max(progress.total, progress.done + done)
        progress = Progress(column.name, progress.done + done, total, progress.broken + broken)
        tell(progress)
    return progress


async def _reseal_values(
    column: SealedColumn, due: Sequence[_Value], db: Database, sealer: Sealer
) -> tuple[int, tuple[str, ...]]:
    fresh: list[dict[str, Any]] = []
    broken: list[str] = []
    for value in due:
        try:
            resealed = sealer.reseal(value.sealed, context=value.context)
        except SealBroken:
            broken.append(_shown(value.key))
        else:
            fresh.append({"at_key": value.key, "was": value.sealed, "becomes": resealed})
    replace = (
        update(column.column.table)
        .where(column.key == bindparam("at_key"), column.column == bindparam("was"))
        .values({column.column: bindparam("becomes")})
    )
    if fresh:
        await _write(db, replace, fresh)
    return len(fresh), tuple(broken)


async def _to_its_end(step: Coroutine[Any, Any, Result]) -> Result:
    """Do a short step whole, also when the pass is cancelled meanwhile: half a transaction would keep the nodes waiting."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def _write(db: Database, statement: Any, rows: list[dict[str, Any]]) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            async with db.transaction() as connection:
                await connection.execute(statement, rows)
            return
        except TransactionConflict:
            # A serving node held two of these rows in another order; it goes first.
            if attempt == _TRIES:
                raise
            await asyncio.sleep(0.05 * attempt)


async def _pages(
    db: Database, column: SealedColumn, wanted: Any, size: int
) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    """Yield the rows (key, `wanted`, what they are bound to) whose value is not null, in order of the key, each page one statement."""
    more = [] if column.bound_to is None else [column.bound_to]
    walk = select(column.key, wanted.label("wanted"), *more).order_by(column.key).limit(size)
    last: Any = None
    while True:
        statement = walk if last is None else walk.where(column.key > last)
        async with db.read() as connection:
            rows = [tuple(row) for row in await connection.execute(statement)]
        yield [row for row in rows if row[1] is not None]
        if len(rows) < size:
            return
        last = rows[-1][0]


def _value_of(column: SealedColumn, row: tuple[Any, ...]) -> _Value:
    context = column.context if column.bound_to is None else f"{column.context}:{row[2]}"
    return _Value(row[0], context, bytes(row[1]))


def _shown(key: Any) -> str:
    return key.hex() if isinstance(key, bytes) else str(key)
