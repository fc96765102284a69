"""What a client's policy and its registered wishes make of an authorization request (FAPI 2.0; Dynamic Registration §2)."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from foundation.changes import Change
from foundation.ledger import Entry
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.tables import oauth_clients, oauth_grants, pushed_requests
from idp.signin.sessions import Session
from idp.vocabulary import RealNameLevel, SignInStrength, acr_of
from tests.idp.provider.proving import HIGH, SIGNED, ask_token, dpop_proof
from tests.idp.provider.signed_requests import EC_KEY, OTHER_EC_KEY, claims_of, sign
from tests.idp.provider.test_pushed_requests import pass_time
from tests.idp.provider.world import (
    BUSINESS,
    VERIFIER,
    Browser,
    Person,
    World,
    answer,
    authorization,
    claims_of_jwt,
    page_of,
    transaction_of,
)

ADDRESS = "https://gzf.test/cb"
TWO_FACTORS = acr_of(RealNameLevel.MEDIUM, SignInStrength.TWO_FACTOR)


def plain(client_id: str, **changes: str | None) -> dict[str, str]:
    """Return the parameters of a sound request of these apps."""
    return authorization(client_id, **{"redirect_uri": ADDRESS, **changes})


async def redeemed(world: World, client_id: str, code: str, key: Any = EC_KEY) -> Any:
    """Redeem a code as a client that signs, with a proof of the key."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": ADDRESS, "code_verifier": VERIFIER}
    proofs = (dpop_proof(world, key, "/oauth/token"),)
    return await ask_token(world, client_id, form, proofs=proofs)


class TestHigh:
    """FAPI 2.0 Security Profile §5.3.2: pushed, with PKCE, bound; signed is not asked for."""

    @pytest.fixture
    async def high(self, world: World) -> World:
        """The world with such an app."""
        await world.add_client(HIGH)
        return world

    async def test_requests_come_pushed(self, high: World, browser: Browser) -> None:
        """By the browser alone it is refused, and told so; signed by value as well."""
        told = answer(await browser.get("/oauth/authorize", plain("high")))
        assert (told["error"], (await high.last_entry())[2]) == ("invalid_request", "21030")
        request = sign(claims_of(high, "high", redirect_uri=ADDRESS))
        told = answer(await browser.get("/oauth/authorize", {"client_id": "high", "request": request}))
        assert (told["error"], (await high.last_entry())[2]) == ("invalid_request", "21030")

    async def test_a_pushed_request_leads_to_bound_tokens(self, high: World, browser: Browser) -> None:
        """The whole way, with the key shown at the push."""
        proofs = (dpop_proof(high, EC_KEY, "/oauth/par"),)
        pushed = await ask_token(high, "high", plain("high"), path="/oauth/par", proofs=proofs)
        assert pushed.status_code == 201, pushed.text
        response = await browser.get(
            "/oauth/authorize", {"client_id": "high", "request_uri": pushed.json()["request_uri"]}
        )
        code = answer(await browser.agree(response))["code"]
        tokens = await redeemed(high, "high", code)
        assert (tokens.status_code, tokens.json()["token_type"]) == (200, "DPoP")
        assert set(claims_of_jwt(tokens.json()["access_token"])["cnf"]) == {"jkt"}

    @pytest.mark.parametrize(
        "changes",
        [
            {"code_challenge": None, "code_challenge_method": None},
            {"code_challenge_method": "plain"},
            {"response_type": "code id_token"},
            {"response_mode": "fragment"},
            {"redirect_uri": None},
        ],
        ids=str,
    )
    async def test_what_the_profile_forbids_cannot_be_pushed(self, high: World, changes: dict[str, Any]) -> None:
        """OIDF ensure-pkce-required, plain-pkce-rejected and their like."""
        refused = await ask_token(high, "high", plain("high", **changes), path="/oauth/par")
        assert refused.status_code == 400
        assert await high.rows(pushed_requests) == []

    async def test_a_proof_of_another_key_burns_the_code(self, high: World, browser: Browser) -> None:
        """M04: the key of the push is the key of the code."""
        proofs = (dpop_proof(high, EC_KEY, "/oauth/par"),)
        pushed = await ask_token(high, "high", plain("high"), path="/oauth/par", proofs=proofs)
        response = await browser.get(
            "/oauth/authorize", {"client_id": "high", "request_uri": pushed.json()["request_uri"]}
        )
        code = answer(await browser.agree(response))["code"]
        refused = await redeemed(high, "high", code, OTHER_EC_KEY)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert (await redeemed(high, "high", code)).status_code == 400


class TestHighSigned:
    """FAPI 2.0 Message Signing §5.3: what is pushed is signed, with exp and nbf."""

    @pytest.fixture
    async def signed(self, world: World) -> World:
        """The world with such an app."""
        await world.add_client(SIGNED)
        return world

    async def test_an_unsigned_request_cannot_be_pushed(self, signed: World) -> None:
        """OIDF ensure-unsigned-request-at-par-endpoint-fails."""
        refused = await ask_token(signed, "high-signed", plain("high-signed"), path="/oauth/par")
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
        assert (await signed.last_entry())[2] == "21031"

    @pytest.mark.parametrize(
        ("changes", "status"),
        [({}, 201), ({"exp": None}, 400), ({"nbf": None}, 400)],
        ids=["sound", "no exp", "no nbf"],
    )
    async def test_a_signed_one_can(self, signed: World, changes: dict[str, Any], status: int) -> None:
        """Positive control, and the times that the profile asks for."""
        request = sign(claims_of(signed, "high-signed", redirect_uri=ADDRESS, **changes))
        pushed = await ask_token(signed, "high-signed", {"request": request}, path="/oauth/par")
        assert pushed.status_code == status, pushed.text

    async def test_signed_with_rs256_is_refused(self, signed: World) -> None:
        """OIDF ensure-signed-request-object-with-RS256-fails."""
        request = sign(claims_of(signed, "high-signed", redirect_uri=ADDRESS), alg="RS256")
        refused = await ask_token(signed, "high-signed", {"request": request}, path="/oauth/par")
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request_object")

    async def test_its_answer_is_signed_also_when_it_refuses(self, signed: World, browser: Browser) -> None:
        """JARM §2.3: the error of a request without session travels in the same way."""
        request = sign(claims_of(signed, "high-signed", redirect_uri=ADDRESS, prompt="none"))
        pushed = await ask_token(signed, "high-signed", {"request": request}, path="/oauth/par")
        response = await Browser(signed).get(
            "/oauth/authorize", {"client_id": "high-signed", "request_uri": pushed.json()["request_uri"]}
        )
        assert response.status_code == 303
        assert "response=" in response.headers["location"]
        assert "error=" not in response.headers["location"]


async def test_a_policy_that_changed_meanwhile_is_asked_again(world: World, browser: Browser) -> None:
    """A request that was sound when it was pushed is judged once more when it is used, and before the code is made."""
    async with world.http() as http:
        pushed = await http.post("/oauth/par", **world.credentials("gzf", authorization()))
    waiting = await browser.authorize()
    await change_policy(world, "gzf", "high")
    used = await browser.get("/oauth/authorize", {"client_id": "gzf", "request_uri": pushed.json()["request_uri"]})
    assert page_of(used) == "/consent"
    told = answer(await browser.agree(waiting, "profile"))
    assert (told["error"], (await world.last_entry())[2]) == ("invalid_request", "21030")
    assert await world.rows(oauth_grants) == []


async def test_a_method_that_the_policy_no_longer_takes_pushes_nothing(world: World) -> None:
    """K03: the registered secret is right, and the policy of the client asks for more by now."""
    await change_policy(world, "gzf", "high")
    async with world.http() as http:
        refused = await http.post("/oauth/par", **world.credentials("gzf", authorization()))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def change_policy(world: World, client_id: str, policy: str) -> None:
    """Give a client another policy, as an operator does."""
    async with world.provider.db.transaction() as connection:
        await connection.execute(
            update(oauth_clients).where(oauth_clients.c.client_id == client_id).values(policy=policy)
        )
        entry = Entry(kind="oauth.client_changed", at=world.now, outcome="done", actor="system:test", client=client_id)
        await world.provider.ledger.append_in(connection, entry, changes=[Change("client", client_id)])
    await world.provider.feed.catch_up()


class TestRegisteredWishes:
    """OpenID Connect Dynamic Registration §2: what a client registered holds for each request that says nothing else."""

    async def wishing(self, world: World, **members: Any) -> None:
        """Register the business app with these wishes."""
        wanted = replace(BUSINESS, client_id="wishes", sector="wishes", metadata=ClientMetadata(**members))
        await world.add_client(wanted)

    async def seen(self, browser: Browser, **changes: str | None) -> str:
        """Return the page that an authorization of the app leads to."""
        return page_of(await browser.authorize("wishes", redirect_uri="https://qyfw.test/cb", **changes))

    async def later(self, world: World, session: Session, **span: float) -> None:
        """Let time pass in which the person stays at the screen."""
        await pass_time(world, **span)
        await world.touch(session)

    async def test_default_max_age(self, world: World, zhang: Person) -> None:
        """Older than that, the person signs in anew; a max_age of the request replaces it."""
        await self.wishing(world, default_max_age=300)
        browser = Browser(world)
        session = await world.sign_in(browser, zhang)
        assert await self.seen(browser) == "/consent"
        await self.later(world, session, minutes=6)
        assert await self.seen(browser) == "/login"
        assert await self.seen(browser, max_age="3600") == "/consent"

    async def test_default_max_age_of_zero(self, world: World, zhang: Person) -> None:
        """Zero asks for a fresh sign-in each time, which then is fresh enough."""
        await self.wishing(world, default_max_age=0)
        browser = Browser(world)
        await world.sign_in(browser, zhang)
        await pass_time(world, seconds=1)
        waiting = await browser.authorize("wishes", redirect_uri="https://qyfw.test/cb")
        assert page_of(waiting) == "/login"
        await world.sign_in(browser, zhang)
        assert page_of(await browser.get("/test/resume", {"transaction": transaction_of(waiting)})) == "/consent"

    async def test_default_acr_values(self, world: World, browser: Browser) -> None:
        """A weaker sign-in is not enough; acr_values and a claims parameter of the request replace them."""
        await self.wishing(world, default_acr_values=(TWO_FACTORS,))
        one_factor = acr_of(RealNameLevel.MEDIUM, SignInStrength.ONE_FACTOR)
        assert await self.seen(browser) == "/login"
        assert await self.seen(browser, acr_values=one_factor) == "/consent"
        claims = f'{{"id_token":{{"acr":{{"essential":true,"value":"{one_factor}"}}}}}}'
        assert await self.seen(browser, claims=claims) == "/consent"


@pytest.mark.parametrize("display", ["page", "popup", "touch", "wap", "hologram"])
async def test_display_is_a_wish(shared_browser: Browser, display: str) -> None:
    """OpenID Connect Core §3.1.2.1: the pages fit every window, so a value changes nothing and none is an error."""
    assert "code" in answer(await shared_browser.authorize(display=display))


async def test_select_account_asks_who_it_is(shared_browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1: also somebody who is signed in is asked; without a page that cannot be."""
    assert page_of(await shared_browser.authorize(prompt="select_account")) == "/login"
    told = answer(await shared_browser.authorize(prompt="none select_account"))
    assert told["error"] == "invalid_request"
