"""SMS gateway, proofing source and case system over HTTP, against their contracts."""

from collections.abc import Callable

import httpx2
import pytest
from pydantic import SecretStr

from adapters.api_calls import ApiSettings
from adapters.assembly import open_adapters
from adapters.guarded_http import GuardedHttp
from adapters.matters.client import HttpMatters
from adapters.proofing.client import HttpIdentityProofing
from adapters.settings import AdapterSettings
from adapters.simulators.world import HOUSING_USCC, LI_XIAOHE
from adapters.simulators.world_entries import World
from adapters.sms.client import ConsoleSmsSender, HttpSmsSender
from certs_catalog.ports import MattersUnavailable
from foundation.entropy import SystemEntropy
from idp.ports import SmsUnavailable
from tests.adapters.conftest import HandClock, Simulator
from tests.adapters.contract_district_systems import (
    MattersContract,
    MattersKit,
    ProofingContract,
    ProofingKit,
    SmsContract,
    SmsKit,
)

CASE = "QY-2026-000101"


def _settings(simulator: Simulator, key: str) -> ApiSettings:
    return ApiSettings.model_validate({"base_url": simulator.base_url, "api_key": SecretStr(key), "deadline": "PT0.6S"})


def _breaks(simulator: Simulator) -> Callable[[str], None]:
    return lambda way: simulator.fault("*", way, seconds=2)


class TestHttpSms(SmsContract):
    """The gateway client meets the contract."""

    @pytest.fixture
    async def sms_kit(self, simulate: Callable[[str], Simulator], http: GuardedHttp, world: World) -> SmsKit:
        gateway = simulate("sms")

        def arrived(phone: str) -> list[str]:
            answer = httpx2.get(f"{gateway.base_url}/outbox", params={"phone": phone}, trust_env=False)
            return [message["text"] for message in answer.json()["messages"]]

        sender = HttpSmsSender(_settings(gateway, world.api_keys["sms"]), signature="青榆政务", http=http)
        return SmsKit(sender, arrived, _breaks(gateway))


class TestHttpProofing(ProofingContract):
    """The proofing client meets the contract."""

    @pytest.fixture
    async def proofing_kit(
        self, simulate: Callable[[str], Simulator], http: GuardedHttp, world: World, hand_clock: HandClock
    ) -> ProofingKit:
        server = simulate("proofing")
        settings = _settings(server, world.api_keys["proofing"])
        return ProofingKit(
            source=HttpIdentityProofing(settings, http=http, clock=hand_clock.now),
            name=LI_XIAOHE.name,
            number=LI_XIAOHE.document_number,
            unknown_number="370299190606060080",
            break_by=_breaks(server),
        )


class TestHttpMatters(MattersContract):
    """The case client meets the contract."""

    @pytest.fixture
    async def matters_kit(self, simulate: Callable[[str], Simulator], http: GuardedHttp, world: World) -> MattersKit:
        server = simulate("matters")

        def close() -> None:
            answer = httpx2.post(f"{server.base_url}/_cases/{CASE}/close", trust_env=False)
            assert answer.json() == {"number": CASE, "open": False}

        return MattersKit(
            matters=HttpMatters(_settings(server, world.api_keys["matters"]), http=http),
            number=CASE,
            department_uscc=HOUSING_USCC,
            close=close,
            break_by=_breaks(server),
        )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param('{"case": {"number": "QY-2026-000101", "open": "false"}}', id="open is a text"),
        pytest.param('{"case": {"number": "QY-2026-000102", "open": true}}', id="another case"),
        pytest.param('{"case": []}', id="a list"),
        pytest.param("{}", id="no member"),
        pytest.param('{"case": null, "case": {}}', id="duplicate members"),
    ],
)
async def test_odd_case_answers_open_nothing(
    simulate: Callable[[str], Simulator], http: GuardedHttp, world: World, answer: str
) -> None:
    """Only the JSON value true, about the case asked for, opens a case."""
    server = simulate("matters")
    server.fault("query", "malformed", detail=answer)
    with pytest.raises(MattersUnavailable):
        await HttpMatters(_settings(server, world.api_keys["matters"]), http=http).find_case(CASE)


async def test_console_sender_shows_four_digits_of_the_number() -> None:
    """The console outbox shows what a demonstration needs and not the whole number."""
    lines: list[str] = []
    sender = ConsoleSmsSender(lines.append, signature="青榆政务")
    await sender.send(phone="13800000002", text="验证码 123456", template="sign-in")
    assert lines == ["SMS …0002 sign-in: 【青榆政务】验证码 123456"]


async def test_without_gateway_and_console_nothing_is_sent(hand_clock: HandClock) -> None:
    """A one-time code that cannot be delivered is an outage, not a line of a log."""
    async with open_adapters(
        AdapterSettings(),
        clock=hand_clock.now,
        entropy=SystemEntropy(),
        monotonic=hand_clock.monotonic,
        write_console=None,
    ) as adapters:
        with pytest.raises(SmsUnavailable):
            await adapters.sms.send(phone="13800000002", text="123456", template="code")
