"""Device codes and auth_req_ids are redeemed once, whichever nodes are asked at the same moment and whatever Redis forgets (N03)."""

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import delete

from foundation.database import Database
from idp.provider.clients.policies import CIBA, DEVICE_CODE
from idp.signin.tables import attempt_counters
from tests.faults.nodes import Town
from tests.faults.population import COUNTER, KIOSK, Citizen
from tests.faults.race import PARALLEL, expect_most_decided, race
from tests.faults.redis_mark import empty_redis
from tests.faults.visitor import Doors, Visitor, remember

ROUNDS = 5
LONG_ROUNDS = 200
_REQUEST = re.compile(r"/confirmations/[0-9a-f]{32}")


@dataclass(frozen=True)
class Waiting:
    """A request that was approved: who may redeem it, and with what."""

    client: str
    form: dict[str, str]

    async def redeem(self, doors: Doors, *, node: int) -> httpx2.Response:
        """Ask for its tokens."""
        return remember(await doors.back_channel("/oauth/token", self.client, node=node, **self.form))


async def approved_device(visitor: Visitor, citizen: Citizen) -> Waiting:
    """Let a screen begin and its code be typed and agreed to."""
    begun = await visitor.doors.back_channel("/oauth/device_authorization", KIOSK, scope="openid offline_access")
    assert begun.status_code == 200, begun.text
    await visitor.get("/device")
    typed = await visitor.post("/device", {"user_code": begun.json()["user_code"]}, node=1)
    assert typed.status_code == 303, typed.text[-800:]
    target = urlsplit(typed.headers["location"])
    await visitor.get(f"{target.path}?{target.query}")
    answered = await visitor.post(target.path, {"flow": target.query.removeprefix("flow="), "decision": "yes"}, node=1)
    assert answered.status_code == 303, answered.text[-800:]
    return Waiting(KIOSK, {"grant_type": DEVICE_CODE, "device_code": begun.json()["device_code"]})


async def approved_ciba(visitor: Visitor, citizen: Citizen) -> Waiting:
    """Let a counter ask and the person confirm."""
    begun = await visitor.doors.back_channel(
        "/oauth/ciba", COUNTER, scope="openid offline_access", login_hint=citizen.phone
    )
    assert begun.status_code == 200, begun.text
    listed = await visitor.get("/confirmations", node=1)
    found = _REQUEST.search(listed.text)
    assert found is not None
    await visitor.get(found[0])
    answered = await visitor.post(found[0], {"decision": "yes"}, node=1)
    assert answered.status_code == 303, answered.text[-800:]
    return Waiting(COUNTER, {"grant_type": CIBA, "auth_req_id": begun.json()["auth_req_id"]})


WAYS = {"device": approved_device, "ciba": approved_ciba}


@pytest.mark.parametrize("kind", WAYS)
async def test_n03_one_secret_and_fifty_redemptions(town: Town, doors: Doors, kind: str) -> None:
    """One wins, the rest are told invalid_grant, and what the winner got lives."""
    await _redeem_in_parallel(town, doors, kind, rounds=ROUNDS)


@pytest.mark.long
@pytest.mark.parametrize("kind", WAYS)
async def test_n03_two_hundred_rounds_of_fifty_redemptions(town: Town, doors: Doors, kind: str) -> None:
    """The same over and over."""
    await _redeem_in_parallel(town, doors, kind, rounds=LONG_ROUNDS)


@pytest.mark.parametrize("kind", WAYS)
async def test_v08_a_flush_brings_no_redeemed_secret_back(town: Town, doors: Doors, kind: str) -> None:
    """An emptied Redis in the middle lets nobody in twice."""
    await _redeem_across_a_flush(town, doors, kind, rounds=1)


@pytest.mark.long
@pytest.mark.parametrize("kind", WAYS)
async def test_v08_two_hundred_flushes_among_redemptions(town: Town, doors: Doors, kind: str) -> None:
    """The same over and over."""
    await _redeem_across_a_flush(town, doors, kind, rounds=LONG_ROUNDS)


async def _redeem_across_a_flush(town: Town, doors: Doors, kind: str, *, rounds: int) -> None:
    visitor, citizen = Visitor(doors), town.population.citizens[7 if kind == "device" else 8]
    await visitor.sign_in(citizen)
    for _ in range(rounds):
        await _forget_limits(town)
        waiting = await WAYS[kind](visitor, citizen)
        with empty_redis(town.redis) as emptied:
            async with asyncio.TaskGroup() as group:
                racing = [group.create_task(waiting.redeem(doors, node=number % 2)) for number in range(PARALLEL)]
                group.create_task(asyncio.to_thread(emptied))
            answers = [task.result() for task in racing]
        answers += [await waiting.redeem(doors, node=node) for node in (0, 1, 0)]
        assert sum(answer.status_code == 200 for answer in answers) == 1
        assert {answer.status_code for answer in answers} <= {200, 400, 503}
        assert (answers[-1].status_code, answers[-1].json()["error"]) == (400, "invalid_grant")


async def _redeem_in_parallel(town: Town, doors: Doors, kind: str, *, rounds: int) -> None:
    visitor, citizen, races = Visitor(doors), town.population.citizens[5 if kind == "device" else 6], []
    await visitor.sign_in(citizen)
    for _ in range(rounds):
        await _forget_limits(town)
        waiting = await WAYS[kind](visitor, citizen)
        races.append(await race(partial(waiting.redeem, doors)))
        races[-1].expect_one((400, "invalid_grant"))
        for winner in races[-1].winners:
            assert (await doors.userinfo(winner.json()["access_token"], node=1)).status_code == 200
    expect_most_decided(races)


async def _forget_limits(town: Town) -> None:
    """One person is asked here more often than anybody may be."""
    db = Database(town.variables["RENZHENG_DATABASE_URL"])
    scopes = ("user-code.account", "ciba.hint", "ciba.person")
    async with db.transaction() as connection:
        await connection.execute(delete(attempt_counters).where(attempt_counters.c.scope.in_(scopes)))
    await db.close()
