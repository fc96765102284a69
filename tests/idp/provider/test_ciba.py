"""Client-initiated backchannel authentication (OpenID CIBA Core): poll and ping, with the attacks of area J (D07 to D10) and P10."""

import asyncio
import dataclasses
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import update

from idp.people.tables import accounts
from idp.provider.client_metadata import ClientAlgorithms
from idp.provider.consents import Consent, add_consent
from idp.provider.decoupled.announcements import announce_requests
from idp.provider.decoupled.confirmation import ConfirmationView
from idp.provider.decoupled.pings import deliver_notifications
from idp.provider.decoupled.ports import NotificationNotDelivered
from idp.provider.decoupled.tables import ciba_notifications, decoupled_requests
from idp.provider.errors import ShownError
from idp.provider.policies import CIBA
from idp.provider.revocations import revocation
from tests.idp.provider.decoupled_world import (
    COUNTER,
    OTHER_COUNTER,
    RINGING,
    Phone,
    ask_ciba,
    begin_ciba,
    error_of,
    poll_ciba,
)
from tests.idp.provider.proving import ask_token, dpop_proof
from tests.idp.provider.signed_requests import EC_KEY, JWKS, OTHER_EC_KEY, encoded, sign
from tests.idp.provider.world import ISSUER, LI, LICENSES, ZHANG, Browser, Person, World, claims_of_jwt

TOKEN = "8d67dc78-7faa-4d41-aabd-67707b374255"


@dataclass
class Letterbox:
    """The notification endpoints of all clients: what arrived, and how the next ones are answered."""

    arrived: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    problem: str | None = None

    async def notify(self, url: str, *, bearer: str, body: bytes, timeout: timedelta) -> int:  # noqa: ASYNC109 - the port's parameter
        if self.problem is not None:
            raise NotificationNotDelivered(self.problem)
        self.arrived.append((url, bearer, orjson.loads(body)))
        return self.statuses.pop(0) if self.statuses else 204


@dataclass
class Messages:
    """Text messages that were sent."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def send_soon(self, *, phone: str, text: str, template: str) -> None:
        self.sent.append((phone, text))


@pytest.fixture
async def phone(world: World, zhang: Person, browser: Browser) -> Phone:
    """A citizen's phone; the counters are registered."""
    for registration in (COUNTER, RINGING, OTHER_COUNTER):
        await world.add_client(registration)
    return Phone(world, await world.sign_in(browser, zhang))


async def deliver(world: World, box: Letterbox) -> int:
    """Let the job run once."""
    await world.provider.feed.catch_up()
    return await deliver_notifications(provider=world.provider, http=box, worker="w1", now=world.now)


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


@pytest.mark.parametrize("agrees", [True, False])
async def test_ping_tells_the_client_to_look(world: World, phone: Phone, agrees: bool) -> None:
    """CIBA Core §10.2: after the answer, not before, with the client's own token; then the tokens or the refusal are fetched."""
    box = Letterbox()
    begun = await begin_ciba(world, "ringing", client_notification_token=TOKEN)
    assert await deliver(world, box) == 0
    (request_id,) = await phone.waiting()
    await (phone.agree(request_id) if agrees else phone.answer(request_id, agreed=None))
    assert await deliver(world, box) == 1
    assert box.arrived == [("https://counter.test/ciba", TOKEN, {"auth_req_id": begun["auth_req_id"]})]
    assert await world.last_entry() == ("oauth.ciba_notification", "done", None)
    answer = await poll_ciba(world, begun["auth_req_id"], "ringing")
    assert (answer.status_code == 200) is agrees
    (row,) = await world.rows(ciba_notifications)
    assert (row["state"], row["sealed"]) == ("delivered", None)
    assert await deliver(world, box) == 0


async def test_the_notification_is_sealed_while_it_waits(world: World, phone: Phone) -> None:
    """Neither the client's token nor the auth_req_id stands in the database or in the ledger."""
    begun = await begin_ciba(world, "ringing", client_notification_token=TOKEN)
    kept = repr([*await world.rows(ciba_notifications), *await world.rows(decoupled_requests), *await world.entries()])
    assert TOKEN not in kept
    assert begun["auth_req_id"] not in kept


async def test_what_a_client_answers_to_a_ping(world: World, phone: Phone) -> None:
    """D10: redirects are not followed, a client's no is final, its faults are tried again, and at last the letter is dead."""
    for statuses, state in (
        ([204], "delivered"),
        ([200], "delivered"),
        ([302], "dead"),
        ([401], "dead"),
        ([403], "dead"),
    ):
        box = Letterbox(statuses=list(statuses))
        await begin_ciba(world, "ringing", client_notification_token=TOKEN)
        await phone.agree((await phone.waiting())[0])
        assert await deliver(world, box) == 1
        newest = max(await world.rows(ciba_notifications), key=lambda row: row["created_at"])
        assert newest["state"] == state
        assert await deliver(world, box) == 0
        world.later(minutes=10)
        await world.touch(phone.session)


async def test_a_client_that_is_down_is_tried_again_and_then_left(world: World, phone: Phone) -> None:
    """Six tries with a doubling pause; the tokens can be fetched all the same."""
    box = Letterbox(problem="no connection")
    begun = await begin_ciba(world, "ringing", client_notification_token=TOKEN)
    await phone.agree((await phone.waiting())[0])
    for pause in (0, 2, 4, 8, 16, 32):
        world.later(seconds=pause - 1)
        if pause:
            assert await deliver(world, box) == 0
        world.later(seconds=1)
        assert await deliver(world, box) == 1
    (row,) = await world.rows(ciba_notifications)
    assert (row["state"], row["attempts"], row["last_problem"], row["sealed"]) == ("dead", 6, "no connection", None)
    assert (await poll_ciba(world, begun["auth_req_id"], "ringing")).status_code == 200


async def test_a_ping_client_needs_its_token(world: World, phone: Phone) -> None:
    """CIBA Core §7.1: required in ping mode, at most 1024 characters of RFC 6750's alphabet."""
    for token in ("", "a b", "ü", "x" * 1_025):
        assert error_of(await ask_ciba(world, "ringing", client_notification_token=token)) == (400, "invalid_request")


async def test_people_are_told_once(world: World, phone: Phone) -> None:
    """One message for each request that names somebody, without link, code or binding message."""
    messages = Messages()

    async def announce() -> int:
        return await announce_requests(provider=world.provider, notices=messages, signature="青榆区", now=world.now)

    await begin_ciba(world, binding_message="QY-0042")
    await begin_ciba(world, login_hint="13999999999")
    assert await announce() == 1
    assert await announce() == 0
    ((number, text),) = messages.sent
    assert number == "13800000001"
    assert "综合窗口" in text
    assert not any(part in text for part in ("http", "QY-0042", "13800000001"))


async def test_signed_requests_ring_once_and_unsigned_ones_never(world: World, phone: Phone) -> None:
    """CIBA Core §7.1.1: a client with a registered algorithm sends nothing unsigned, nothing beside the JWT, and each JWT once."""
    await add_signing_counter(world)
    assert error_of(await ask_ciba(world, "signing")) == (400, "invalid_request")
    assert (await world.last_entry())[2] == "21139"
    request = sign(request_claims(world), typ="JWT")
    for beside in (
        {"scope": "openid"},
        {"login_hint": "13800000001"},
        {"binding_message": "x"},
        {"resource": LICENSES},
    ):
        response = await world.ask("/oauth/ciba", "signing", request=request, **beside)
        assert error_of(response) == (400, "invalid_request")
    begun = await world.ask("/oauth/ciba", "signing", request=request)
    assert begun.status_code == 200, begun.text
    assert begun.json()["expires_in"] == 120
    (request_id,) = await phone.waiting()
    shown = await phone.look(request_id)
    assert isinstance(shown, ConfirmationView)
    assert shown.request.binding_message == "QY-0042"
    assert error_of(await world.ask("/oauth/ciba", "signing", request=request)) == (400, "invalid_request")
    assert len(await phone.waiting()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "https://elsewhere.test"},
        {"iss": None},
        {"iss": "counter"},
        {"exp": None},
        {"exp": 1},
        {"exp": 4_200},
        {"iat": None},
        {"nbf": None},
        {"nbf": 600},
        {"nbf": -4_200},
        {"jti": None},
        {"jti": ""},
        {"scope": ["openid"]},
        {"requested_expiry": True},
        {"login_hint": None},
    ],
)
async def test_signed_requests_that_are_not_taken(world: World, phone: Phone, changes: dict[str, Any]) -> None:
    """FAPI-CIBA §5.2.2: every time, the audience, the issuer and the identifier are required and judged; small numbers are seconds from now."""
    await add_signing_counter(world)
    at = int(world.now.timestamp())
    times = {
        name: at + value if name in ("exp", "nbf") and value not in (None, 1) else value
        for name, value in changes.items()
    }
    request = sign(request_claims(world, **times), typ="JWT")
    assert error_of(await world.ask("/oauth/ciba", "signing", request=request)) == (400, "invalid_request")
    assert await phone.waiting() == []


async def test_signatures_that_are_not_the_clients(world: World, phone: Phone) -> None:
    """Another key, another algorithm than the registered one, none at all, and another client's request."""
    await add_signing_counter(world)
    claims = request_claims(world)
    header, payload, _ = sign(claims, typ="JWT").split(".")
    unsigned = encoded(b'{"alg":"none"}')
    for request in (
        sign(claims, key=OTHER_EC_KEY, typ="JWT"),
        sign(claims, alg="PS256", typ="JWT"),
        f"{unsigned}.{payload}.",
        f"{header}.{payload}.",
        sign(claims, typ="dpop+jwt"),
    ):
        assert error_of(await world.ask("/oauth/ciba", "signing", request=request)) == (400, "invalid_request")
    assert await phone.waiting() == []


async def test_a_signed_hint_names_the_person(world: World, phone: Phone) -> None:
    """CIBA Core §7.1 login_hint_token: a JWT of the client with a subject identifier of RFC 9493; expired has its own error."""
    await add_signing_counter(world, alg=None)
    at = int(world.now.timestamp())
    claims = {"iss": "signing", "aud": ISSUER, "iat": at, "nbf": at, "exp": at + 60, "jti": "h"}
    by_phone = {"format": "phone_number", "phone_number": "+8613800000001"}
    for sub_id, expected in (
        (by_phone, 200),
        ({"format": "opaque", "id": ZHANG}, 200),
        ({"format": "email", "email": "a@b.c"}, 400),
        ("13800000001", 400),
        (None, 400),
    ):
        token = sign({**claims, "sub_id": sub_id}, typ="JWT")
        answer = await ask_ciba(world, "signing", login_hint="", login_hint_token=token)
        assert answer.status_code == expected
        assert expected == 200 or answer.json()["error"] == "unknown_user_id"
    late = sign({**claims, "exp": at - 1, "sub_id": by_phone}, typ="JWT")
    answer = await ask_ciba(world, "signing", login_hint="", login_hint_token=late)
    assert error_of(answer) == (400, "expired_login_hint_token")
    assert len(await phone.waiting()) == 2


@pytest.mark.parametrize("policy", ["high", "baseline"])
async def test_bound_tokens_stay_bound(world: World, phone: Phone, policy: str) -> None:
    """FAPI 2.0 §5.3.2: under `high` a bearer token is never issued; whoever shows a proof gets a token bound to its key."""
    registration = dataclasses.replace(
        COUNTER,
        client_id="bound",
        policy=policy,
        token_endpoint_auth_method="private_key_jwt",
        metadata=dataclasses.replace(COUNTER.metadata, jwks=JWKS),
    )
    await world.add_client(registration)
    form = {"scope": "openid profile", "login_hint": "13800000001"}
    begun = (await ask_token(world, "bound", form, path="/oauth/ciba")).json()
    poll = {"grant_type": CIBA, "auth_req_id": begun["auth_req_id"]}
    await phone.agree((await phone.waiting())[0])
    if policy == "high":
        assert (await ask_token(world, "bound", poll)).status_code == 400
    answer = await ask_token(world, "bound", poll, proofs=(dpop_proof(world, EC_KEY, "/oauth/token"),))
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    assert claims_of_jwt(answer.json()["access_token"])["cnf"] == {"jkt": EC_KEY.thumbprint()}


async def add_signing_counter(world: World, alg: str | None = "ES256") -> None:
    """Register a counter that signs its requests."""
    algorithms = ClientAlgorithms(backchannel_authentication_request_signing_alg=alg)
    metadata = dataclasses.replace(COUNTER.metadata, algorithms=algorithms, jwks=JWKS)
    await world.add_client(dataclasses.replace(COUNTER, client_id="signing", metadata=metadata))


def request_claims(world: World, **changes: Any) -> dict[str, Any]:
    """Return the claims of a sound signed request, changed as asked; None leaves one out."""
    at = int(world.now.timestamp())
    claims: dict[str, Any] = {
        "iss": "signing",
        "aud": ISSUER,
        "iat": at,
        "nbf": at,
        "exp": at + 300,
        "jti": "j-1",
        "scope": "openid profile",
        "login_hint": "13800000001",
        "binding_message": "QY-0042",
        "requested_expiry": 120,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}
