"""Token exchange (RFC 8693): what an officer began in one application of the department goes on in another, and nothing else does.

Area I of the security cases, T11, and P10. Every refusal stands beside the exchange that works.
"""

import dataclasses
from dataclasses import dataclass

import httpx2
import pytest
from sqlalchemy import update

from idp.people.tables import accounts, officers
from idp.provider.authorization.consents import Consent, add_consent
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.policies import TOKEN_EXCHANGE
from idp.provider.connected_apps import withdraw_consent
from idp.provider.registration.register import ClientRegistration, set_client_status
from idp.provider.tokens.granting import end_grants
from idp.signin.tables import sessions
from tests.idp.provider.officers import (
    ACCESS_TOKEN,
    ARCHIVE_API,
    BACKEND,
    COUNTER,
    COUNTER_API,
    AtWork,
    open_office,
)
from tests.idp.provider.proving import ask_token, dpop_proof
from tests.idp.provider.signed_requests import EC_KEY, JWKS, OTHER_EC_KEY
from tests.idp.provider.world import ISSUER, LI, LICENSES, Browser, Person, World, claims_of_jwt

ARCHIVE = ClientRegistration(
    client_id="gzf-archive",
    name_zh="公租房档案服务",
    name_en="Housing archive",
    department_id="housing",
    application_type="service",
    grant_types=(TOKEN_EXCHANGE,),
    scopes=("license.lookup",),
    resources=(LICENSES, "https://index.gzf.test/api"),
    introspects=(ARCHIVE_API,),
    consent="exempt",
    consent_basis="《公共租赁住房管理办法》第八条",
)


@dataclass
class Office:
    """A counter with an officer at it, and the token that the counter app holds."""

    world: World
    browser: Browser
    officer: AtWork

    async def token(self, *, scope: str = "openid license.lookup", resource: str = COUNTER_API) -> str:
        """The officer's access token for the counter app."""
        tokens = await self.browser.tokens_for(
            "gzf-counter", redirect_uri="https://gzf.test/cb", scope=scope, resource=resource
        )
        return str(tokens["access_token"])

    async def exchange(self, held: str, client_id: str = "gzf-backend", /, **changes: str | None) -> httpx2.Response:
        """Exchange as the backend does; None leaves a parameter out."""
        form: dict[str, str | None] = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": held,
            "subject_token_type": ACCESS_TOKEN,
            "resource": LICENSES,
            **changes,
        }
        return await self.world.token(client_id, **{name: value for name, value in form.items() if value is not None})

    async def is_live(self, token: str) -> bool:
        """Ask as the license API does."""
        answer = await self.world.ask("/oauth/introspect", "license-api", token=token)
        return bool(answer.json()["active"])


@pytest.fixture
async def office(world: World, zhang: Person) -> Office:
    """The housing counter, its backend and its archive."""
    for registration in (COUNTER, BACKEND, ARCHIVE):
        await world.add_client(registration)
    browser = Browser(world)
    return Office(world, browser, await open_office(world, browser, zhang))


async def test_backend_goes_on_for_the_officer(office: Office) -> None:
    """RFC 8693 §2.2.1, §4.1: the backend's own token for the license API, about the officer, with who acts, and never longer."""
    subject = await office.token()
    office.world.later(minutes=2)
    await office.world.provider.feed.catch_up()
    response = await office.exchange(subject)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body["issued_token_type"] == ACCESS_TOKEN
    assert (body["token_type"], body["scope"]) == ("Bearer", "license.lookup")
    assert "refresh_token" not in body
    assert "id_token" not in body
    before, after = claims_of_jwt(subject), claims_of_jwt(body["access_token"])
    assert (after["aud"], after["client_id"]) == (LICENSES, "gzf-backend")
    assert after["act"] == {"sub": "gzf-backend", "act": {"sub": "gzf-counter"}}
    assert (after["acr"], after["auth_time"]) == (before["acr"], before["auth_time"])
    assert after["exp"] <= before["exp"]
    assert after["sub"] != before["sub"], "another sector, another subject"
    introspected = (await office.world.ask("/oauth/introspect", "license-api", token=body["access_token"])).json()
    assert introspected["act"] == after["act"]


async def test_exchange_is_on_record_with_actor_and_applications(office: Office) -> None:
    """The ledger names the person, the acting application, the chain, and the token it came from."""
    subject = await office.token()
    issued = (await office.exchange(subject)).json()
    entry = (await office.world.entries())[-1]
    assert (entry["kind"], entry["outcome"], entry["client"]) == ("oauth.token", "allowed", "gzf-backend")
    assert entry["actor"] == f"person:{office.officer.person.person_id}"
    assert entry["details"]["act"] == ["gzf-backend", "gzf-counter"]
    assert entry["details"]["subject_jti"] == claims_of_jwt(subject)["jti"]
    assert entry["details"]["jti"] == claims_of_jwt(issued["access_token"])["jti"]
    record = str(await office.world.entries())
    assert subject not in record
    assert issued["access_token"] not in record


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"subject_token": None}, "invalid_request", "21150"),
        ({"subject_token_type": None}, "invalid_request", "21150"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request", "21150"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request", "21150"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request", "21150"),
        ({"actor_token": "x"}, "invalid_request", "21150"),
        ({"actor_token_type": ACCESS_TOKEN}, "invalid_request", "21150"),
        ({"actor_token": "x", "actor_token_type": "urn:x"}, "invalid_request", "21150"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request", "21152"),
        ({"subject_token": "garbage"}, "invalid_request", "21151"),
        ({"subject_token": "rzat_" + "A" * 43}, "invalid_request", "21151"),
        ({"scope": "license.lookup openid"}, "invalid_scope", "21111"),
        ({"scope": "profile"}, "invalid_scope", "21111"),
        ({"resource": f"{ISSUER}/oauth/userinfo"}, "invalid_target", "21112"),
        ({"resource": "https://elsewhere.test/api"}, "invalid_target", "21112"),
        ({"resource": None, "audience": "https://elsewhere.test/api"}, "invalid_target", "21112"),
        ({"audience": "https://elsewhere.test/api"}, "invalid_target", "21112"),
        ({"resource": None}, "invalid_target", "21112"),
    ],
)
async def test_malformed_and_widening_requests_are_refused(
    office: Office, changes: dict[str, str | None], error: str, code: str
) -> None:
    """RFC 8693 §2.1, §2.2.2: only access tokens, no broader scope, no target that is not registered."""
    subject = await office.token()
    response = await office.exchange(subject, **changes)
    assert response.status_code == 400
    assert (response.json()["error"], response.json()["error_code"]) == (error, code)
    assert (await office.world.last_entry())[1:] == ("refused", code)
    sound = await office.exchange(subject, resource=None, audience=LICENSES, requested_token_type=ACCESS_TOKEN)
    assert sound.status_code == 200


async def test_scope_of_the_subject_token_is_the_limit(office: Office) -> None:
    """T11, upscoping: a token that cannot look licenses up does not become one that can."""
    assert (await office.exchange(await office.token(scope="openid"))).json()["error"] == "invalid_scope"
    assert (await office.exchange(await office.token())).status_code == 200


async def test_token_is_exchanged_by_whom_it_is_meant_for(office: Office) -> None:
    """T11, foreign subject token: the backend serves the counter's API and no other; the license API's tokens are not for it."""
    elsewhere = await office.token(resource=LICENSES)
    assert (await office.exchange(elsewhere)).json()["error_code"] == "21151"
    assert (await office.exchange(await office.token(), "gzf-archive")).json()["error_code"] == "21151"
    narrowed = await office.exchange(elsewhere, "gzf-counter")
    assert narrowed.status_code == 200
    assert claims_of_jwt(narrowed.json()["access_token"])["act"] == {"sub": "gzf-counter"}


async def test_citizens_token_is_never_exchanged(office: Office, world: World) -> None:
    """P10: there is no way round the consent page; neither by the app itself nor by a service of its department."""
    citizen = Browser(world)
    await world.sign_in(citizen, await world.add_person(LI, "李明远", "13800000002"))
    held = await citizen.tokens_for(
        "gzf-counter", redirect_uri="https://gzf.test/cb", scope="openid license.lookup", resource=COUNTER_API
    )
    for client_id in ("gzf-backend", "gzf-counter"):
        refused = await office.exchange(held["access_token"], client_id)
        assert refused.json()["error_code"] == "21153"
    own = await world.token("gzf-backend", grant_type="client_credentials", resource=LICENSES)
    assert (await office.exchange(own.json()["access_token"])).json()["error_code"] == "21153"


async def test_departments_do_not_borrow_officers(office: Office, world: World) -> None:
    """Neither a service of another department that happens to serve the resource, nor an officer who belongs elsewhere."""
    stranger = dataclasses.replace(BACKEND, client_id="market-backend", department_id="market")
    await world.add_client(stranger)
    subject = await office.token()
    assert (await office.exchange(subject, "market-backend")).json()["error_code"] == "21153"
    browser = Browser(world)
    person = await world.add_person(LI, "李明远", "13800000002")
    guest = Office(world, browser, await open_office(world, browser, person, department_id="market"))
    assert (await office.exchange(await guest.token())).json()["error_code"] == "21153"


async def test_client_that_asks_needs_consent_here_too(office: Office, world: World) -> None:
    """P10: a client without exemption gets what the officer has agreed to for it, and loses it with the agreement."""
    asking = dataclasses.replace(BACKEND, client_id="gzf-asking", consent="ask", consent_basis=None)
    await world.add_client(asking)
    subject = await office.token()
    assert (await office.exchange(subject, "gzf-asking")).json()["error_code"] == "21155"
    person_id = office.officer.person.person_id
    async with world.provider.db.transaction() as connection:
        agreed = Consent(person_id, "gzf-asking", frozenset({"license.lookup"}), frozenset(), world.now)
        await add_consent(connection, world.provider.db, agreed)
    assert (await office.exchange(subject, "gzf-asking")).status_code == 200
    await withdraw_consent(person_id, "gzf-asking", provider=world.provider, now=world.now)
    assert (await office.exchange(subject, "gzf-asking")).json()["error_code"] == "21155"


async def test_actor_is_the_client_and_nobody_else(office: Office, world: World) -> None:
    """T11, actor spoof: the client's own token may confirm what its authentication says; another's may not."""
    subject = await office.token()
    own = (await world.token("gzf-backend", grant_type="client_credentials", resource=LICENSES)).json()
    confirmed = await office.exchange(subject, actor_token=own["access_token"], actor_token_type=ACCESS_TOKEN)
    assert confirmed.status_code == 200
    others = (await world.token("license-api", grant_type="client_credentials")).json()["access_token"]
    for spoofed in (others, subject):
        refused = await office.exchange(subject, actor_token=spoofed, actor_token_type=ACCESS_TOKEN)
        assert refused.json()["error_code"] == "21152"


async def test_chain_ends(office: Office, world: World) -> None:
    """T11, exchange chain: three applications, and the fourth is refused; every one of them is named."""
    fourth = dataclasses.replace(
        ARCHIVE, client_id="gzf-index", introspects=("https://index.gzf.test/api",), resources=(LICENSES,)
    )
    await world.add_client(fourth)
    second = (await office.exchange(await office.token(), resource=ARCHIVE_API)).json()["access_token"]
    third = await office.exchange(second, "gzf-archive", resource="https://index.gzf.test/api")
    assert third.status_code == 200, third.text
    deepest = third.json()["access_token"]
    assert claims_of_jwt(deepest)["act"] == {
        "sub": "gzf-archive",
        "act": {"sub": "gzf-backend", "act": {"sub": "gzf-counter"}},
    }
    assert (await office.exchange(deepest, "gzf-index")).json()["error_code"] == "21154"


async def test_public_client_and_unregistered_grant_type_are_refused(office: Office, world: World) -> None:
    """The policy is asked at this grant as at every other; a client without a credential cannot be an actor."""
    subject = await office.token()
    assert (await office.exchange(subject, "gzf")).json()["error"] == "unauthorized_client"
    assert (await office.exchange(subject, "counter-app")).json()["error"] in ("invalid_client", "unauthorized_client")


async def test_subject_token_expires_before_what_came_of_it(office: Office) -> None:
    """Five minutes for the counter's token; a token exchanged in its last minute lives for that minute."""
    subject = await office.token()
    office.world.later(minutes=4, seconds=20)
    await office.world.provider.feed.catch_up()
    issued = (await office.exchange(subject)).json()
    assert issued["expires_in"] <= 40
    office.world.later(seconds=40)
    await office.world.provider.feed.catch_up()
    assert not await office.is_live(issued["access_token"])
    assert (await office.exchange(subject)).json()["error_code"] == "21151"


async def test_everything_behind_the_token_reaches_it(office: Office, world: World) -> None:
    """Revoking the token it came from, or disabling any application on its way, ends the exchanged one."""
    subject = await office.token()
    live = (await office.exchange(subject)).json()["access_token"]
    assert await office.is_live(live)
    await world.ask("/oauth/revoke", "gzf-counter", token=subject)
    assert not await office.is_live(live)
    again = (await office.exchange(await office.token())).json()["access_token"]
    provider = world.provider
    await set_client_status(
        "gzf-counter",
        "disabled",
        db=provider.db,
        ledger=provider.ledger,
        token_lifetime=provider.limits.access_token_lifetime,
        actor="system:test",
        now=world.now,
    )
    await provider.feed.catch_up()
    assert not await office.is_live(again)


@pytest.mark.parametrize("ending", ["grant", "session", "account", "post"])
async def test_nothing_is_exchanged_for_what_has_ended(office: Office, ending: str) -> None:
    """The database is asked: an end that this node has not heard of yet refuses all the same."""
    subject = await office.token()
    assert (await office.exchange(subject)).status_code == 200
    world, work = office.world, office.officer
    async with world.provider.db.transaction() as connection:
        if ending == "grant":
            await end_grants(connection, session_ids=[work.session.session_id], now=world.now)
        elif ending == "session":
            await connection.execute(update(sessions).values(ended_at=world.now))
        elif ending == "account":
            await connection.execute(update(accounts).values(status="disabled"))
        else:
            await connection.execute(update(officers).values(status="left", left_at=world.now))
    refused = await office.exchange(subject)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_exchanged_token_opens_no_citizens_endpoint(office: Office) -> None:
    """T13: it is for the license API; userinfo refuses it."""
    issued = (await office.exchange(await office.token())).json()
    assert (await office.world.userinfo(issued["access_token"])).status_code == 401


async def test_opaque_tokens_are_exchanged_like_any(office: Office, world: World) -> None:
    """Both sides may be opaque: what is exchanged is the token behind the reference."""
    opaque = dataclasses.replace(BACKEND, client_id="gzf-opaque", metadata=ClientMetadata(access_token_format="opaque"))
    await world.add_client(opaque)
    first = (await office.exchange(await office.token(), "gzf-opaque", resource=ARCHIVE_API)).json()["access_token"]
    assert first.startswith("rzat_")
    second = await office.exchange(first, "gzf-archive")
    assert second.status_code == 200, second.text
    assert claims_of_jwt(second.json()["access_token"])["act"]["act"]["sub"] == "gzf-opaque"


HIGH_BACKEND = dataclasses.replace(
    BACKEND,
    client_id="gzf-high",
    policy="high",
    token_endpoint_auth_method="private_key_jwt",
    metadata=ClientMetadata(jwks=JWKS),
)


async def test_high_policy_binds_what_is_exchanged(office: Office, world: World) -> None:
    """The policy holds at this grant: without a proof nothing is exchanged, with one the token is bound to its key."""
    await world.add_client(HIGH_BACKEND)
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": await office.token(),
        "subject_token_type": ACCESS_TOKEN,
        "resource": LICENSES,
    }
    unproved = await ask_token(world, "gzf-high", form)
    assert unproved.json()["error_code"] == "21116"
    bound = await ask_token(world, "gzf-high", form, proofs=(dpop_proof(world, EC_KEY, "/oauth/token"),))
    assert bound.status_code == 200, bound.text
    assert bound.json()["token_type"] == "DPoP"
    assert claims_of_jwt(bound.json()["access_token"])["cnf"]["jkt"]


async def test_bound_token_is_exchanged_by_its_holder_alone(office: Office, world: World) -> None:
    """T11, sender-constrained subject token: who cannot prove its key has only found it; who can goes on with the same key."""
    onward = dataclasses.replace(HIGH_BACKEND, resources=(LICENSES, ARCHIVE_API))
    next_one = dataclasses.replace(
        HIGH_BACKEND, client_id="gzf-high-archive", introspects=(ARCHIVE_API,), resources=(LICENSES,)
    )
    await world.add_client(onward)
    await world.add_client(next_one)
    form = {"grant_type": TOKEN_EXCHANGE, "subject_token_type": ACCESS_TOKEN}
    first = await ask_token(
        world,
        "gzf-high",
        {**form, "subject_token": await office.token(), "resource": ARCHIVE_API},
        proofs=(dpop_proof(world, EC_KEY, "/oauth/token"),),
    )
    shown = {**form, "subject_token": first.json()["access_token"], "resource": LICENSES}
    for client_id in ("gzf-high", "gzf-high-archive"):
        by_another_key = (dpop_proof(world, OTHER_EC_KEY, "/oauth/token"),)
        refused = await ask_token(world, client_id, shown, proofs=by_another_key)
        assert refused.json()["error_code"] == "21151"
    held = await ask_token(world, "gzf-high", shown, proofs=(dpop_proof(world, EC_KEY, "/oauth/token"),))
    assert held.status_code == 200, held.text
    assert (await office.exchange(first.json()["access_token"], "gzf-archive")).json()["error_code"] == "21151"
