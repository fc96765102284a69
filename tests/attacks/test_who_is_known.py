"""A01, A02, A30, K07: nobody learns from an answer, or from how long it takes, whether a name, phone or client exists."""

import random
import re
import statistics
import time
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from tests.faults.nodes import Town
from tests.faults.operator import enrol, third_process
from tests.faults.population import APP, Citizen, document_number_of, name_of
from tests.faults.visitor import Doors, Visitor, texted_code

SAMPLES = 1_000
TIMED_PEOPLE = 50
_numbers = iter(range(1_000_000))
_VARYING = re.compile(
    r'name="(?:csrf_token|flow)"\s+value="[^"]*"|flow=[\w-]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d{1,2}:\d{2}(?::\d{2})?'
    # A wait is shown in other units once a second has passed: 1 小时, then 59 分 59 秒.
    r"|\d+ (?:天|小时|分钟|分|秒)(?: \d+ (?:小时|分|秒))?"
)


@pytest.mark.parametrize("door", ["/login", "/staff/login"])
async def test_a01_a_wrong_password_looks_like_an_unknown_name(town: Town, doors: Doors, door: str) -> None:
    """By user name, phone and document number; A02: also when the attempts are used up."""
    person = town.population.citizens[12 if door == "/login" else 13]
    pairs = [
        ("nobody-of-this-name", person.user_name),
        ("13999999999", person.phone),
        (document_number_of(903), person.document_number),
    ]
    for unknown, known in pairs:
        answers = []
        for name in (unknown, known):
            visitor = Visitor(doors)
            await visitor.get(door)
            page = await visitor.post(door, {"identifier": name, "password": "not-the-password"})
            answers.append((page.status_code, _without(page.text, name)))
        assert answers[0] == answers[1]


# One known phone for each door, since a second code to one phone has to wait a minute.
_PHONES = {"/register": 14, "/login/sms": 15, "/recover": 16}


@pytest.mark.parametrize("door", _PHONES)
async def test_a01_a_known_phone_looks_like_an_unknown_one(town: Town, doors: Doors, door: str) -> None:
    """A code is announced either way; only the phone's owner reads which."""
    answers = []
    known = town.population.citizens[_PHONES[door]].phone
    for phone in (f"1394{next(_numbers):07d}", known):
        visitor = Visitor(doors)
        await visitor.get(door)
        sent = await visitor.post(door, {"phone": phone, "agreed": "yes"})
        assert sent.status_code == 303, sent.text[-500:]
        page = await visitor.get(sent.headers["location"])
        flow = sent.headers["location"].partition("flow=")[2]
        # Neither a wrong code nor the wish for another one tells more.
        wrong = await visitor.post(f"{door}/code", {"flow": flow, "code": "000000"})
        early = await visitor.post(f"{door}/code", {"flow": flow, "resend": "yes"})
        assert (page.status_code, wrong.status_code, early.status_code) == (200, 422, 429)
        answers.append([_told(answer, phone) for answer in (page, wrong, early)])
    assert answers[0] == answers[1]


async def test_a01_a_recovery_tells_a_phone_without_account_nothing(town: Town, doors: Doors) -> None:
    """Whoever holds a phone learns by no document number, password or repetition whether an account has it."""
    answers = []
    for phone in (f"1394{next(_numbers):07d}", town.population.citizens[17].phone):
        visitor = Visitor(doors)
        await visitor.get("/recover")
        sent = await visitor.post("/recover", {"phone": phone})
        flow = sent.headers["location"].partition("flow=")[2]
        confirmed = await visitor.post("/recover/code", {"flow": flow, "code": await texted_code(town, phone)})
        assert confirmed.status_code == 303, confirmed.text[-500:]
        told = [_told(await visitor.get(confirmed.headers["location"]), phone)]
        for number in range(7):
            password = "short" if number == 0 else "Harbour-Lamp-Slow-Tide"
            guess = {"document_number": document_number_of(950 + number)}
            words = guess | {"password": password, "password_again": password}
            refused = await visitor.post("/recover/password", {"flow": flow, **words})
            told.append(_told(refused, guess["document_number"]))
        assert [status for status, _ in told] == [200] + [422] * 5 + [429] * 2
        answers.append(told)
    assert answers[0] == answers[1]


@pytest.mark.long
async def test_a30_a_name_is_not_told_by_time(town: Town, doors: Doors) -> None:
    """A password for nobody costs what a password for somebody costs."""
    people = [_timed_person(number) for number in range(TIMED_PEOPLE)]
    async with third_process(town) as parts:
        for person in people:
            await enrol(parts, person)
    visitor = Visitor(doors)
    await visitor.get("/login")

    async def ask(known: bool) -> httpx2.Response:
        number = next(_numbers)
        name = people[number % len(people)].user_name if known else f"nobody-{number}"
        return await visitor.post("/login", {"identifier": name, "password": "not-the-password"})

    # Few enough for each name that no pause begins: its answer is another one, and quick for everybody.
    await _expect_same_time(ask, samples=4 * len(people))


@pytest.mark.long
async def test_k07_a_client_is_not_told_by_time(doors: Doors) -> None:
    """A wrong secret of a client costs what an unknown client costs."""

    async def ask(known: bool) -> httpx2.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": APP if known else "probe-apx",
            "client_secret": "x" * 43,
        }
        return await doors.send("POST", "/oauth/token", form=form)

    await _expect_same_time(ask, samples=SAMPLES)


def _timed_person(number: int) -> Citizen:
    return Citizen(
        name_of(number),
        document_number_of(700 + number),
        f"1395{number:07d}",
        f"timed{number:02d}",
        f"Harbour-{number:02d}-Lantern-Quiet",
    )


async def _expect_same_time(ask: Callable[[bool], Awaitable[httpx2.Response]], *, samples: int) -> None:
    """Interleaved in random order: the medians differ by 5 ms or 5 % at most."""
    times: dict[bool, list[float]] = {True: [], False: []}
    order = [True, False] * samples
    random.Random(1).shuffle(order)
    for known in order:
        began = time.perf_counter()
        assert (await ask(known)).status_code in (401, 422, 400, 429)
        times[known].append(time.perf_counter() - began)
    here, nobody = statistics.median(times[True]), statistics.median(times[False])
    assert abs(here - nobody) <= max(0.005, 0.05 * nobody), f"{here * 1000:.1f} ms against {nobody * 1000:.1f} ms"


def _told(answer: httpx2.Response, typed: str) -> tuple[int, str]:
    """Return status and text of an answer without what was typed and what differs by chance: prefix, masked phone, waits."""
    shown = re.sub(r"[A-Z]{3}(?=[-<\s])", "ABC", _without(answer.text, typed))
    return answer.status_code, re.sub(r"\d+", "0", re.sub(r"\d{3}\*+\d{2,4}", "***", shown))


def _without(text: str, name: str) -> str:
    return _VARYING.sub("*", text.replace(name, "*"))
