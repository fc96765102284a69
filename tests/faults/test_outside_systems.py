"""V12: an outside system that is slow, down, broken or mad is told clearly within its deadline, recorded, and harms nobody else."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from adapters.simulators.world import HOUSING_USCC
from foundation.identifiers.synthetic import synthetic_resident_id
from gateway.stories.html import read_document
from tests.faults import record
from tests.faults.nodes import Town
from tests.faults.visitor import Doors, Visitor, texted_code

ROAD_DRIVER = "11100000000019713D071"
SYSTEMS = ("province-center", "certshare", "sms", "proofing", "matters")
KINDS: dict[str, dict[str, Any]] = {
    "slow": {"kind": "delay", "seconds": 12},
    "dripping": {"kind": "drip", "seconds": 12},
    "breaking off": {"kind": "drop"},
    "failing": {"kind": "status", "status": 500},
    "malformed": {"kind": "malformed"},
    "huge": {"kind": "huge"},
    "of another content type": {"kind": "content_type"},
}
DEADLINE_S = 5.0
MARGIN_S = 3.0
UNAFFECTED_S = 1.0
_numbers = iter(range(1_000))


@dataclass(frozen=True)
class Asked:
    """One question that meets a broken system."""

    system: str
    ask: Callable[[], Awaitable[httpx2.Response]]


@pytest.mark.parametrize("kind", KINDS)
async def test_v12_broken_outside_systems(town: Town, doors: Doors, kind: str) -> None:
    """All five at once, while somebody else looks up what lies here and opens pages."""
    questions = [
        Asked("province-center", await _come_back_from_the_center(town, doors)),
        Asked("certshare", await _look_up_above(doors)),
        Asked("sms", await _ask_for_a_code(town, doors)),
        Asked("proofing", await _prove_identity(town, doors)),
        Asked("matters", await _look_up_for_a_new_case(town, doors)),
    ]
    token = await doors.own_token()
    # Both nodes know the open case from now on, for half a minute: it was asked and answered.
    for node in (0, 1):
        assert (await doors.look_up(token, node=node)).status_code == 200
    size = record.ledger_size(town)
    async with _broken(town, KINDS[kind]):
        over = asyncio.Event()
        others = asyncio.create_task(_measure_others(doors, token, over))
        answers = await asyncio.gather(*(_timed(question.ask()) for question in questions))
        over.set()
        seen = await others
    new = record.entries_since(town, size)
    for question, (answer, took) in zip(questions, answers, strict=True):
        where = f"{question.system} {kind}: {answer.status_code} after {took:.1f} s"
        assert answer.status_code in (502, 503, 504), f"{where} {read_document(answer.text).text[-300:]}"
        assert took <= DEADLINE_S + MARGIN_S, where
        assert "Traceback" not in answer.text
        entries = [entry for entry in new if entry.body.get("request_id") == answer.headers["x-request-id"]]
        # Sending a message is allowed first, on record, and then fails.
        assert entries, where
        assert entries[-1].outcome == "failed", f"{where} recorded {entries}"
    assert statistics.median(seen) < UNAFFECTED_S, f"others waited {statistics.median(seen):.2f} s"


async def _measure_others(doors: Doors, token: str, over: asyncio.Event) -> list[float]:
    """Ask for what needs no outside system until it is over, once at least, and return how long each answer took."""
    seen: list[float] = []
    while not seen or not over.is_set():
        for answer, took in (
            await _timed(doors.look_up(token)),
            await _timed(doors.send("GET", "/login")),
            await _timed(doors.look_up(token, node=1)),
        ):
            assert answer.status_code == 200
            seen.append(took)
    return seen


@asynccontextmanager
async def _broken(town: Town, fault: dict[str, Any]) -> AsyncIterator[None]:
    async with httpx2.AsyncClient(trust_env=False) as http:
        addresses = [f"{town.places.url_of(system)}/_faults" for system in SYSTEMS]
        for address in addresses:
            put = await http.post(address, json={"operation": "*", "times": None, **fault})
            assert put.status_code == 204, put.text
        try:
            yield
        finally:
            for address in addresses:
                await http.delete(address)


async def _come_back_from_the_center(town: Town, doors: Doors) -> Callable[[], Awaitable[httpx2.Response]]:
    """Go to the province center and sign in there; what is left is the way back."""
    visitor = Visitor(doors)
    await visitor.get("/login")
    away = await visitor.post("/sign-in/centers/province", {})
    assert away.status_code == 303, read_document(away.text).text[-400:]
    async with httpx2.AsyncClient(trust_env=False) as outside:
        choice = await outside.get(away.headers["location"])
        form = next(form for form in read_document(choice.text).forms if "request" in form.names)
        decided = await outside.post(
            f"{town.places.url_of('province-center')}/authorize/decide",
            data=dict(form.fields) | {"person": "zhangzhiming"},
        )
    back = urlsplit(decided.headers["location"])
    return lambda: visitor.get(f"{back.path}?{back.query}")


async def _look_up_above(doors: Doors) -> Callable[[], Awaitable[httpx2.Response]]:
    token = await doors.own_token()
    return lambda: doors.look_up(token, license_types=[ROAD_DRIVER], fields=["holder_name", "service_kind"])


async def _look_up_for_a_new_case(town: Town, doors: Doors) -> Callable[[], Awaitable[httpx2.Response]]:
    """A case that no node has heard of, so that the case system has to be asked."""
    token, case = await doors.own_token(), f"QY-2026-7{next(_numbers):05d}"
    async with httpx2.AsyncClient(trust_env=False) as outside:
        facts = {
            "number": case,
            "open": True,
            "matter_code": "gzf-apply",
            "matter_name": "公共租赁住房资格申请",
            "department_uscc": HOUSING_USCC,
            "holder_number": town.world["people"][0]["document_number"],
        }
        opened = await outside.put(f"{town.places.url_of('matters')}/_world/cases/{case}", json=facts)
        assert opened.status_code == 200, opened.text
    return lambda: doors.look_up(token, purpose={"matter": "gzf-apply", "case": case})


async def _ask_for_a_code(town: Town, doors: Doors) -> Callable[[], Awaitable[httpx2.Response]]:
    visitor, phone = Visitor(doors), f"1392{next(_numbers):07d}"
    await visitor.get("/register")
    return lambda: visitor.post("/register", {"phone": phone, "agreed": "yes"})


async def _prove_identity(town: Town, doors: Doors) -> Callable[[], Awaitable[httpx2.Response]]:
    """Register as far as the real-name check."""
    visitor, number = Visitor(doors), next(_numbers)
    phone = f"1393{number:07d}"
    await visitor.get("/register")
    sent = await visitor.post("/register", {"phone": phone, "agreed": "yes"})
    assert sent.status_code == 303, read_document(sent.text).text[-400:]
    flow = urlsplit(sent.headers["location"]).query.partition("flow=")[2]
    code = await texted_code(town, phone)
    confirmed = await visitor.post("/register/code", {"flow": flow, "code": code})
    assert confirmed.status_code == 303, read_document(confirmed.text).text[-400:]
    document = synthetic_resident_id("370299", date(1902, 3, 4), number % 1000)
    person = {"flow": flow, "name": "陆听雨", "document_number": document, "agreed": "yes"}
    return lambda: visitor.post("/register/identity", person)


async def _timed(question: Awaitable[httpx2.Response]) -> tuple[httpx2.Response, float]:
    began = time.monotonic()
    answer = await question
    return answer, time.monotonic() - began
