"""The device flow (RFC 8628) from the screen's request to its tokens, with the attacks of area J (D01 to D06)."""

import asyncio
import dataclasses
import re
from datetime import timedelta

import pytest

from foundation.entropy import SystemEntropy
from idp.provider.connected_apps import withdraw_consent
from idp.provider.decoupled.code_entry import CodeRefused
from idp.provider.decoupled.confirmation import ConfirmationView, StrongerSignInNeeded
from idp.provider.decoupled.requests import DecoupledRequest
from idp.provider.decoupled.tables import decoupled_requests
from idp.provider.decoupled.user_codes import ALPHABET, draw_user_code, parse_user_code, show_user_code
from idp.provider.errors import ShownError
from idp.provider.housekeeping import forget_finished
from idp.provider.tokens.revocations import revocation
from tests.idp.provider.decoupled_world import KIOSK, Phone, begin_device, error_of, poll_device
from tests.idp.provider.world import LI, Browser, World, claims_of_jwt


async def request_of(phone: Phone, begun: dict[str, str]) -> DecoupledRequest:
    """Type the user code and return the request it leads to."""
    found = await phone.enter(begun["user_code"])
    assert isinstance(found, DecoupledRequest)
    return found


async def test_a_screen_gets_tokens_after_the_person_agreed(world: World, phone: Phone) -> None:
    """RFC 8628 §3.1 to §3.5, with the ID token of OpenID Connect; the answer and its parts are as the RFC names them."""
    begun = await begin_device(world, scope="openid profile realname offline_access")
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", begun["user_code"])
    assert begun["verification_uri"] == f"{world.provider.issuer}/device"
    assert begun["verification_uri_complete"].endswith(f"/device?user_code={begun['user_code']}")
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert error_of(await poll_device(world, begun["device_code"])) == (400, "authorization_pending")
    waiting = await request_of(phone, begun)
    shown = await phone.look(waiting.request_id)
    assert isinstance(shown, ConfirmationView)
    assert [item.item for item in shown.view.items] == ["profile", "realname", "offline_access"]
    assert shown.request.network == "203.0.113.0/24"
    await phone.agree(waiting.request_id)
    answer = await poll_device(world, begun["device_code"])
    assert answer.status_code == 200
    body = answer.json()
    assert body["scope"] == "openid profile realname offline_access"
    claims = claims_of_jwt(body["id_token"])
    assert (claims["aud"], claims["acr"]) == ("kiosk", phone.session.acr)
    assert (await world.userinfo(body["access_token"])).json()["sub"] == claims["sub"]
    refreshed = await world.token("kiosk", grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert refreshed.status_code == 200
    assert error_of(await poll_device(world, begun["device_code"])) == (400, "invalid_grant")
    kinds = [entry["kind"] for entry in await world.entries() if entry.get("client") == "kiosk"]
    assert kinds == [
        "oauth.client_registered",
        "oauth.device_authorization",
        "oauth.consent",
        "oauth.device_answer",
        "oauth.token",
        "oauth.userinfo",
        "oauth.token",
        "oauth.token",
    ]


async def test_fifty_redemptions_have_one_winner(world: World, phone: Phone) -> None:
    """N03: of parallel requests one gets tokens, the others invalid_grant."""
    begun = await begin_device(world)
    await phone.agree((await request_of(phone, begun)).request_id)
    answers = await asyncio.gather(*(poll_device(world, begun["device_code"]) for _ in range(50)))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {error_of(answer) for answer in answers if answer.status_code != 200} == {(400, "invalid_grant")}


async def test_d01_codes_cannot_be_guessed(world: World, phone: Phone) -> None:
    """Five codes in ten minutes for one account, right ones counted as well; then it waits, and so does a right code."""
    begun = await begin_device(world)
    for _ in range(5):
        refused = await phone.enter("BCDF-GHJK")
        assert isinstance(refused, CodeRefused)
        assert refused.reason.entry.code == "21142"
    held = await phone.enter(begun["user_code"])
    assert isinstance(held, CodeRefused)
    assert held.reason.entry.code == "21143"
    assert held.retry_at is not None
    assert held.retry_at > world.now
    assert await world.last_entry() == ("oauth.user_code", "refused", "21143")
    world.now = held.retry_at
    begun = await begin_device(world)
    assert isinstance(await phone.enter(begun["user_code"]), DecoupledRequest)


async def test_d01_one_network_guesses_no_more_with_many_accounts(world: World, phone: Phone) -> None:
    """Sixty codes in ten minutes from one address, whoever enters them."""
    refusals = []
    for number in range(61):
        other = Phone(world, dataclasses.replace(phone.session, account_id=f"{number:032d}"))
        refused = await other.enter("BCDF-GHJK")
        assert isinstance(refused, CodeRefused)
        refusals.append(refused.reason.entry.code)
    assert refusals == ["21142"] * 60 + ["21143"]


async def test_d02_polling_too_fast_slows_down_and_then_ends(world: World, phone: Phone) -> None:
    """RFC 8628 §3.5: five seconds more each time; a client that never listens loses the request, and the person's yes comes too late."""
    begun = await begin_device(world)
    assert error_of(await poll_device(world, begun["device_code"])) == (400, "authorization_pending")
    assert error_of(await poll_device(world, begun["device_code"])) == (400, "slow_down")
    world.later(seconds=6)
    assert error_of(await poll_device(world, begun["device_code"])) == (400, "slow_down")
    world.later(seconds=15)
    assert error_of(await poll_device(world, begun["device_code"])) == (400, "authorization_pending")
    waiting = await request_of(phone, begun)
    errors = [(await poll_device(world, begun["device_code"])).json()["error"] for _ in range(12)]
    assert errors[:9] == ["slow_down"] * 9
    assert errors[9:] == ["expired_token"] * 3
    with pytest.raises(ShownError):
        await phone.agree(waiting.request_id)


async def test_waiting_leaves_no_entries(world: World, phone: Phone) -> None:
    """A poll of a pending request decides nothing: the ledger does not grow with a patient client."""
    begun = await begin_device(world)
    before = len(await world.entries())
    for _ in range(5):
        await poll_device(world, begun["device_code"])
        world.later(seconds=30)
    assert len(await world.entries()) == before


async def test_d03_nothing_is_approved_without_the_persons_yes(world: World, phone: Phone) -> None:
    """Looking a code up and opening its page approve nothing; also not for an app that the person agreed to before."""
    for _ in range(2):
        begun = await begin_device(world)
        waiting = await request_of(phone, begun)
        await phone.look(waiting.request_id)
        assert error_of(await poll_device(world, begun["device_code"])) == (400, "authorization_pending")
        await phone.agree(waiting.request_id)
        assert (await poll_device(world, begun["device_code"])).status_code == 200


async def test_a_refusal_is_told_and_final(world: World, phone: Phone) -> None:
    """RFC 8628 §3.5 access_denied; whoever refused cannot agree afterwards."""
    begun = await begin_device(world)
    waiting = await request_of(phone, begun)
    await phone.answer(waiting.request_id, agreed=None)
    assert await world.last_entry() == ("oauth.device_answer", "refused", "21133")
    for _ in range(2):
        assert error_of(await poll_device(world, begun["device_code"])) == (400, "access_denied")
    with pytest.raises(ShownError):
        await phone.agree(waiting.request_id)
    assert isinstance(await phone.enter(begun["user_code"]), CodeRefused)


async def test_leaving_out_what_the_app_needs_refuses(world: World, phone: Phone) -> None:
    """As on the consent page: an optional item may be declined, any other refuses the whole."""
    begun = await begin_device(world, scope="openid phone realname")
    waiting = await request_of(phone, begun)
    await phone.answer(waiting.request_id, agreed=frozenset({"realname"}))
    body = (await poll_device(world, begun["device_code"])).json()
    assert body["scope"] == "openid realname"
    begun = await begin_device(world, scope="openid profile")
    await phone.answer((await request_of(phone, begun)).request_id, agreed=frozenset())
    assert error_of(await poll_device(world, begun["device_code"])) == (400, "access_denied")


async def test_expired_codes_lead_nowhere(world: World, phone: Phone) -> None:
    """Ten minutes for the person and the device alike; what was approved in time is lost with the code's end."""
    begun, approved = await begin_device(world), await begin_device(world)
    await phone.agree((await request_of(phone, approved)).request_id)
    world.later(minutes=10)
    await world.touch(phone.session)
    assert isinstance(await phone.enter(begun["user_code"]), CodeRefused)
    for codes in (begun, approved):
        assert error_of(await poll_device(world, codes["device_code"])) == (400, "expired_token")


@pytest.mark.parametrize("ending", ["session", "person", "client", "consent"])
async def test_d05_what_ends_between_yes_and_poll_counts(world: World, phone: Phone, ending: str) -> None:
    """Lifecycle states × device: a session, person, client or consent that ended meanwhile gives no token."""
    begun = await begin_device(world)
    await phone.agree((await request_of(phone, begun)).request_id)
    if ending == "consent":
        await withdraw_consent(phone.session.person_id, "kiosk", provider=world.provider, now=world.now)
    else:
        key = {
            "session": f"session:{phone.session.session_id}",
            "person": f"person:{phone.session.person_id}",
            "client": "client:kiosk",
        }[ending]
        world.provider.feed.apply([revocation(key, lifetime=timedelta(minutes=10), now=world.now)])
    assert error_of(await poll_device(world, begun["device_code"])) == (400, "invalid_grant")


async def test_d06_the_token_has_the_scope_that_was_agreed_to(world: World, phone: Phone) -> None:
    """A scope named at the token endpoint changes nothing (RFC 8628 §3.4 knows none)."""
    begun = await begin_device(world, scope="openid profile")
    await phone.agree((await request_of(phone, begun)).request_id)
    body = (await poll_device(world, begun["device_code"], scope="openid profile realname.id")).json()
    assert body["scope"] == "openid profile"


async def test_another_client_learns_and_spoils_nothing(world: World, phone: Phone) -> None:
    """A stolen device code is bound to its client."""
    await world.add_client(dataclasses.replace(KIOSK, client_id="other-kiosk"))
    begun = await begin_device(world)
    await phone.agree((await request_of(phone, begun)).request_id)
    assert error_of(await poll_device(world, begun["device_code"], "other-kiosk")) == (400, "invalid_grant")
    assert (await poll_device(world, begun["device_code"])).status_code == 200


async def test_a_device_code_is_no_authorization_code(world: World, phone: Phone) -> None:
    """Neither grant takes the other's secret, and trying does not spend it."""
    await world.add_client(
        dataclasses.replace(
            KIOSK,
            client_id="both",
            grant_types=("authorization_code", *KIOSK.grant_types),
            redirect_uris=("http://127.0.0.1/cb",),
        )
    )
    begun = await begin_device(world, "both")
    await phone.agree((await request_of(phone, begun)).request_id)
    crossed = await world.token(
        "both",
        grant_type="authorization_code",
        code=begun["device_code"],
        redirect_uri="http://127.0.0.1/cb",
        code_verifier="v" * 43,
    )
    assert error_of(crossed) == (400, "invalid_grant")
    assert (await poll_device(world, begun["device_code"], "both")).status_code == 200


@pytest.mark.parametrize(
    ("client_id", "form", "expected"),
    [
        ("gzf", {}, (400, "unauthorized_client")),
        ("kiosk", {"scope": "profile"}, (400, "invalid_scope")),
        ("kiosk", {"scope": ""}, (400, "invalid_scope")),
        ("kiosk", {"scope": "openid license.lookup"}, (400, "invalid_scope")),
        ("kiosk", {"resource": "https://elsewhere.test/"}, (400, "invalid_target")),
        ("kiosk", {"claims": "{"}, (400, "invalid_request")),
        ("kiosk", {"acr_values": "urn:nobody:knows"}, (400, "unmet_authentication_requirements")),
        ("nobody", {}, (401, "invalid_client")),
    ],
)
async def test_requests_that_are_not_taken(
    world: World, phone: Phone, client_id: str, form: dict[str, str], expected: tuple[int, str]
) -> None:
    """The rules of the authorization endpoint hold at this door too; a refusal is on record."""
    asked = {name: value for name, value in ({"scope": "openid profile"} | form).items() if value}
    if client_id == "nobody":
        async with world.http() as http:
            response = await http.post("/oauth/device_authorization", data={**asked, "client_id": "nobody"})
    else:
        response = await world.ask("/oauth/device_authorization", client_id, **asked)
    assert error_of(response) == expected
    assert (await world.last_entry())[:2] == ("oauth.device_authorization", "refused")


async def test_a_stronger_sign_in_is_asked_for(world: World, phone: Phone) -> None:
    """`acr_values` is never silently lowered; a sign-in that is strong enough goes on."""
    begun = await begin_device(world, acr_values="urn:renzheng:acr:l3:f2")
    waiting = await request_of(phone, begun)
    assert isinstance(await phone.look(waiting.request_id), StrongerSignInNeeded)
    answered = await phone.answer(waiting.request_id, agreed=frozenset({"profile"}))
    assert isinstance(answered, StrongerSignInNeeded)
    assert error_of(await poll_device(world, begun["device_code"])) == (400, "authorization_pending")


async def test_of_two_people_with_one_code_the_first_answers(world: World, phone: Phone) -> None:
    """The answer is one conditional UPDATE."""
    li = await world.add_person(LI, "李素", "13800000002")
    other = Phone(world, await world.sign_in(Browser(world), li))
    begun = await begin_device(world)
    waiting = await request_of(phone, begun)
    assert await request_of(other, begun) == waiting
    await other.answer(waiting.request_id, agreed=None)
    with pytest.raises(ShownError):
        await phone.agree(waiting.request_id)


async def test_finished_requests_are_forgotten(world: World, phone: Phone) -> None:
    """Storage is bounded: a day after its end a request is gone."""
    await begin_device(world)
    world.later(hours=12)
    await forget_finished(provider=world.provider, now=world.now)
    assert len(await world.rows(decoupled_requests)) == 1
    world.later(hours=13)
    await forget_finished(provider=world.provider, now=world.now)
    assert await world.rows(decoupled_requests) == []


def test_user_codes_are_read_however_they_are_typed() -> None:
    """Case, width, dashes and blanks do not matter; nothing else passes."""
    code = draw_user_code(SystemEntropy())
    shown = show_user_code(code)
    for typed in (shown, code.lower(), f" {code[:4]} {code[4:]} ", shown.replace("-", "－"), shown.replace("-", "—")):
        assert parse_user_code(typed) == code
    full_width = "".join(chr(ord(letter) + 0xFEE0) for letter in code)
    assert parse_user_code(full_width) == code
    for wrong in ("", code[:7], code + "B", "A" + code[1:], "ВСDFGHJK", "BCDFGHJ0", "BCDF\x00GHJK"):
        assert parse_user_code(wrong) is None


def test_every_letter_is_as_likely() -> None:
    """20 letters do not divide an octet: what would favour some is drawn again."""

    class Counting(SystemEntropy):
        def octets(self, size: int) -> bytes:
            return bytes(range(232, 256)) + bytes(8)

    assert draw_user_code(Counting()) == "".join(ALPHABET[octet % 20] for octet in range(232, 240))


async def test_k04_a_confidential_client_proves_itself(world: World, phone: Phone) -> None:
    """Its name alone is no proof at this door either."""
    await world.add_client(
        dataclasses.replace(
            KIOSK, client_id="kept", application_type="service", token_endpoint_auth_method="client_secret_basic"
        )
    )
    async with world.http() as http:
        form = {"scope": "openid", "client_id": "kept"}
        assert error_of(await http.post("/oauth/device_authorization", data=form)) == (401, "invalid_client")
    assert "user_code" in await begin_device(world, "kept")
