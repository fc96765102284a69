"""The durable outbox: once each, in turns, again after a pause, and never lost by a worker that stops."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, String, Table, insert, select

from foundation.ledger import Entry
from foundation.outbox import (
    BATCH,
    DELIVERED,
    Letter,
    NotDelivered,
    Outbox,
    Outcome,
    Pace,
    Settled,
    TryAgain,
    deliver_due,
    letter_columns,
    letter_indexes,
    new_letter,
)
from tests.foundation.ledger.world import NOW, LedgerWorld, open_ledger
from tests.servers import Stack

SECOND = timedelta(seconds=1)
PACE = Pace(attempts=3, first_retry=2 * SECOND, lease=30 * SECOND)

PARCELS = Table(
    "outbox_parcels",
    MetaData(),
    Column("parcel_id", String(32), primary_key=True),
    Column("addressee", String(32), nullable=False),
    Column("secret", String(32)),
    *letter_columns(),
    *letter_indexes("outbox_parcels"),
)

Post = Callable[[Letter], Awaitable[Outcome]]


def _record(letter: Letter, end: Settled, now: datetime) -> Entry:
    return Entry(kind="test.parcel", at=now, outcome="done", details={"parcel": letter.parcel_id, "state": end.state})


BOX = Outbox(table=PARCELS, receiver="addressee", record=_record, emptied=("secret",))


@dataclass
class Office:
    """A node that writes and delivers parcels."""

    world: LedgerWorld

    async def write(self, *parcels: tuple[str, str], at: datetime = NOW) -> None:
        rows = [
            {"parcel_id": name, "addressee": addressee, "secret": "s", **new_letter(at)} for name, addressee in parcels
        ]
        async with self.world.db.transaction() as connection:
            await connection.execute(insert(PARCELS), rows)

    async def deliver(self, post: Post, *, worker: str = "w1", now: datetime = NOW, pace: Pace = PACE) -> int:
        return await deliver_due(
            BOX, post, pace=pace, db=self.world.db, ledger=self.world.ledger, worker=worker, now=now
        )

    async def parcels(self) -> dict[str, Any]:
        async with self.world.db.read() as connection:
            return {row.parcel_id: row for row in await connection.execute(select(PARCELS))}

    async def until(self, name: str, **reached: object) -> None:
        """Wait until the parcel's row has these values."""
        for _ in range(2_000):
            parcel = (await self.parcels())[name]
            if all(getattr(parcel, column) == value for column, value in reached.items()):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{name} never became {reached}")

    async def recorded(self) -> int:
        """Return how many ends are on record."""
        return await self.world.seal()


@asynccontextmanager
async def open_office(stack: Stack, like: Office | None = None) -> AsyncIterator[Office]:
    async with open_ledger(stack.database_url, like.world if like else None) as world:
        if like is None:
            async with world.db.transaction() as connection:
                await connection.run_sync(PARCELS.metadata.create_all)
        yield Office(world)


@pytest.fixture
async def office(stack: Stack) -> AsyncIterator[Office]:
    async with open_office(stack) as opened:
        yield opened


async def take(_letter: Letter) -> Outcome:
    """A receiver to whom everything arrives."""
    return Settled(DELIVERED)


async def lose(_letter: Letter) -> Outcome:
    """A receiver that answers nothing."""
    raise NotDelivered("no connection")


async def test_a_letter_is_tried_with_doubling_pauses_and_then_dead(office: Office) -> None:
    """Not before its time, not more often than the pace says; the end is on record once and the secret is gone."""
    await office.write(("p", "a"))
    tried = [await office.deliver(lose, now=NOW + seconds * SECOND) for seconds in (0, 1, 2, 5, 6, 14, 100)]
    assert tried == [1, 0, 1, 0, 1, 0, 0]
    parcel = (await office.parcels())["p"]
    assert (parcel.state, parcel.attempts, parcel.last_problem) == ("dead", 3, "no connection")
    assert (parcel.secret, parcel.leased_by, parcel.settled_at) == (None, None, NOW + 6 * SECOND)
    assert await office.recorded() == 1


async def test_a_letter_that_arrives_later_is_delivered(office: Office) -> None:
    """A receiver that says to try again hears again."""
    await office.write(("p", "a"))

    async def busy(_letter: Letter) -> Outcome:
        return TryAgain("status 503" + "x" * 100)

    await office.deliver(busy)
    waiting = (await office.parcels())["p"]
    assert (waiting.state, waiting.secret, len(waiting.last_problem)) == ("waiting", "s", 64)
    assert await office.deliver(take, now=NOW + 2 * SECOND) == 1
    assert (await office.parcels())["p"].state == "delivered"


async def test_receivers_take_turns(office: Office) -> None:
    """One who is owed much keeps nobody waiting who is owed little."""
    await office.write(*((f"many-{number}", "busy") for number in range(3 * BATCH)))
    await office.write(("one", "quiet"), at=NOW + SECOND)
    seen: Counter[str] = Counter()

    async def counted(letter: Letter) -> Outcome:
        seen[letter.addressee] += 1
        return Settled(DELIVERED)

    assert await office.deliver(counted, now=NOW + 2 * SECOND) == BATCH
    assert seen == {"busy": BATCH - 1, "quiet": 1}


async def test_a_slow_or_broken_receiver_holds_up_nobody(office: Office) -> None:
    """The others are settled while one is still being waited for, and though one letter cannot even be made."""
    await office.write(("slow", "a"), ("broken", "b"), ("good", "c"))
    others_done = asyncio.Event()

    async def post(letter: Letter) -> Outcome:
        if letter.parcel_id == "slow":
            await others_done.wait()
        if letter.parcel_id == "broken":
            raise ValueError("cannot be made")
        return Settled(DELIVERED)

    async with asyncio.timeout(60):
        round_ = asyncio.create_task(office.deliver(post))
        await office.until("good", state="delivered")
        assert (await office.parcels())["slow"].leased_by == "w1"
        others_done.set()
        assert await round_ == 3
    parcels = await office.parcels()
    assert {name: row.state for name, row in parcels.items()} == {
        "slow": "delivered",
        "good": "delivered",
        "broken": "waiting",
    }
    assert parcels["broken"].last_problem == "internal fault"


async def test_a_try_ends_before_its_lease(office: Office) -> None:
    """Whoever never answers is given up while nobody else may begin."""
    await office.write(("p", "a"))

    async def hang(_letter: Letter) -> Outcome:
        await asyncio.sleep(60)
        return Settled(DELIVERED)

    async with asyncio.timeout(60):
        await office.deliver(hang, pace=replace(PACE, lease=SECOND / 2))
    parcel = (await office.parcels())["p"]
    assert (parcel.state, parcel.last_problem, parcel.leased_by) == ("waiting", "timed out", None)


async def test_two_nodes_deliver_each_letter_once(stack: Stack, office: Office) -> None:
    """A letter leased by one is not due for the other, however often both look."""
    await office.write(*((f"p{number}", f"a{number % 7}") for number in range(2 * BATCH)))
    seen: Counter[str] = Counter()

    async def counted(letter: Letter) -> Outcome:
        seen[letter.parcel_id] += 1
        await asyncio.sleep(0.01)
        return Settled(DELIVERED)

    async with open_office(stack, office) as other:
        for _ in range(4):
            await asyncio.gather(office.deliver(counted), other.deliver(counted, worker="w2"))
    assert len(seen) == 2 * BATCH
    assert set(seen.values()) == {1}
    assert await office.recorded() == 2 * BATCH


async def test_a_worker_that_is_stopped_gives_its_letters_back(office: Office) -> None:
    """Another may have them at once, and the broken-off try does not count; what was settled stays settled."""
    await office.write(("stuck", "a"), ("good", "b"))

    async def post(letter: Letter) -> Outcome:
        if letter.parcel_id == "stuck":
            await asyncio.sleep(60)
        return Settled(DELIVERED)

    async with asyncio.timeout(60):
        round_ = asyncio.create_task(office.deliver(post))
        await office.until("good", state="delivered")
        round_.cancel()
        with pytest.raises(asyncio.CancelledError):
            await round_
    stuck = (await office.parcels())["stuck"]
    assert (stuck.state, stuck.attempts, stuck.leased_by, stuck.next_attempt_at) == ("waiting", 0, None, NOW)
    assert await office.deliver(take, worker="w2") == 1
    assert await office.recorded() == 2


async def test_a_lost_lease_settles_nothing(office: Office) -> None:
    """A worker that was away too long writes nothing over what another has settled meanwhile."""
    await office.write(("p", "a"))
    settled_elsewhere = asyncio.Event()

    async def late(_letter: Letter) -> Outcome:
        await settled_elsewhere.wait()
        return TryAgain("too late")

    async with asyncio.timeout(60):
        round_ = asyncio.create_task(office.deliver(late))
        await office.until("p", leased_by="w1")
        assert await office.deliver(take, worker="w2", now=NOW + 29 * SECOND) == 0
        assert await office.deliver(take, worker="w2", now=NOW + 30 * SECOND) == 1
        settled_elsewhere.set()
        assert await round_ == 1
    parcel = (await office.parcels())["p"]
    assert (parcel.state, parcel.attempts, parcel.last_problem) == ("delivered", 2, None)
    assert await office.recorded() == 1
