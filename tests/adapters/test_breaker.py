"""The circuit breaker as a rule over time; no system and no wall clock is involved."""

import asyncio
from datetime import timedelta

import pytest

from adapters.breaker import Breaker, BreakerOpen, BreakerPolicy, Closed, Open, Probing


class SystemFailed(Exception):
    """The guarded system failed."""


class Time:
    """Seconds moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def breaker(time: Time) -> Breaker:
    return Breaker(BreakerPolicy(minimum_calls=4, pause=timedelta(seconds=10), probes=2), time)


async def call(breaker: Breaker, *, well: bool) -> None:
    """One guarded call."""
    async with breaker.guard((SystemFailed,)):
        if not well:
            raise SystemFailed


async def fail(breaker: Breaker, times: int) -> None:
    """So many failures in a row."""
    for _ in range(times):
        with pytest.raises(SystemFailed):
            await call(breaker, well=False)


async def test_too_few_calls_never_open_it(breaker: Breaker) -> None:
    """Three failures of three are too few to judge."""
    await fail(breaker, 3)
    assert isinstance(breaker.state, Closed)


async def test_half_of_enough_calls_opens_it(breaker: Breaker) -> None:
    """Two of four failed: open, and the caller learns for how long."""
    await call(breaker, well=True)
    await call(breaker, well=True)
    await fail(breaker, 2)
    with pytest.raises(BreakerOpen) as refused:
        await call(breaker, well=True)
    assert refused.value.retry_after == timedelta(seconds=10)


async def test_old_failures_are_forgotten(breaker: Breaker, time: Time) -> None:
    """What happened before the window says nothing now."""
    await fail(breaker, 3)
    time.seconds = 31
    await fail(breaker, 1)
    assert isinstance(breaker.state, Closed)


async def test_a_failed_probe_opens_it_again(breaker: Breaker, time: Time) -> None:
    """One bad probe is enough."""
    await fail(breaker, 4)
    time.seconds = 10
    await call(breaker, well=True)
    assert isinstance(breaker.state, Probing)
    await fail(breaker, 1)
    assert isinstance(breaker.state, Open)


async def test_only_so_many_probes_are_under_way(breaker: Breaker, time: Time) -> None:
    """While probes are out, everybody else is refused; when all came back well it closes."""
    await fail(breaker, 4)
    time.seconds = 10
    async with breaker.guard((SystemFailed,)), breaker.guard((SystemFailed,)):
        with pytest.raises(BreakerOpen):
            await call(breaker, well=True)
    assert isinstance(breaker.state, Closed)


async def test_a_cancelled_probe_gives_its_place_back(breaker: Breaker, time: Time) -> None:
    """A browser that closed must not shut a library for ever."""
    await fail(breaker, 4)
    time.seconds = 10

    async def wait() -> None:
        async with breaker.guard((SystemFailed,)):
            await asyncio.sleep(60)

    probes = [asyncio.create_task(wait()) for _ in range(2)]
    await asyncio.sleep(0)
    for probe in probes:
        probe.cancel()
    await asyncio.gather(*probes, return_exceptions=True)
    await call(breaker, well=True)
    await call(breaker, well=True)
    assert isinstance(breaker.state, Closed)


async def test_other_exceptions_mean_that_the_system_answered(breaker: Breaker) -> None:
    """A refusal by the system is a sign of health."""
    for _ in range(10):
        with pytest.raises(KeyError):
            async with breaker.guard((SystemFailed,)):
                raise KeyError
    assert isinstance(breaker.state, Closed)
