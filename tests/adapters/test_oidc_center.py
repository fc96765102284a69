"""The OpenID Connect center against a real provider over HTTP; each wrong point of an answer is refused
by itself.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import httpx2
import pytest
from joserfc.jwk import ECKey
from pydantic import SecretStr

from adapters.guarded_http import GuardedHttp
from adapters.simulators.center_tokens import CLAIM_FAULTS, SIGNATURE_FAULTS
from adapters.simulators.world import CHEN_MULAN, ZHANG_ZHIMING, demo_settings
from adapters.simulators.world_entries import World
from adapters.user_centers.oidc.client import OidcUserCenter
from adapters.user_centers.oidc.settings import OidcCenterSettings
from foundation.entropy import SystemEntropy
from idp.ports import CenterIdentity, CenterMalformed, CenterRefused, CenterUnavailable
from idp.vocabulary import RealNameLevel
from tests.adapters.conftest import REDIRECT_URI, HandClock, Simulator
from tests.adapters.contract_user_center import NONCE, STATE, CenterKit, UserCenterContract
from tests.adapters.province_walk import walk_through_center

MakeCenter = Callable[..., OidcUserCenter]


@pytest.fixture
def province(simulate: Callable[[str], Simulator]) -> Simulator:
    """The province center on a port."""
    return simulate("province-center")


@pytest.fixture
def make_center(world: World, province: Simulator, http: GuardedHttp, hand_clock: HandClock) -> MakeCenter:
    """Make a client for the running center, with settings changed as named."""

    def make(**changes: object) -> OidcUserCenter:
        given = demo_settings(world, addresses={"province-center": province.base_url}).centers[0]
        settings = OidcCenterSettings.model_validate({**dict(given), **changes})
        return OidcUserCenter(
            settings,
            http=http,
            clock=hand_clock.now,
            entropy=SystemEntropy(),
            monotonic=hand_clock.monotonic,
        )

    return make


async def arrive(center: OidcUserCenter, person: str = ZHANG_ZHIMING.user_name) -> CenterIdentity:
    """Sign in at the center and come back."""
    redirect = await center.begin(state=STATE, nonce=NONCE, redirect_uri=REDIRECT_URI)
    callback = await walk_through_center(redirect.url, person)
    return await center.finish(callback=callback, remembered=redirect.remember, nonce=NONCE, redirect_uri=REDIRECT_URI)


class TestOidcCenter(UserCenterContract):
    """The connector meets the contract of every center."""

    @pytest.fixture
    async def center_kit(self, make_center: MakeCenter, province: Simulator) -> CenterKit:
        async def walk(url: str, refuse: bool) -> Mapping[str, str]:
            return await walk_through_center(url, "" if refuse else ZHANG_ZHIMING.user_name)

        return CenterKit(
            center=make_center(deadline=timedelta(seconds=0.6)),
            redirect_uri=REDIRECT_URI,
            document_number=ZHANG_ZHIMING.document_number,
            walk=walk,
            stop=lambda: province.fault("*", "status", status=503),
            stall=lambda: province.fault("*", "delay", seconds=2),
        )


async def test_identity_carries_name_phone_level_and_evidence(make_center: MakeCenter) -> None:
    """Every attribute comes from the verified answer, the level by table."""
    identity = await arrive(make_center())
    assert (identity.subject, identity.name) == (ZHANG_ZHIMING.subject, ZHANG_ZHIMING.name)
    assert (identity.phone, identity.level) == (ZHANG_ZHIMING.phone, RealNameLevel.HIGH)
    assert (identity.evidence.method, identity.evidence.source) == ("face", "province")


async def test_level_is_capped_by_the_ceiling(make_center: MakeCenter) -> None:
    """B13: a center vouches for no more than it is trusted for."""
    assert (await arrive(make_center(ceiling=RealNameLevel.BASIC))).level is RealNameLevel.BASIC


async def test_level_is_mapped_by_table(make_center: MakeCenter) -> None:
    """Centers code their levels differently; the table decides."""
    identity = await arrive(make_center(levels={"2": RealNameLevel.BASIC}), CHEN_MULAN.user_name)
    assert identity.level is RealNameLevel.BASIC


async def test_a_person_without_real_name_is_refused(make_center: MakeCenter) -> None:
    """A center that vouches for nothing brings no document number that could be linked."""
    with pytest.raises(CenterRefused):
        await arrive(make_center(), "zhaowushi")


@pytest.mark.parametrize("fault", [*CLAIM_FAULTS, *SIGNATURE_FAULTS])
async def test_an_id_token_wrong_in_one_point_is_refused(
    make_center: MakeCenter, province: Simulator, fault: str
) -> None:
    """Core §3.1.3.7, B12, F05: each check refuses alone; an unknown level is no level."""
    center = make_center()
    province.fault("token", "id_token", detail=fault, times=1)
    with pytest.raises(CenterRefused if fault == "unknown_level" else CenterMalformed):
        await arrive(center)
    assert (await arrive(center)).subject == ZHANG_ZHIMING.subject


@pytest.mark.parametrize(
    "replaced",
    [
        pytest.param({"sub": "p-370299-000018"}, id="B04 the subject of userinfo is another"),
        pytest.param({"sub": None}, id="B04 userinfo names no subject"),
        pytest.param({"sub": 17}, id="U13 the subject is a number"),
        pytest.param({"document_number": "370299190805120016"}, id="the check character is wrong"),
        pytest.param({"document_number": "３７０２９９190805120015"}, id="full-width digits are not digits"),
        pytest.param({"document_number": None}, id="no document number"),
        pytest.param({"document_type": "888"}, id="an unlisted kind of document"),
        pytest.param({"name": ""}, id="an empty name"),
        pytest.param({"name": ["张知明"]}, id="a list as name"),
    ],
)
async def test_userinfo_wrong_in_one_point_is_refused(
    make_center: MakeCenter, province: Simulator, replaced: dict[str, object]
) -> None:
    """Core §5.3.2 and our own form rules."""
    province.fault("userinfo", "userinfo", detail=json.dumps(replaced), times=1)
    with pytest.raises(CenterMalformed):
        await arrive(make_center())


@pytest.mark.parametrize("replaced", [{"phone_number_verified": False}, {"phone_number": "12345"}])
async def test_an_unverified_phone_is_not_believed(
    make_center: MakeCenter, province: Simulator, replaced: dict[str, object]
) -> None:
    """B01: a number that the center has not verified is no number."""
    province.fault("userinfo", "userinfo", detail=json.dumps(replaced), times=1)
    assert (await arrive(make_center())).phone is None


@pytest.mark.parametrize(
    ("operation", "kind", "members", "expected"),
    [
        ("token", "malformed", {}, CenterMalformed),
        ("token", "malformed", {"detail": '{"access_token":"a","access_token":"b"}'}, CenterMalformed),
        ("token", "huge", {}, CenterMalformed),
        ("token", "content_type", {}, CenterMalformed),
        ("token", "drop", {}, CenterUnavailable),
        ("token", "drip", {"seconds": 3}, CenterUnavailable),
        ("token", "status", {"status": 500}, CenterUnavailable),
        ("token", "status", {"status": 302}, CenterUnavailable),
        ("userinfo", "malformed", {}, CenterMalformed),
        ("userinfo", "content_type", {"detail": "application/javascript"}, CenterMalformed),
        ("userinfo", "status", {"status": 401}, CenterUnavailable),
        ("jwks", "malformed", {}, CenterMalformed),
        ("jwks", "huge", {}, CenterUnavailable),
        ("jwks", "jwks_empty", {}, CenterMalformed),
        ("decide", "error", {"detail": "temporarily_unavailable"}, CenterUnavailable),
        ("decide", "error", {"detail": "invalid_scope"}, CenterRefused),
    ],
)
async def test_a_broken_center_gives_the_ports_error(
    make_center: MakeCenter,
    province: Simulator,
    operation: str,
    kind: str,
    members: dict[str, object],
    expected: type[Exception],
) -> None:
    """V12, Q04, U13: whatever the center does, the caller sees one of three errors."""
    center = make_center(deadline=timedelta(seconds=1))
    province.fault(operation, kind, times=1, **members)
    with pytest.raises(expected):
        await arrive(center)


@pytest.mark.parametrize("issuer_end", ["/", " ", "x"])
async def test_metadata_of_another_issuer_is_not_loaded(
    make_center: MakeCenter, province: Simulator, hand_clock: HandClock, issuer_end: str
) -> None:
    """F03: one character of difference, and the document is another's; an earlier document stays in use."""
    center = make_center()
    province.fault("openid-configuration", "issuer", detail=province.base_url + issuer_end, times=1)
    with pytest.raises(CenterUnavailable):
        await center.begin(state=STATE, nonce=NONCE, redirect_uri=REDIRECT_URI)
    hand_clock.move(timedelta(seconds=6))
    await arrive(center)
    hand_clock.move(timedelta(hours=2))
    province.fault("openid-configuration", "issuer", detail=province.base_url + issuer_end)
    assert (await center.begin(state=STATE, nonce=NONCE, redirect_uri=REDIRECT_URI)).url


async def test_return_with_another_iss_or_none_is_refused(make_center: MakeCenter) -> None:
    """RFC 9207: the center promises `iss`, so its absence is as wrong as another value (mix-up)."""
    center = make_center()
    for wrong in ({"iss": "https://evil.test"}, {}):
        redirect = await center.begin(state=STATE, nonce=NONCE, redirect_uri=REDIRECT_URI)
        callback = dict(await walk_through_center(redirect.url, ZHANG_ZHIMING.user_name))
        del callback["iss"]
        with pytest.raises(CenterMalformed):
            await center.finish(
                callback={**callback, **wrong},
                remembered=redirect.remember,
                nonce=NONCE,
                redirect_uri=REDIRECT_URI,
            )


async def test_rotated_keys_are_found_and_unknown_kids_cause_one_fetch_a_minute(
    make_center: MakeCenter, province: Simulator, hand_clock: HandClock
) -> None:
    """V13: a new key is fetched once; invented kids within the minute cause no fetch."""
    center = make_center()
    await arrive(center)
    httpx2.post(f"{province.base_url}/_keys/rotate", trust_env=False)
    with pytest.raises(CenterMalformed):
        await arrive(center)
    hand_clock.move(timedelta(seconds=61))
    await arrive(center)
    # From here on every fetch of the keys would fail: the known key must go on working without one.
    province.fault("jwks", "status", status=500)
    for _ in range(3):
        province.fault("token", "id_token", detail="unknown_kid", times=1)
        with pytest.raises(CenterMalformed):
            await arrive(center)
    assert (await arrive(center)).subject == ZHANG_ZHIMING.subject


async def test_an_empty_key_set_keeps_the_old_keys(
    make_center: MakeCenter, province: Simulator, hand_clock: HandClock
) -> None:
    """V13: a center that publishes nothing for a while does not lock its people out."""
    center = make_center()
    await arrive(center)
    hand_clock.move(timedelta(seconds=61))
    province.fault("jwks", "jwks_empty")
    province.fault("token", "id_token", detail="unknown_kid", times=1)
    with pytest.raises(CenterMalformed):
        await arrive(center)
    assert (await arrive(center)).subject == ZHANG_ZHIMING.subject


async def test_private_key_jwt_authenticates(make_center: MakeCenter, world: World) -> None:
    """RFC 7523: the assertion is signed, for the issuer, and used once."""
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"})
    key.ensure_kid()
    client = world.clients["renzheng"]
    public = {"keys": [key.as_dict(private=False)]}
    world.clients["renzheng"] = client.model_copy(update={"client_secret": None, "public_jwks": public})
    private = SecretStr(json.dumps(key.as_dict(private=True)))
    center = make_center(client_secret=None, private_jwk=private)
    assert (await arrive(center)).subject == ZHANG_ZHIMING.subject


async def test_wrong_credentials_are_an_operators_quarrel(make_center: MakeCenter) -> None:
    """To the citizen a center that does not know us is out of order."""
    with pytest.raises(CenterUnavailable):
        await arrive(make_center(client_secret=SecretStr("wrong")))


async def test_health_recovers_by_time_and_by_probe(
    make_center: MakeCenter, province: Simulator, hand_clock: HandClock
) -> None:
    """A button that is shut must open again without anybody pressing it."""
    center = make_center()
    province.fault("*", "status", status=503)
    assert not (await center.probe()).available
    hand_clock.move(timedelta(seconds=31))
    assert center.health().available
    assert not (await center.probe()).available
    province.clear()
    hand_clock.move(timedelta(seconds=1))
    assert (await center.probe()).available
