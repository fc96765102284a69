"""The certshare library against its wire over HTTP: contract, codes, breaker, bulkhead, retry."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from adapters.breaker import Closed, Open
from adapters.guarded_http import GuardedHttp
from adapters.license_libraries.certshare.client import CertshareLibrary
from adapters.license_libraries.certshare.codes import HeadStatus
from adapters.license_libraries.certshare.settings import CertshareSettings
from adapters.simulators.world import ZHANG_ZHIMING, demo_settings
from adapters.simulators.world_entries import World
from certs_catalog.ports import (
    LibraryLicense,
    LibraryMalformed,
    LibraryRefused,
    LibraryTimeout,
    LibraryUnavailable,
)
from certs_catalog.vocabulary import LicenseStatus
from tests.adapters.conftest import HandClock, Simulator
from tests.adapters.contract_license_library import CAUSE, LibraryKit, LicenseLibraryContract

DRIVER, TRANSPORT = "11100000000019713D071", "11100000000019713D013"
MakeLibrary = Callable[..., CertshareLibrary]


@pytest.fixture
def upper(simulate: Callable[[str], Simulator]) -> Simulator:
    """The upper library on a port."""
    return simulate("certshare")


@pytest.fixture
def make_library(world: World, upper: Simulator, http: GuardedHttp, hand_clock: HandClock) -> MakeLibrary:
    """Make a client for the running library, with settings changed as named."""

    def make(**changes: object) -> CertshareLibrary:
        given = demo_settings(world, addresses={"certshare": upper.base_url}).libraries[0]
        settings = CertshareSettings.model_validate({**dict(given), **changes})
        return CertshareLibrary(settings, http=http, clock=hand_clock.now, monotonic=hand_clock.monotonic)

    return make


async def look_up(library: CertshareLibrary, license_type: str = DRIVER) -> list[LibraryLicense]:
    """Look up the demo person's licenses of one type."""
    return await library.find_by_holder(
        holder_type="111",
        holder_code=ZHANG_ZHIMING.document_number,
        license_type=license_type,
        cause=CAUSE,
    )


class TestCertshareLibrary(LicenseLibraryContract):
    """The connector meets the contract of every library."""

    @pytest.fixture
    async def library_kit(self, make_library: MakeLibrary, upper: Simulator, world: World) -> LibraryKit:
        ways: dict[str, dict[str, Any]] = {
            "unavailable": {"kind": "status", "status": 503},
            "slow": {"kind": "delay", "seconds": 2},
            "malformed": {"kind": "malformed"},
            "huge": {"kind": "huge"},
            "refused": {"kind": "code", "detail": "100"},
        }

        def break_by(way: str) -> None:
            upper.fault("*", **ways[way])

        record = next(record for record in world.licenses.values() if record.type_code == DRIVER)
        return LibraryKit(
            library=make_library(deadline=timedelta(seconds=0.6)),
            identifier=record.identifier,
            license_type=DRIVER,
            other_type=TRANSPORT,
            holder_code=record.holder_code,
            holder_name=record.holder_name,
            break_by=break_by,
        )


async def test_face_fields_come_over_with_extension_names(make_library: MakeLibrary) -> None:
    """The catalogue's sources name GB/T 36903 elements and KZ_ extensions."""
    license = (await look_up(make_library()))[0]
    assert license.face["KZ_ZJCX"] == "A1"
    assert license.face["certificate_validate_end"] == "20300311"


async def test_sector_status_is_mapped_and_unknown_codes_are_never_valid(
    make_library: MakeLibrary, upper: Simulator, world: World
) -> None:
    """E14: expired is shown as expired, and a code of no table as other."""
    assert (await look_up(make_library(), TRANSPORT))[0].status is LicenseStatus.EXPIRED
    record = next(record for record in world.licenses.values() if record.type_code == DRIVER)
    upper.put("licenses", record.identifier, status="77")
    assert (await look_up(make_library()))[0].status is LicenseStatus.OTHER


@pytest.mark.parametrize("status", [s for s in HeadStatus if s not in (0, 10, 99, 101)])
async def test_every_listed_refusal_is_refused_with_its_code(
    make_library: MakeLibrary, upper: Simulator, status: HeadStatus
) -> None:
    """The library understood and said no; its code goes along."""
    upper.fault("queryCertInfoByHolderCode", "code", detail=str(int(status)))
    with pytest.raises(LibraryRefused) as caught:
        await look_up(make_library())
    assert caught.value.status == status


@pytest.mark.parametrize("status", [HeadStatus.OTHER, HeadStatus.STATUS_MISCONFIGURED])
async def test_faults_of_the_librarys_machinery_count_as_unavailable(
    make_library: MakeLibrary, upper: Simulator, status: HeadStatus
) -> None:
    """They say nothing about the question."""
    upper.fault("*", "code", detail=str(int(status)))
    with pytest.raises(LibraryUnavailable):
        await look_up(make_library())


async def test_wrong_account_and_ungranted_type_are_refused(make_library: MakeLibrary, world: World) -> None:
    """Status 11 and 100, as the real thing answers them."""
    with pytest.raises(LibraryRefused) as caught:
        await look_up(make_library(access_token=SecretStr("wrong")))
    assert caught.value.status == HeadStatus.IDENTITY_CHECK_FAILED
    account = world.accounts["qingyu"]
    world.accounts["qingyu"] = account.model_copy(update={"license_types": (TRANSPORT,)})
    with pytest.raises(LibraryRefused) as caught:
        await look_up(make_library())
    assert caught.value.status == HeadStatus.NO_ACCESS_TO_TYPE


async def test_answers_sealed_for_another_key_are_malformed(
    make_library: MakeLibrary,
) -> None:
    """Nothing is read that was not sealed for us; the previous key still opens during a change."""
    other = SecretStr("128b2fa8bd433c6c068c8d803dff79792a519a55171b1b650c23661d15897263")
    with pytest.raises(LibraryMalformed):
        await look_up(make_library(private_key=other))
    ours = make_library()._settings.private_key
    assert await look_up(make_library(private_key=other, previous_private_key=ours))


async def test_an_answer_about_somebody_else_is_malformed(
    make_library: MakeLibrary, upper: Simulator, world: World
) -> None:
    """A library that mixes people up must not be believed: the license's holder is compared."""
    library = make_library()
    record = next(record for record in world.licenses.values() if record.type_code == DRIVER)
    upper.put("licenses", record.identifier, identifier=record.identifier[:-1] + "0")
    with pytest.raises(LibraryMalformed):
        await look_up(library)


async def test_breaker_opens_refuses_at_once_and_recovers_by_probes(
    make_library: MakeLibrary, upper: Simulator, hand_clock: HandClock
) -> None:
    """Half of twenty calls failed: no call goes out for a while, then three probes decide."""
    library = make_library()
    for _ in range(10):
        await look_up(library)
    upper.fault("*", "status", status=503)
    for _ in range(10):
        with pytest.raises(LibraryUnavailable):
            await look_up(library)
    assert isinstance(library.breaker.state, Open)
    upper.clear()
    with pytest.raises(LibraryUnavailable):
        await look_up(library)
    hand_clock.move(timedelta(seconds=11))
    for _ in range(3):
        await look_up(library)
    assert isinstance(library.breaker.state, Closed)


async def test_refusals_do_not_open_the_breaker(make_library: MakeLibrary, upper: Simulator) -> None:
    """A library that says no is well."""
    library = make_library()
    upper.fault("*", "code", detail="100")
    for _ in range(25):
        with pytest.raises(LibraryRefused):
            await look_up(library)
    assert isinstance(library.breaker.state, Closed)


async def test_bulkhead_refuses_when_every_place_is_taken(make_library: MakeLibrary, upper: Simulator) -> None:
    """A slow library holds its own places and nobody else's."""
    library = make_library(concurrency=2, patience=timedelta(milliseconds=50))
    upper.fault("*", "delay", seconds=0.5, times=2)
    outcomes = await asyncio.gather(*(look_up(library) for _ in range(4)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, LibraryUnavailable)]
    assert (len(refused), len(outcomes) - len(refused)) == (2, 2)


async def test_only_connect_errors_are_tried_again(
    make_library: MakeLibrary, upper: Simulator, hand_clock: HandClock
) -> None:
    """A request that was sent is never sent twice; one that was not is tried once more within the
    deadline.
    """
    upper.fault("queryCertInfoByHolderCode", "drop", times=1)
    with pytest.raises(LibraryUnavailable):
        await look_up(make_library())
    nobody_listens = make_library(base_url="http://127.0.0.1:9")
    began = asyncio.get_running_loop().time()
    with pytest.raises(LibraryUnavailable):
        await look_up(nobody_listens)
    assert asyncio.get_running_loop().time() - began < 5


async def test_a_dripping_answer_is_cut_off_at_the_deadline(make_library: MakeLibrary, upper: Simulator) -> None:
    """Q04: one octet now and then does not keep a call alive."""
    upper.fault("*", "drip", seconds=5)
    began = asyncio.get_running_loop().time()
    with pytest.raises(LibraryTimeout):
        await look_up(make_library(deadline=timedelta(seconds=0.5)))
    assert asyncio.get_running_loop().time() - began < 2


async def test_cause_and_account_travel_in_the_body(make_library: MakeLibrary, upper: Simulator) -> None:
    """The wire wants a cause; without one the library itself refuses with status 12."""
    body = {
        "head": {"accessId": "qingyu", "accessToken": "certshare-demo-token"},
        "data": {
            "certTypeCode": DRIVER,
            "holderTypeCode": "111",
            "holderCode": ZHANG_ZHIMING.document_number,
        },
    }
    async with httpx2.AsyncClient(trust_env=False) as client:
        url = f"{upper.base_url}/CertShare/queryCertInfoByHolderCode"
        answer = await client.post(url, content=json.dumps(body))
    assert answer.json()["head"]["status"] == HeadStatus.PARAMETER_MISSING
