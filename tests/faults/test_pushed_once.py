"""A pushed request is answered once, whichever nodes the browsers reach at the same moment (Q10, V08)."""

import asyncio

import httpx2
import pytest

from tests.faults.nodes import Town
from tests.faults.population import APP
from tests.faults.redis_mark import empty_redis
from tests.faults.visitor import SEEN_SECRETS, Doors, Visitor, answered, authorization

PARALLEL = 50
ROUNDS = 5
LONG_ROUNDS = 200


async def test_q10_one_pushed_request_and_fifty_browsers(town: Town, doors: Doors) -> None:
    """Exactly one code; the others are shown a page, and afterwards nobody gets in either."""
    await _use_in_parallel(town, doors, rounds=ROUNDS)


@pytest.mark.long
async def test_q10_two_hundred_rounds_of_fifty_browsers(town: Town, doors: Doors) -> None:
    """The same over and over."""
    await _use_in_parallel(town, doors, rounds=LONG_ROUNDS)


async def test_v08_a_flush_brings_no_spent_request_back(town: Town, doors: Doors) -> None:
    """An emptied Redis in the middle of it makes no second answer: the request stands in SQL."""
    await _use_across_a_flush(town, doors, rounds=1)


@pytest.mark.long
async def test_v08_two_hundred_flushes_among_browsers(town: Town, doors: Doors) -> None:
    """The same over and over."""
    await _use_across_a_flush(town, doors, rounds=LONG_ROUNDS)


async def _use_across_a_flush(town: Town, doors: Doors, *, rounds: int) -> None:
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[3])
    for _ in range(rounds):
        request_uri = await _pushed(doors, node=0)
        with empty_redis(town.redis) as emptied:
            async with asyncio.TaskGroup() as group:
                racing = [group.create_task(_use(visitor, request_uri, node=number % 2)) for number in range(PARALLEL)]
                group.create_task(asyncio.to_thread(emptied))
            answers = [task.result() for task in racing]
        answers += [await _use(visitor, request_uri, node=node) for node in (0, 1, 0)]
        assert len(_codes(answers)) <= 1
        assert answers[-1].status_code in (400, 303)
        assert "code" not in answered(answers[-1])


async def _use_in_parallel(town: Town, doors: Doors, *, rounds: int) -> None:
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[3])
    for _ in range(rounds):
        request_uri = await _pushed(doors, node=1)
        answers = await asyncio.gather(*(_use(visitor, request_uri, node=number % 2) for number in range(PARALLEL)))
        assert len(_codes(answers)) == 1
        assert {answer.status_code for answer in answers if "code" not in answered(answer)} == {400}
        assert (await _use(visitor, request_uri, node=0)).status_code == 400


async def _pushed(doors: Doors, *, node: int) -> str:
    form = {name: value for name, value in authorization(APP).items() if value is not None}
    answer = await doors.back_channel("/oauth/par", node=node, **form)
    assert answer.status_code == 201, answer.text
    request_uri = str(answer.json()["request_uri"])
    SEEN_SECRETS.add(request_uri)
    return request_uri


async def _use(visitor: Visitor, request_uri: str, *, node: int) -> httpx2.Response:
    return await visitor.get("/oauth/authorize", node=node, client_id=APP, request_uri=request_uri)


def _codes(answers: list[httpx2.Response]) -> list[str]:
    codes = [found["code"] for answer in answers if "code" in (found := answered(answer))]
    SEEN_SECRETS.update(codes)
    return codes
