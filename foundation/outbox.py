"""A durable outbox: letters to other systems, written in the transaction of what they tell and delivered at least once.

A letter is a row of any table that has `letter_columns()`. What is due is leased by one worker with one UPDATE, posted outside any
transaction, and settled: for good with its ledger entry, or for another try after a doubling pause, until the last one leaves it `dead`.
A worker that dies with a lease loses it by time; one that is stopped gives it back. Receivers take turns, and each letter is posted on its
own, so one that is slow, down or broken holds up nobody else. What a letter says and what an answer means is known by its room alone.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import anyio
import structlog
from sqlalchemy import Column, ColumnElement, Index, Integer, Row, String, Table, Update, func, select, update

from foundation.database import Database, Instant
from foundation.ledger import Entry, Ledger
from foundation.problems import ServiceUnavailable

log = structlog.get_logger(__name__)

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"

BATCH = 32
CANDIDATES = 5_000
"""Due letters among which a round chooses: enough for every receiver's turn, few enough for one short statement."""
PART_OF_LEASE = 0.8
"""How much of its lease one try may use up, so that it is over before another worker may begin."""
GIVING_BACK = timedelta(seconds=2)


class NotDelivered(Exception):
    """The receiver gave no answer. `problem` is a short word for the record, never the other side's own text."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of a letter: the state it keeps, and in a few words what was wrong, if anything was."""

    state: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The letter did not arrive and may do so later; after the last try it is dead."""

    problem: str


Letter = Row[Any]
"""One leased letter: the whole row as it stands, `attempts` counting the try that is being made."""

Outcome = Settled | TryAgain


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a letter is tried, the pause before the second try, and how long one worker keeps a letter to itself."""

    attempts: int
    first_retry: timedelta
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Outbox:
    """One kind of letters: where they lie, whom they go to, and what is written about their end.

    `receiver` names the column of those who take turns; a letter leaves from the states `due`; the columns `emptied` hold secrets that
    nobody needs after the end. `table` has a primary key of one column.
    """

    table: Table
    receiver: str
    record: Callable[[Letter, Settled, datetime], Entry]
    due: tuple[str, ...] = (WAITING,)
    emptied: tuple[str, ...] = ()


def letter_columns() -> tuple[Column[Any], ...]:
    """Return new columns that make a table's rows letters; `new_letter` gives their first values."""
    return (
        Column("state", String(16), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_attempt_at", Instant, nullable=False),
        Column("leased_by", String(32)),
        Column("last_problem", String(64)),
        Column("created_at", Instant, nullable=False),
        Column("settled_at", Instant),
    )


def letter_indexes(name: str) -> tuple[Index, ...]:
    """Return the indexes of the table `name`: of what is due, and of what housekeeping may forget."""
    return Index(f"ix_{name}_due", "state", "next_attempt_at"), Index(f"ix_{name}_settled_at", "settled_at")


def new_letter(now: datetime, *, state: str = WAITING, due_at: datetime | None = None) -> dict[str, Any]:
    """Return the first values of `letter_columns()`; without `due_at` the letter is due at once."""
    return {
        "state": state,
        "attempts": 0,
        "next_attempt_at": due_at or now,
        "leased_by": None,
        "last_problem": None,
        "created_at": now,
        "settled_at": None,
    }


async def deliver_due(
    outbox: Outbox,
    post: Callable[[Letter], Awaitable[Outcome]],
    *,
    pace: Pace,
    db: Database,
    ledger: Ledger,
    worker: str,
    now: datetime,
) -> int:
    """Try letters that are due, all at the same time, and return how many were tried: at most BATCH.

    `post` makes the message, sends it and says what came of it. `worker` names the process, cut to 32 characters. Raises
    StorageUnavailable when nothing could be leased; leases of a round that storage left half-way run out by themselves.
    """
    round_ = _Round(outbox, post, pace, db, ledger, worker[:32], now)
    leased = await round_.lease()
    try:
        async with anyio.create_task_group() as tasks:
            for letter in leased:
                tasks.start_soon(round_.try_letter, letter)
    except anyio.get_cancelled_exc_class():
        with anyio.move_on_after(GIVING_BACK.total_seconds(), shield=True):
            await round_.give_back(leased)
        raise
    return len(leased)


@dataclass(frozen=True, slots=True)
class _Round:
    """One worker's letters of one moment."""

    outbox: Outbox
    post: Callable[[Letter], Awaitable[Outcome]]
    pace: Pace
    db: Database
    ledger: Ledger
    worker: str
    now: datetime

    @property
    def _key(self) -> Column[Any]:
        (key,) = self.outbox.table.primary_key.columns
        return key

    async def lease(self) -> Sequence[Letter]:
        """Take what is due, each receiver's first letter before anybody's second."""
        column = self.outbox.table.c
        is_due = column.state.in_(self.outbox.due) & (column.next_attempt_at <= self.now)
        found = (
            select(self._key.label("key"), column[self.outbox.receiver].label("receiver"), column.next_attempt_at)
            .where(is_due)
            .order_by(column.next_attempt_at)
            .limit(CANDIDATES)
            .subquery()
        )
        turn = func.row_number().over(partition_by=found.c.receiver, order_by=found.c.next_attempt_at)
        turns = select(found.c.key, found.c.next_attempt_at, turn.label("turn")).subquery()
        picked = select(turns.c.key).order_by(turns.c.turn, turns.c.next_attempt_at).limit(BATCH)
        statement = (
            update(self.outbox.table)
            # Asked again on the row itself: whoever was faster has moved it.
            .where(self._key.in_(picked), is_due)
            .values(
                state=WAITING,
                leased_by=self.worker,
                attempts=column.attempts + 1,
                next_attempt_at=self.now + self.pace.lease,
            )
            .returning(self.outbox.table)
        )
        async with self.db.read() as connection:
            leased = await connection.execute(statement)
            return list(leased)

    async def try_letter(self, letter: Letter) -> None:
        """Post one letter and settle it; nothing that goes wrong with it reaches its neighbours."""
        try:
            await self._settle(letter, await self._outcome(letter))
        except ServiceUnavailable as failure:
            # Storage or signing key gone: the lease runs out and the letter is tried again.
            log.warning("letter.unsettled", box=self.outbox.table.name, code=failure.code, detail=failure.detail)
        except Exception:  # One letter's trouble, whatever it is, ends no other's try; the log has the cause.
            log.exception("letter.unsettled", box=self.outbox.table.name)

    async def give_back(self, leased: Sequence[Letter]) -> None:
        """Let another worker have at once what this one was stopped in; the broken-off try does not count."""
        column = self.outbox.table.c
        statement = (
            update(self.outbox.table)
            .where(
                self._key.in_([getattr(letter, self._key.name) for letter in leased]), column.leased_by == self.worker
            )
            .values(leased_by=None, attempts=column.attempts - 1, next_attempt_at=self.now)
        )
        try:
            async with self.db.read() as connection:
                await connection.execute(statement)
        except ServiceUnavailable as failure:
            log.warning("letter.not_given_back", box=self.outbox.table.name, code=failure.code)

    async def _outcome(self, letter: Letter) -> Outcome:
        outcome: Outcome = TryAgain("timed out")
        with anyio.move_on_after(self.pace.lease.total_seconds() * PART_OF_LEASE):
            try:
                outcome = await self.post(letter)
            except NotDelivered as failed:
                outcome = TryAgain(failed.problem)
            except ServiceUnavailable:
                raise
            except Exception:  # A letter that cannot be made is one letter's trouble; the log has the cause.
                log.exception("letter.not_made", box=self.outbox.table.name)
                outcome = TryAgain("internal fault")
        if isinstance(outcome, TryAgain) and letter.attempts >= self.pace.attempts:
            return Settled(DEAD, outcome.problem)
        return outcome

    async def _settle(self, letter: Letter, outcome: Outcome) -> None:
        problem = outcome.problem and outcome.problem[:64]
        if isinstance(outcome, TryAgain):
            pause = self.pace.first_retry * 2 ** (letter.attempts - 1)
            async with self.db.read() as connection:
                await connection.execute(
                    self._mine(letter).values(next_attempt_at=self.now + pause, leased_by=None, last_problem=problem)
                )
            return
        ended = self._mine(letter).values(
            dict.fromkeys(self.outbox.emptied)
            | {"state": outcome.state, "settled_at": self.now, "leased_by": None, "last_problem": problem}
        )
        async with self.db.transaction() as connection:
            settled = await connection.execute(ended.returning(self._key))
            if settled.first() is not None:
                await self.ledger.append_in(connection, self.outbox.record(letter, outcome, self.now))
        if outcome.state == DEAD:
            receiver = getattr(letter, self.outbox.receiver)
            log.warning("letter.dead", box=self.outbox.table.name, receiver=receiver, problem=problem)

    def _mine(self, letter: Letter) -> Update:
        """Return an UPDATE of the letter that changes nothing once the lease has passed to somebody else."""
        column = self.outbox.table.c
        is_mine: ColumnElement[bool] = (column.leased_by == self.worker) & (column.attempts == letter.attempts)
        return update(self.outbox.table).where(self._key == getattr(letter, self._key.name), is_mine)
