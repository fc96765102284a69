"""Sharing round trips: what callers may rely on while their keys travel together."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from foundation.batching import Claims, Coalescer


class Source:
    """Answers after a tick, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.fail = False

    async def fetch(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Return a text for every even key."""
        self.asked.append(list(keys))
        await asyncio.sleep(0.005)
        if self.fail:
            raise ConnectionError
        return {key: f"row {key}" for key in keys if key % 2 == 0}


async def test_concurrent_callers_share_one_trip_and_get_their_own_row() -> None:
    """Forty callers of ten keys: one question with ten keys."""
    source = Source()
    coalescer = Coalescer(source.fetch)
    found = await asyncio.gather(*(coalescer.load(number % 10) for number in range(40)))
    assert source.asked == [list(range(10))]
    assert found == [f"row {number % 10}" if number % 2 == 0 else None for number in range(40)]


async def test_a_caller_is_never_answered_by_a_reading_that_began_before_it_asked() -> None:
    """What a caller wrote itself it must see, even if another caller's reading is under way."""
    source = Source()
    coalescer = Coalescer(source.fetch)
    first = asyncio.ensure_future(coalescer.load(2))
    await asyncio.sleep(0.002)
    assert await coalescer.load(2) == "row 2"
    assert await first == "row 2"
    assert source.asked == [[2], [2]]


async def test_a_failed_trip_fails_its_callers_and_the_next_trip_goes_on() -> None:
    """A lost connection must not wedge the coalescer."""
    source = Source()
    coalescer = Coalescer(source.fetch)
    source.fail = True
    results = await asyncio.gather(*(coalescer.load(2) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, ConnectionError) for result in results)
    source.fail = False
    assert await coalescer.load(2) == "row 2"


async def test_a_cancelled_caller_leaves_the_others_alone() -> None:
    """V11: every other caller gets its own row."""
    source = Source()
    coalescer = Coalescer(source.fetch)
    tasks = [asyncio.ensure_future(coalescer.load(number)) for number in range(0, 40, 2)]
    await asyncio.sleep(0.001)
    tasks[3].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[3], asyncio.CancelledError)
    assert [row for index, row in enumerate(done) if index != 3] == [f"row {n}" for n in range(0, 40, 2) if n != 6]


async def test_a_large_crowd_travels_in_several_trips() -> None:
    """A trip carries at most its maximum of keys."""
    source = Source()
    coalescer = Coalescer(source.fetch, max_batch=16)
    await asyncio.gather(*(coalescer.load(number) for number in range(40)))
    assert [len(keys) for keys in source.asked] == [16, 16, 8]


async def test_a_claimed_row_goes_to_one_caller_only() -> None:
    """Of fifty callers of one code in one batch at most one wins."""
    source = Source()
    claims = Claims(source.fetch)
    won = await asyncio.gather(*(claims.claim(2) for _ in range(50)))
    assert sorted(won, key=str).count("row 2") == 1
    assert won.count(None) == 49


async def test_a_failed_claim_fails_all_callers() -> None:
    """Nobody may go on as if it had won."""
    source = Source()
    source.fail = True
    claims = Claims(source.fetch)
    with pytest.raises(ConnectionError):
        await claims.claim(2)
