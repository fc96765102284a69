"""V01, V07, V08, V09: the database or Redis gone, frozen, killed or read-only. Refused with 503 in time, nothing half done, and back by itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest
import redis

from loadtests.servers import LocalProcess
from tests.faults import record
from tests.faults.nodes import Town
from tests.faults.redis_mark import empty_redis
from tests.faults.visitor import SESSION_COOKIE, Doors, Visitor

ANSWER_S = 6.5
"""A statement or a connection has 2.5 s; who shares a batch may wait for the one under way first, and the machine is busy."""
BACK_S = 5.0

Break = Callable[[LocalProcess], None]


def _freeze(process: LocalProcess) -> None:
    process.freeze()


def _kill(process: LocalProcess) -> None:
    process.kill()


def _stop(process: LocalProcess) -> None:
    process.stop()


WAYS = {"stopped": _stop, "killed": _kill, "frozen": _freeze}


@contextmanager
def broken(process: LocalProcess | None, way: str) -> Iterator[None]:
    """Take a server away, and give it back however the block ends."""
    assert process is not None
    WAYS[way](process)
    try:
        yield
    finally:
        if way == "frozen":
            process.thaw()
        else:
            process.start()


@pytest.fixture
async def citizen(town: Town, doors: Doors) -> AsyncIterator[Visitor]:
    """Somebody who signed in before anything broke."""
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[3])
    yield visitor
    await town.brought_back(within=15.0)


@pytest.mark.parametrize("way", WAYS)
async def test_v01_database_gone(town: Town, doors: Doors, citizen: Visitor, way: str) -> None:
    """Pages, OAuth and API say 503 with Retry-After in time; then everything works again, and nothing happened meanwhile."""
    token, code = await doors.own_token(), await citizen.grip()
    tokens = await citizen.tokens()
    size = record.ledger_size(town)
    with broken(town.postgres.process, way):
        answers = await _ask_everything(doors, citizen, token, tokens["access_token"], code)
        _expect_unavailable(answers)
        assert (await doors.send("GET", "/livez")).status_code == 200
        ready = await doors.send("GET", "/readyz")
        assert ready.status_code == 503
        assert ready.headers["retry-after"]
        # Kept with statements under way for longer than a moment, as a real fault would.
        _expect_unavailable(await _ask_everything(doors, citizen, token, tokens["access_token"], code))
    waited = await town.brought_back(within=BACK_S + 5.0)
    assert waited <= BACK_S
    new = record.entries_since(town, size)
    assert [entry for entry in new if entry.outcome == "allowed" and entry.kind in _EFFECTS] == []
    # What was refused had no effect: the code is unspent, the session lives, the same lookup is answered.
    assert (await doors.redeem(code, node=1)).status_code == 200
    assert (await citizen.get("/licenses", node=1)).status_code == 200
    assert (await doors.look_up(token)).status_code == 200
    assert (await record.verify(town)).faults == []


_EFFECTS = {"license.lookup", "oauth.token", "oauth.userinfo", "signin.password", "oauth.token_issued"}


@pytest.mark.parametrize("way", WAYS)
async def test_v07_redis_gone(town: Town, doors: Doors, citizen: Visitor, way: str) -> None:
    """What is counted fails closed with 503, a live session goes on, and everything is back by itself."""
    code, token = await citizen.grip(), await doors.own_token()
    with broken(town.redis.process, way) if way == "frozen" else _without_redis(town, way):
        stranger = Visitor(doors)
        await _fails_closed(stranger, town, doors, token, code)
        # Reading with a live session needs no counter.
        page, took = await _timed(citizen.get("/licenses"))
        assert page.status_code == 200
        assert took < ANSWER_S
    waited = await town.brought_back(within=BACK_S + 5.0)
    assert waited <= BACK_S
    assert (await doors.redeem(code)).status_code == 200
    assert (await doors.redeem(code, node=1)).json()["error"] == "invalid_grant"
    await Visitor(doors).sign_in(town.population.citizens[4])


async def test_v09_redis_read_only(town: Town, doors: Doors, citizen: Visitor) -> None:
    """READONLY, as after a failover to a replica: closed like gone, open again with the next writable answer."""
    code, token = await citizen.grip(), await doors.own_token()
    with redis.Redis.from_url(town.redis.url()) as client:
        client.config_set("min-replicas-to-write", 1)
        try:
            await _fails_closed(Visitor(doors), town, doors, token, code)
        finally:
            client.config_set("min-replicas-to-write", 0)
    await town.brought_back(within=BACK_S)
    assert (await doors.redeem(code)).status_code == 200


async def test_v08_a_flush_resets_no_counter_of_wrong_passwords(town: Town, doors: Doors) -> None:
    """The pause after five wrong passwords is decided in SQL: neither a flush nor a restart of Redis ends it."""
    victim = town.population.citizens[5]
    attacker = Visitor(doors)
    await attacker.get("/login")
    for number in range(6):
        wrong = await attacker.post("/login", {"identifier": victim.user_name, "password": f"wrong-{number}"})
    assert wrong.status_code == 429, wrong.text[-500:]
    with empty_redis(town.redis) as flush:
        flush()
        held = await attacker.post("/login", {"identifier": victim.user_name, "password": victim.password})
        assert held.status_code == 503
    still = await attacker.post("/login", {"identifier": victim.user_name, "password": victim.password}, node=1)
    assert still.status_code == 429
    assert SESSION_COOKIE not in attacker.cookies


@contextmanager
def _without_redis(town: Town, way: str) -> Iterator[None]:
    # A restart empties it; the mark is put back so that the tests that follow need not wait for the hold to end.
    with empty_redis(town.redis), broken(town.redis.process, way):
        yield


async def _ask_everything(
    doors: Doors, citizen: Visitor, own_token: str, person_token: str, code: object
) -> list[tuple[str, httpx2.Response, float]]:
    """Ask both nodes at once for everything that needs the database."""
    questions = {
        "lookup": doors.look_up(own_token),
        "lookup on the other node": doors.look_up(own_token, node=1),
        "userinfo": doors.userinfo(person_token),
        "own licenses": citizen.get("/licenses", node=1),
        "authorize": citizen.authorize(),
        "redeem": doors.redeem(code),  # type: ignore[arg-type]  # a Grip, passed through
        "client credentials": doors.back_channel(
            "/oauth/token", grant_type="client_credentials", scope="license.lookup"
        ),
    }
    answers = await asyncio.gather(*(_timed(question) for question in questions.values()))
    return [(name, *answer) for name, answer in zip(questions, answers, strict=True)]


def _expect_unavailable(answers: list[tuple[str, httpx2.Response, float]]) -> None:
    for name, answer, took in answers:
        assert answer.status_code == 503, f"{name}: {answer.status_code} {answer.text[-300:]}"
        assert int(answer.headers["retry-after"]) > 0, name
        assert took <= ANSWER_S, f"{name} took {took:.1f} s"


async def _fails_closed(stranger: Visitor, town: Town, doors: Doors, token: str, code: object) -> None:
    """A sign-in, a redemption and a lookup are counted, and none of them goes uncounted."""
    await stranger.get("/login")
    person = town.population.citizens[4]
    refused = [
        await _timed(stranger.post("/login", {"identifier": person.user_name, "password": person.password})),
        await _timed(doors.redeem(code)),  # type: ignore[arg-type]  # a Grip, passed through
        await _timed(doors.look_up(token, node=1)),
    ]
    _expect_unavailable([("counted", answer, took) for answer, took in refused])
    assert SESSION_COOKIE not in stranger.cookies


async def _timed(question: object) -> tuple[httpx2.Response, float]:
    began = time.monotonic()
    answer: httpx2.Response = await question  # type: ignore[misc]  # an awaitable of a response
    return answer, time.monotonic() - began
