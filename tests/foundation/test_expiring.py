"""One contract suite for the expiring store, run on memory and on Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from foundation.expiring import ExpiringStore, MemoryExpiringStore, StoreUnavailable, Window, open_redis_store

LONG = timedelta(minutes=5)
SHORT = timedelta(milliseconds=120)
JUST_AFTER = 0.2


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ExpiringStore]:
    """Each adapter in turn, empty."""
    if request.param == "memory":
        memory = MemoryExpiringStore()
        yield memory
        await memory.close()
        return
    redis = await open_redis_store(request.getfixturevalue("redis_url"), epoch="first", prefix="t:")
    await redis.acknowledge_flush("first")
    yield redis
    await redis.close()


async def test_value_is_read_replaced_and_removed(store: ExpiringStore) -> None:
    """Plain values behave like a dictionary of octets, any octets."""
    value = bytes(range(256))
    assert await store.get("k") is None
    await store.set("k", value, LONG)
    assert await store.get("k") == value
    await store.set("k", b"", LONG)
    assert await store.get("k") == b""
    await store.delete("k")
    await store.delete("k")
    assert await store.get("k") is None


async def test_values_end_with_their_time(store: ExpiringStore) -> None:
    """Nothing outlives its time to live; replacing a value begins a new one."""
    await store.set("short", b"x", SHORT)
    await store.set("renewed", b"x", SHORT)
    await store.set("renewed", b"y", LONG)
    assert await store.add("once", b"x", SHORT)
    await asyncio.sleep(JUST_AFTER)
    assert await store.get("short") is None
    assert await store.get("renewed") == b"y"
    assert await store.add("once", b"x", SHORT)


@pytest.mark.parametrize("ttl", [timedelta(), timedelta(seconds=-1)])
async def test_time_to_live_is_positive(store: ExpiringStore, ttl: timedelta) -> None:
    """A zero time to live is a mistake of the caller in every write."""
    for write in (store.set("k", b"", ttl), store.add("k", b"", ttl), store.increment("k", ttl)):
        with pytest.raises(ValueError, match="positive"):
            await write
    with pytest.raises(ValueError, match="positive"):
        Window("k", 1, ttl)


async def test_taken_value_has_one_taker(store: ExpiringStore) -> None:
    """Of 100 parallel callers exactly one gets the value, in 20 rounds."""
    for number in range(20):
        await store.set(f"k{number}", b"x", LONG)
        taken = await asyncio.gather(*(store.take(f"k{number}") for _ in range(100)))
        assert (taken.count(b"x"), taken.count(None)) == (1, 99)


async def test_added_value_has_one_adder(store: ExpiringStore) -> None:
    """Of 100 parallel callers exactly one writes, in 20 rounds, and its value stands."""
    for number in range(20):
        added = await asyncio.gather(*(store.add(f"k{number}", b"%d" % i, LONG) for i in range(100)))
        assert added.count(True) == 1
        assert await store.get(f"k{number}") == b"%d" % added.index(True)


async def test_counter_counts_every_increment_once(store: ExpiringStore) -> None:
    """Parallel increments give every number once; the time to live begins with the first."""
    counts = await asyncio.gather(*(store.increment("n", LONG) for _ in range(200)))
    assert sorted(counts) == list(range(1, 201))
    assert await store.increment("n", LONG, by=5) == 205
    assert await store.increment("brief", SHORT) == 1
    await asyncio.sleep(JUST_AFTER / 2)
    assert await store.increment("brief", LONG) == 2
    await asyncio.sleep(JUST_AFTER / 2)
    assert await store.increment("brief", LONG) == 1


async def test_names_of_values_counters_and_windows_do_not_meet(store: ExpiringStore) -> None:
    """A counter cannot be read or reset through a value of the same key; delete removes all three."""
    await store.set("k", b"5", LONG)
    assert await store.increment("k", LONG) == 1
    assert (await store.hit_window("k", 1, LONG)).allowed
    assert await store.get("k") == b"5"
    assert await store.take("k") == b"5"
    assert not (await store.hit_window("k", 1, LONG)).allowed
    await store.delete("k")
    assert await store.increment("k", LONG) == 1
    assert (await store.hit_window("k", 1, LONG)).allowed


async def test_a_thousand_parallel_hits_pass_the_limit_exactly(store: ExpiringStore) -> None:
    """1,000 parallel hits against a limit of 100 let exactly 100 through."""
    results = await asyncio.gather(*(store.hit_window("ip", 100, LONG) for _ in range(1000)))
    assert sum(result.allowed for result in results) == 100
    assert sorted(result.remaining for result in results if result.allowed) == list(range(100))
    refused = [result.retry_after for result in results if not result.allowed]
    assert all(LONG - timedelta(seconds=60) < wait <= LONG for wait in refused)


async def test_window_slides(store: ExpiringStore) -> None:
    """Room comes back hit by hit, after exactly the announced wait, and a refused hit costs nothing."""
    length = timedelta(milliseconds=400)
    assert (await store.hit_window("w", 2, length)).remaining == 1
    await asyncio.sleep(0.2)
    assert (await store.hit_window("w", 2, length)).remaining == 0
    refused = await store.hit_window("w", 2, length)
    assert not refused.allowed
    assert timedelta() < refused.retry_after <= timedelta(milliseconds=200)
    await asyncio.sleep(refused.retry_after.total_seconds() + 0.01)
    assert (await store.hit_window("w", 2, length)).allowed
    assert not (await store.hit_window("w", 2, length)).allowed


async def test_hit_counts_in_all_windows_or_in_none(store: ExpiringStore) -> None:
    """A hit refused by the hour must not use up the day, and each window reports for itself."""
    minute, day = Window("minute", 1, LONG), Window("day", 3, 2 * LONG)
    first = await store.hit_windows([minute, day])
    assert [(result.allowed, result.remaining) for result in first] == [(True, 0), (True, 2)]
    for _ in range(5):
        later = await store.hit_windows([minute, day])
        assert [(result.allowed, result.remaining) for result in later] == [(False, 0), (True, 2)]
    assert later[1].retry_after == timedelta()
    assert (await store.hit_window("day", 3, 2 * LONG)).remaining == 1


async def test_parallel_hits_on_several_windows_stay_within_each(store: ExpiringStore) -> None:
    """Windows shared by different callers are never overrun, whichever of them refuses."""

    async def hit(number: int) -> bool:
        windows = [Window(f"account{number % 4}", 20, LONG), Window("all", 50, LONG)]
        return all(result.allowed for result in await store.hit_windows(windows))

    allowed = await asyncio.gather(*(hit(number) for number in range(400)))
    assert sum(allowed) == 50


async def test_lowered_limit_is_honoured(store: ExpiringStore) -> None:
    """After an operator lowers a limit, old hits still count and the wait is that of the new limit."""
    for _ in range(5):
        await store.hit_window("w", 10, LONG)
    refused = await store.hit_window("w", 2, LONG)
    assert not refused.allowed
    assert refused.remaining == 0
    assert timedelta() < refused.retry_after <= LONG


async def test_cancelled_callers_never_cross_answers(store: ExpiringStore) -> None:
    """A call cancelled at any await leaves the others with their own answers (redis-py CVE-2023-28858)."""
    for number in range(50):
        await store.set(f"own{number}", b"%d" % number, LONG)

    async def read(number: int) -> None:
        assert await store.get(f"own{number}") == b"%d" % number

    for steps in range(60):
        tasks = [asyncio.create_task(store.get(f"own{number}")) for number in range(50)]
        for _ in range(steps % 20):
            await asyncio.sleep(0)
        for task in tasks[steps % 3 :: 3]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for number, result in enumerate(results):
            assert result == b"%d" % number or isinstance(result, asyncio.CancelledError)
        await asyncio.gather(*(read(number) for number in range(50)))


async def test_callers_in_step_are_all_answered(store: ExpiringStore) -> None:
    """No call is forgotten when others end in the same step of the loop: 8 callers, 300 calls each."""

    async def call(number: int) -> None:
        for turn in range(300):
            assert await store.increment(f"n{number}", LONG) == turn + 1

    async with asyncio.timeout(60):
        await asyncio.gather(*(call(number) for number in range(8)))


async def test_cancelled_hits_still_stay_within_the_limit(store: ExpiringStore) -> None:
    """A cancelled hit may count, but never lets more through than the limit."""
    tasks = [asyncio.create_task(store.hit_window("w", 50, LONG)) for _ in range(200)]
    await asyncio.sleep(0.002)
    for task in tasks[::4]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    allowed = [result for result in results if not isinstance(result, BaseException) and result.allowed]
    assert len(allowed) <= 50
    while (await store.hit_window("w", 50, LONG)).allowed:
        pass


async def test_store_answers_pings_and_knows_its_epoch(store: ExpiringStore) -> None:
    """Health and the mark of the content are one round trip each."""
    await store.ping()
    mark = await store.epoch()
    assert mark
    assert await store.acknowledge_flush("other") == mark


class _Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_memory_is_bounded_and_refuses_rather_than_forgets() -> None:
    """A full memory store keeps its counters, refuses new keys, and makes room as keys end."""
    clock = _Clock()
    store = MemoryExpiringStore(capacity=3, monotonic=clock)
    await store.increment("a", LONG)
    await store.set("b", b"", timedelta(seconds=10))
    await store.hit_window("c", 1, LONG)
    writes: list[Callable[[], Awaitable[object]]] = [
        lambda: store.set("d", b"", LONG),
        lambda: store.add("d", b"", LONG),
        lambda: store.increment("d", LONG),
        lambda: store.hit_window("d", 1, LONG),
    ]
    for write in writes:
        with pytest.raises(StoreUnavailable):
            await write()
    assert await store.increment("a", LONG) == 2
    clock.now += 10
    await store.set("d", b"", LONG)


async def test_memory_does_not_grow_with_rewritten_keys() -> None:
    """One key written 100,000 times leaves one value and few deadlines behind."""
    store = MemoryExpiringStore()
    begin = time.perf_counter()
    for _ in range(100_000):
        await store.set("k", b"", LONG)
    assert len(store._held) == 1
    assert len(store._deadlines) < 2000
    assert time.perf_counter() - begin < 20
