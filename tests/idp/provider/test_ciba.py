"""Client-initiated backchannel authentication (OpenID CIBA Core) in poll mode, with the attacks of area J (D07, D09), A01 and P10."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from idp.people.tables import accounts
from idp.provider.authorization.consents import Consent, add_consent
from idp.provider.decoupled.confirmation import ConfirmationView
from idp.provider.errors import ShownError
from idp.provider.tokens.revocations import revocation
from tests.idp.provider.decoupled_world import (
    Phone,
    ask_ciba,
    begin_ciba,
    error_of,
    poll_ciba,
)
from tests.idp.provider.world import LI, ZHANG, Browser, World, claims_of_jwt


async def test_a_counter_gets_tokens_after_the_person_confirmed(world: World, phone: Phone) -> None:
    """CIBA Core §7, §10.1: request, page with binding message and masked values, yes, tokens once."""
    begun = await begin_ciba(
        world, scope="openid realname.id", binding_message="窗口 3 号 QY-0042", acr_values=phone.session.acr
    )
    assert (begun["expires_in"], begun["interval"]) == (300, 5)
    assert error_of(await poll_ciba(world, begun["auth_req_id"])) == (400, "authorization_pending")
    (request_id,) = await phone.waiting()
    shown = await phone.look(request_id)
    assert isinstance(shown, ConfirmationView)
    assert shown.request.binding_message == "窗口 3 号 QY-0042"
    values = [claim.value for item in shown.view.items for claim in item.claims]
    assert "111" in values
    assert ZHANG not in "".join(values)
    await phone.agree(request_id)
    assert await phone.waiting() == []
    answer = await poll_ciba(world, begun["auth_req_id"])
    assert answer.status_code == 200
    claims = claims_of_jwt(answer.json()["id_token"])
    assert (claims["aud"], claims["acr"]) == ("counter", phone.session.acr)
    assert (await world.userinfo(answer.json()["access_token"])).json()["document_number"] == ZHANG
    assert error_of(await poll_ciba(world, begun["auth_req_id"])) == (400, "invalid_grant")


@pytest.mark.parametrize("hint", ["13800000001", "+86 138-0000-0001", "tel:+8613800000001", ZHANG])
async def test_everything_a_person_signs_in_with_is_a_hint(world: World, phone: Phone, hint: str) -> None:
    """Phone and document number in their usual spellings."""
    await begin_ciba(world, login_hint=hint)
    assert len(await phone.waiting()) == 1


async def test_an_id_token_of_the_client_is_a_hint(world: World, phone: Phone) -> None:
    """CIBA Core §7.1 id_token_hint: the client's own, and nobody else's."""
    begun = await begin_ciba(world)
    await phone.agree((await phone.waiting())[0])
    id_token = (await poll_ciba(world, begun["auth_req_id"])).json()["id_token"]
    await begin_ciba(world, login_hint="", id_token_hint=id_token)
    assert len(await phone.waiting()) == 1
    foreign = await ask_ciba(world, "other-counter", login_hint="", id_token_hint=id_token)
    assert error_of(foreign) == (400, "unknown_user_id")


async def test_a01_nobody_learns_who_is_known(world: World, phone: Phone) -> None:
    """D07, A01: a number that nobody has, one of a shut account and a known one are answered alike, to the end."""
    li = await world.add_person(LI, "李素", "13800000002")
    async with world.provider.db.transaction() as connection:
        await connection.execute(
            update(accounts).where(accounts.c.account_id == li.account_id).values(status="disabled")
        )
    answers = [await ask_ciba(world, login_hint=hint) for hint in ("13800000001", "13800000002", "13999999999")]
    assert {answer.status_code for answer in answers} == {200}
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1
    assert len({(len(answer.json()["auth_req_id"]), answer.json()["expires_in"]) for answer in answers}) == 1
    assert len(await phone.waiting()) == 1
    for answer in answers:
        assert error_of(await poll_ciba(world, answer.json()["auth_req_id"])) == (400, "authorization_pending")
    for hint in ("13800000001", "13999999999"):
        answers = [await ask_ciba(world, login_hint=hint) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
    world.later(minutes=5)
    for answer in answers[:2]:
        assert error_of(await poll_ciba(world, answer.json()["auth_req_id"])) == (400, "expired_token")


async def test_a_person_is_not_rung_without_end(world: World, phone: Phone) -> None:
    """ASVS 6.6.4: three requests in ten minutes reach one person, whatever hints name them; what is beyond looks the same and rings nobody."""
    for _ in range(3):
        await begin_ciba(world, login_hint="13800000001")
    begun = await begin_ciba(world, "other-counter", login_hint=ZHANG)
    assert len(await phone.waiting()) == 3
    assert error_of(await poll_ciba(world, begun["auth_req_id"], "other-counter")) == (400, "authorization_pending")
    world.later(minutes=10)
    await begin_ciba(world, login_hint="13800000001")
    assert len(await phone.waiting()) == 1


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"login_hint": ""}, "invalid_request"),
        ({"login_hint_token": "a.b.c"}, "invalid_request"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
        ({"login_hint": "", "login_hint_token": "a.b.c"}, "unknown_user_id"),
        ({"login_hint": "", "login_hint_token": "garbage"}, "unknown_user_id"),
        ({"login_hint": "", "id_token_hint": "a.b.c"}, "unknown_user_id"),
        ({"login_hint": "a@b.c"}, "unknown_user_id"),
        ({"login_hint": "x" * 300}, "unknown_user_id"),
        ({"login_hint": "\x00"}, "unknown_user_id"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"binding_message": "a" * 65}, "invalid_binding_message"),
        ({"binding_message": "a\nb"}, "invalid_binding_message"),
        ({"binding_message": "abc\u202edef"}, "invalid_binding_message"),
        ({"binding_message": "a\u200bb"}, "invalid_binding_message"),
        ({"binding_message": "<b>"}, "invalid_binding_message"),
        ({"binding_message": "👍"}, "invalid_binding_message"),
        ({"binding_message": " "}, "invalid_binding_message"),
        ({"requested_expiry": "0"}, "invalid_request"),
        ({"requested_expiry": "-5"}, "invalid_request"),
        ({"requested_expiry": "5.5"}, "invalid_request"),
        ({"requested_expiry": "１２"}, "invalid_request"),
        ({"requested_expiry": "99999999999999999999"}, "invalid_request"),
        ({"user_code": "1234"}, "invalid_request"),
        ({"request": "a.b.c"}, "invalid_request"),
        ({"resource": "https://elsewhere.test/"}, "invalid_target"),
    ],
)
async def test_d07_requests_that_are_not_taken(world: World, phone: Phone, form: dict[str, str], error: str) -> None:
    """Each broken rule has its error, stands on record and rings nobody."""
    assert error_of(await ask_ciba(world, **form)) == (400, error)
    assert (await world.last_entry())[:2] == ("oauth.ciba", "refused")
    assert await phone.waiting() == []


@pytest.mark.parametrize(("asked", "given"), [("1", 1), ("60", 60), ("86400", 600)])
async def test_requested_expiry_is_honoured_within_bounds(world: World, phone: Phone, asked: str, given: int) -> None:
    """CIBA Core §7.1: as asked, at most what the provider allows."""
    assert (await begin_ciba(world, requested_expiry=asked))["expires_in"] == given


async def test_k04_nobody_asks_without_proof(world: World, phone: Phone) -> None:
    """A confidential client by its name alone, a wrong secret, and a client that is not registered for it."""
    form = {"scope": "openid", "login_hint": "13800000001"}
    async with world.http() as http:
        named = await http.post("/oauth/ciba", data={**form, "client_id": "counter"})
        wrong = await http.post("/oauth/ciba", data=form, auth=("counter", "wrong"))
    assert error_of(named) == error_of(wrong) == (401, "invalid_client")
    assert error_of(await ask_ciba(world, "gzf")) == (400, "unauthorized_client")
    assert await phone.waiting() == []


async def test_d09_foreign_and_used_requests(world: World, phone: Phone) -> None:
    """Another client's auth_req_id, garbage, and a device code are invalid_grant; the real one still works once."""
    begun = await begin_ciba(world)
    await phone.agree((await phone.waiting())[0])
    for client_id, secret in (("other-counter", begun["auth_req_id"]), ("counter", "x"), ("counter", "\x00")):
        assert error_of(await poll_ciba(world, secret, client_id)) == (400, "invalid_grant")
    answers = await asyncio.gather(*(poll_ciba(world, begun["auth_req_id"]) for _ in range(50)))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {error_of(answer) for answer in answers if answer.status_code != 200} == {(400, "invalid_grant")}


async def test_only_the_addressed_person_can_answer(world: World, phone: Phone) -> None:
    """Somebody else with the id sees and decides nothing."""
    li = await world.add_person(LI, "李素", "13800000002")
    other = Phone(world, await world.sign_in(Browser(world), li))
    begun = await begin_ciba(world)
    (request_id,) = await phone.waiting()
    assert await other.waiting() == []
    for act in (other.look(request_id), other.answer(request_id, agreed=None), other.agree(request_id)):
        with pytest.raises(ShownError):
            await act
    await phone.answer(request_id, agreed=None)
    assert error_of(await poll_ciba(world, begun["auth_req_id"])) == (400, "access_denied")


async def test_p10_consent_is_not_skipped(world: World, phone: Phone) -> None:
    """A client that needs consent gets only what was agreed to here; one that has it, or is exempt, still needs the person's yes."""
    begun = await begin_ciba(world, scope="openid realname")
    (request_id,) = await phone.waiting()
    await phone.answer(request_id, agreed=frozenset())
    assert error_of(await poll_ciba(world, begun["auth_req_id"])) == (400, "access_denied")
    key = (phone.session.person_id, "counter")
    async with world.provider.db.transaction() as connection:
        await add_consent(connection, world.provider.db, Consent(*key, frozenset({"realname"}), frozenset(), world.now))
    begun = await begin_ciba(world, scope="openid realname")
    (request_id,) = await phone.waiting()
    assert error_of(await poll_ciba(world, begun["auth_req_id"])) == (400, "authorization_pending")
    await phone.answer(request_id, agreed=frozenset())
    assert (await poll_ciba(world, begun["auth_req_id"])).json()["scope"] == "openid realname"


async def test_an_account_that_is_shut_meanwhile_gives_nothing(world: World, phone: Phone) -> None:
    """D05 for CIBA: disabled between yes and poll."""
    begun = await begin_ciba(world)
    await phone.agree((await phone.waiting())[0])
    key = f"person:{phone.session.person_id}"
    world.provider.feed.apply([revocation(key, lifetime=timedelta(minutes=10), now=world.now)])
    assert error_of(await poll_ciba(world, begun["auth_req_id"])) == (400, "invalid_grant")
