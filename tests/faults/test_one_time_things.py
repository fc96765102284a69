"""Codes and refresh tokens are used once, whichever nodes are asked at the same moment (C11, T02, N03, N04, V08)."""

import asyncio
from functools import partial

import pytest
import redis

from tests.faults.expectations import await_refused
from tests.faults.nodes import Town
from tests.faults.race import PARALLEL, Race, Use, expect_most_decided, race
from tests.faults.redis_mark import empty_redis
from tests.faults.visitor import Doors, Visitor

ROUNDS = 5
LONG_ROUNDS = 200


async def test_c11_one_code_and_fifty_redemptions(town: Town, doors: Doors) -> None:
    """At most one wins; the rest are told invalid_grant, and since reuse was seen nothing that was issued lives on."""
    await _redeem_in_parallel(town, doors, rounds=ROUNDS)


@pytest.mark.long
async def test_n03_two_hundred_rounds_of_fifty_redemptions(town: Town, doors: Doors) -> None:
    """C11 over and over."""
    await _redeem_in_parallel(town, doors, rounds=LONG_ROUNDS)


async def test_t02_one_refresh_token_and_fifty_refreshes(town: Town, doors: Doors) -> None:
    """At most one new branch, and none at all once reuse was seen: the whole family dies."""
    await _refresh_in_parallel(town, doors, rounds=ROUNDS)


@pytest.mark.long
async def test_n04_two_hundred_rounds_of_fifty_refreshes(town: Town, doors: Doors) -> None:
    """T02 over and over."""
    await _refresh_in_parallel(town, doors, rounds=LONG_ROUNDS)


async def test_v08_a_flush_brings_no_spent_code_back(town: Town, doors: Doors) -> None:
    """An emptied Redis in the middle of the redemptions lets nobody in twice, and after it the spent code stays spent."""
    await _redeem_across_a_flush(town, doors, rounds=1)


async def test_v08_a_flush_brings_no_spent_refresh_token_back(town: Town, doors: Doors) -> None:
    """The same with the redemption of one refresh token."""
    await _refresh_across_a_flush(town, doors, rounds=1)


@pytest.mark.long
async def test_v08_two_hundred_flushes_among_redemptions(town: Town, doors: Doors) -> None:
    """V08 of codes over and over."""
    await _redeem_across_a_flush(town, doors, rounds=LONG_ROUNDS)


@pytest.mark.long
async def test_v08_two_hundred_flushes_among_refreshes(town: Town, doors: Doors) -> None:
    """V08 of refresh tokens over and over."""
    await _refresh_across_a_flush(town, doors, rounds=LONG_ROUNDS)


def test_the_flush_of_these_tests_is_one(town: Town) -> None:
    """Control: nothing is left after it, and the mark comes back at the end."""
    with redis.Redis.from_url(town.redis.url()) as client:
        assert client.dbsize() > 0
        with empty_redis(town.redis) as emptied:
            emptied()
            assert client.get("rz:epoch") is None
        assert client.get("rz:epoch") is not None


async def _redeem_across_a_flush(town: Town, doors: Doors, *, rounds: int) -> None:
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[1])
    for _ in range(rounds):
        await _once_across_a_flush(town, partial(doors.redeem, await visitor.grip()))


async def _refresh_across_a_flush(town: Town, doors: Doors, *, rounds: int) -> None:
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[1])
    for _ in range(rounds):
        await _once_across_a_flush(town, partial(doors.refresh, (await visitor.tokens())["refresh_token"]))


async def _once_across_a_flush(town: Town, use: Use) -> None:
    """Use one thing fifty times while Redis is emptied; the flush may come first, so whoever is refused for it may ask again."""
    with empty_redis(town.redis) as emptied:
        async with asyncio.TaskGroup() as group:
            racing = [group.create_task(use(node=number % 2)) for number in range(PARALLEL)]
            group.create_task(asyncio.to_thread(emptied))
        answers = [task.result() for task in racing]
    answers += [await use(node=node) for node in (0, 1, 0)]
    assert sum(answer.status_code == 200 for answer in answers) == 1
    assert {answer.status_code for answer in answers} <= {200, 400, 503}
    assert (answers[-1].status_code, answers[-1].json()["error"]) == (400, "invalid_grant")


async def _redeem_in_parallel(town: Town, doors: Doors, *, rounds: int) -> None:
    visitor, races = Visitor(doors), []
    await visitor.sign_in(town.population.citizens[0])
    for _ in range(rounds):
        grip = await visitor.grip()
        races.append(await _race(doors, partial(doors.redeem, grip)))
    expect_most_decided(races)


async def _refresh_in_parallel(town: Town, doors: Doors, *, rounds: int) -> None:
    visitor, races = Visitor(doors), []
    await visitor.sign_in(town.population.citizens[2])
    for _ in range(rounds):
        token = (await visitor.tokens())["refresh_token"]
        races.append(await _race(doors, partial(doors.refresh, token)))
    expect_most_decided(races)


async def _race(doors: Doors, use: Use) -> Race:
    """At most one wins, and since reuse was seen nothing that it got lives on."""
    done = await race(use)
    done.expect_at_most_one((400, "invalid_grant"))
    for winner in done.winners:
        await _expect_dead(winner.json()["access_token"], doors)
        refused = await doors.refresh(winner.json()["refresh_token"], node=1)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    return done


async def _expect_dead(token: str, doors: Doors) -> None:
    """The revocation was acknowledged by one of the nodes; both must know it within what the change feed promises."""
    for node in (0, 1):
        await await_refused(partial(doors.userinfo, token, node=node), within=5.0)
        assert await doors.introspect(token, node=node) == {"active": False}
