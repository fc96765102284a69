"""The demo world keeps its promises: synthetic people, valid identifiers, cases for every refusal of the
story.
"""

from datetime import date

import httpx2

from adapters.simulators.catalogue import SIMULATORS
from adapters.simulators.world import (
    APPROVAL_USCC,
    DATA_USCC,
    HOUSING_USCC,
    MARKET_USCC,
    TRANSPORT_USCC,
    ZHANG_ZHIMING,
)
from adapters.simulators.world_entries import World
from certs_catalog.ports import Cause
from foundation.identifiers import parse_e_license_identifier, parse_resident_id, parse_social_credit_code
from idp.vocabulary import RealNameLevel
from tests.adapters.conftest import REDIRECT_URI, AllTogether, Simulator
from tests.adapters.contract_license_library import CAUSE
from tests.adapters.province_walk import walk_through_center


def test_every_person_is_synthetic(world: World) -> None:
    """Valid check characters, born before 1915."""
    for citizen in world.citizens.values():
        assert parse_resident_id(citizen.document_number, today=date(2026, 1, 1)).birth_date.year < 1915


def test_every_identifier_is_valid_and_agrees_with_its_record(world: World) -> None:
    """GB/T 36904 and GB 32100 check characters hold."""
    for record in world.licenses.values():
        identifier = parse_e_license_identifier(record.identifier)
        assert (identifier.type_code, identifier.issuer) == (record.type_code, record.issuer_code)
        assert identifier.serial == record.number
    for code in (HOUSING_USCC, APPROVAL_USCC, MARKET_USCC, DATA_USCC, TRANSPORT_USCC):
        parse_social_credit_code(code)


def test_the_cases_cover_every_refusal_of_the_story(world: World) -> None:
    """One open case, one closed, one of another department, one of another holder."""
    ours = [case for case in world.cases.values() if case.department_uscc == HOUSING_USCC]
    assert [case.open for case in ours if case.holder_number == ZHANG_ZHIMING.document_number] == [True, False]
    assert any(case.department_uscc == MARKET_USCC for case in world.cases.values())
    assert any(case.holder_number != ZHANG_ZHIMING.document_number for case in ours)


async def test_the_whole_story_runs_through_the_assembly(all_together: AllTogether) -> None:
    """All five systems at once, wired as the gateway wires them."""
    adapters = all_together.adapters
    center = adapters.centers["province"]
    redirect = await center.begin(state="s", nonce="n", redirect_uri=REDIRECT_URI)
    callback = await walk_through_center(redirect.url, ZHANG_ZHIMING.user_name)
    identity = await center.finish(
        callback=callback, remembered=redirect.remember, nonce="n", redirect_uri=REDIRECT_URI
    )
    assert identity.level is RealNameLevel.HIGH
    proof = await adapters.proofing.check_name_and_number(
        name="李晓禾", document_type="111", document_number="370299190909200028"
    )
    assert proof.agreed
    await adapters.sms.send(phone="13800000002", text="您的验证码", template="register")
    case = await adapters.matters.find_case("QY-2026-000101")
    assert case is not None
    assert case.holder_number == identity.document_number
    found = await adapters.libraries["certshare"].find_by_holder(
        holder_type="111",
        holder_code=identity.document_number,
        license_type="11100000000019713D071",
        cause=cause_of(case.matter_name),
    )
    assert [license.number for license in found] == ["370299020260017"]


def cause_of(matter_name: str) -> Cause:
    """The demo's cause under a matter's name."""
    return Cause(matter_name, CAUSE.system_name, CAUSE.matter_code, matter_name, None, CAUSE.department_name)


async def test_every_simulator_answers_its_administration(all_together: AllTogether) -> None:
    """Health, world and faults can be reached; an unknown collection is 404, a broken entry 400."""
    for name, simulator in all_together.simulators.items():
        assert name in SIMULATORS
        check_administration(simulator)


def check_administration(simulator: Simulator) -> None:
    """Walk the administration of one simulator."""
    url = simulator.base_url
    with httpx2.Client(trust_env=False) as client:
        assert client.get(f"{url}/_health").json() == {"status": "ok"}
        assert "zhangzhiming" in client.get(f"{url}/_world").json()["people"]
        assert client.put(f"{url}/_world/planets/mars", json={}).status_code == 404
        assert client.put(f"{url}/_world/people/nobody", json={"name": 1}).status_code == 400
        assert client.post(f"{url}/_faults", json={"kind": "delay", "seconds": -1}).status_code == 400
        simulator.fault("x", "delay", times=2)
        assert client.get(f"{url}/_faults").json()[0]["operation"] == "x"
        simulator.clear()
        assert client.get(f"{url}/_faults").json() == []
