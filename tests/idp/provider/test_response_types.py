"""What the authorization endpoint hands out by itself: seven response types, each in every mode it may travel in, and what is refused."""

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from authlib.oidc.core.claims import HybridIDToken, ImplicitIDToken

from idp.provider.authorization.response_modes import RESPONSE_MODES, effective_response_mode
from idp.provider.authorization.response_types import RESPONSE_TYPES, parse_response_type
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.connected_apps import list_session_apps
from idp.provider.errors import RedirectableError
from idp.provider.registration.changes import change_client
from idp.provider.tables import logout_messages, oauth_grants, refresh_families
from tests.idp.provider.answers import OLD, add_all_keys, authorized, parts_of_answer, verified
from tests.idp.provider.world import HOUSING, ISSUER, Browser, World, claims_of_jwt, transaction_of

CARRIED = {
    "code": {"code"},
    "id_token": {"id_token"},
    "id_token token": {"id_token", "access_token", "token_type", "expires_in", "scope"},
    "code id_token": {"code", "id_token"},
    "code token": {"code", "access_token", "token_type", "expires_in", "scope"},
    "code id_token token": {"code", "id_token", "access_token", "token_type", "expires_in", "scope"},
    "none": set(),
}
SESSION = {"session_state"}
"""Of OpenID Connect Session Management §2, beside whatever else is answered."""
THROUGH_BROWSER = [name for name, carried in CARRIED.items() if carried - {"code"}]
MODES = (None, "query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt")


@pytest.fixture(scope="module")
async def old(shared_world: World, shared_browser: Browser) -> Browser:
    """A browser whose person has agreed to the old app."""
    await add_all_keys(shared_world)
    await shared_world.add_client(OLD)
    await authorized(shared_browser)
    return shared_browser


def _half_hash(value: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("response_type", CARRIED)
async def test_each_type_travels_in_each_mode_it_may(old: Browser, response_type: str, mode: str | None) -> None:
    """Multiple Response Types §2.1, §3, §5; Form Post §2; JARM §2.3: exactly the parameters of the type, with state and iss, one entry."""
    before = len(await old.world.entries())
    response = await authorized(old, response_type=response_type, response_mode=mode)
    carrier, found = parts_of_answer(response)
    default = "fragment" if response_type in THROUGH_BROWSER else "query"
    wanted = (mode or default).removesuffix(".jwt").replace("jwt", default)
    if (response_type in THROUGH_BROWSER and wanted == "query") or mode == "jwt.jwt":
        assert (carrier, found["error"]) == ("fragment", "invalid_request")
        assert not {"code", "id_token", "access_token"} & set(found)
    else:
        assert carrier == wanted
        if mode is not None and "jwt" in mode:
            assert set(found) == {"response"}
            found = await verified(old.world, found["response"], "ES256")
            assert set(found) - {"aud", "exp", *SESSION} == CARRIED[response_type] | {"state", "iss"}
        else:
            assert set(found) - SESSION == CARRIED[response_type] | {"state", "iss"}
        assert (found["state"], found["iss"]) == ("af0ifjsldkj", ISSUER)
    assert len(await old.world.entries()) == before + 1


@pytest.mark.parametrize("response_type", CARRIED)
async def test_tokens_of_an_answer_are_bound_to_each_other(old: Browser, response_type: str) -> None:
    """OpenID Connect Core §3.2.2.10, §3.3.2.11: nonce, at_hash and c_hash as computed here and as Authlib's client checks them; s_hash."""
    world = old.world
    _, found = parts_of_answer(await authorized(old, response_type=response_type))
    if "id_token" in found:
        claims = await verified(world, found["id_token"], "ES256")
        assert claims["nonce"] == "n-0S6_WzA2Mj"
        assert claims["aud"] == "old-app"
        assert claims["s_hash"] == _half_hash("af0ifjsldkj")
        assert claims.get("at_hash") == (_half_hash(found["access_token"]) if "access_token" in found else None)
        assert claims.get("c_hash") == (_half_hash(found["code"]) if "code" in found else None)
        kind = HybridIDToken if "code" in found else ImplicitIDToken
        params = {"nonce": "n-0S6_WzA2Mj", "client_id": "old-app", "access_token": found.get("access_token")}
        read = kind(claims, {"alg": "ES256"}, {"iss": {"value": ISSUER}}, {**params, "code": found.get("code")})
        read.validate(now=int(world.now.timestamp()))
        # OpenID Connect Core §5.4: without an access token the claims of the scopes stand in the ID token.
        assert ("nickname" in claims) == (response_type == "id_token")
        newest = (await world.entries())[-1]
        recorded = ["nickname", "updated_at"] if response_type == "id_token" else None
        assert newest["details"].get("id_token_claims") == recorded
    if "access_token" in found:
        assert found["token_type"] == "Bearer"
        told = await world.userinfo(found["access_token"])
        assert told.status_code == 200
        assert "nickname" in told.json()
        newest = [entry for entry in await world.entries() if entry["kind"] == "oauth.authorize"][-1]
        assert newest["details"]["jti"] == claims_of_jwt(found["access_token"])["jti"]
        assert found["access_token"] not in str(newest)
    if "code" in found:
        redeemed = await old.redeem(found["code"], "old-app", redirect_uri="https://old.test/cb")
        assert redeemed.status_code == 200
        again = await verified(world, redeemed.json()["id_token"], "ES256")
        if "id_token" in found:
            # OpenID Connect Core §3.3.3.6: the same person and issuer in both.
            assert (again["iss"], again["sub"], again["sid"]) == (claims["iss"], claims["sub"], claims["sid"])
        assert not {"c_hash", "s_hash"} & set(again)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "P07 query with a token": ({"response_type": "id_token token", "response_mode": "query"}, "invalid_request"),
    "P07 query for hybrid": ({"response_type": "code id_token", "response_mode": "query"}, "invalid_request"),
    "P07 query.jwt for hybrid": ({"response_type": "code token", "response_mode": "query.jwt"}, "invalid_request"),
    "R27 web_message": ({"response_type": "id_token", "response_mode": "web_message"}, "invalid_request"),
    "no nonce for id_token": ({"response_type": "id_token", "nonce": None}, "invalid_request"),
    "no nonce for id_token token": ({"response_type": "id_token token", "nonce": None}, "invalid_request"),
    "no nonce for code id_token": ({"response_type": "code id_token", "nonce": None}, "invalid_request"),
    "no nonce for all three": ({"response_type": "code id_token token", "nonce": None}, "invalid_request"),
    "another client's type": ({"client_id": "gzf", "response_type": "id_token"}, "unauthorized_client"),
    "hybrid of a baseline client": ({"client_id": "gzf", "response_type": "code token"}, "unauthorized_client"),
    "token alone": ({"response_type": "token"}, "unsupported_response_type"),
    "none with another": ({"response_type": "token none"}, "unsupported_response_type"),
    "twice the same": ({"response_type": "id_token id_token"}, "unsupported_response_type"),
    "two spaces": ({"response_type": "code  id_token"}, "unsupported_response_type"),
    "prompt none without consent": (
        {"response_type": "code id_token", "prompt": "none", "scope": "openid phone"},
        "consent_required",
    ),
}


@pytest.mark.parametrize(("changes", "error"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_travels_as_the_answer_would(old: Browser, changes: dict[str, Any], error: str) -> None:
    """Multiple Response Types §5: in the fragment where tokens were asked for; one entry; nothing issued."""
    world = old.world
    before = len(await world.entries())
    grants = len(await world.rows(oauth_grants))
    client_id = changes.get("client_id", "old-app")
    address = "https://gzf.test/cb" if client_id == "gzf" else "https://old.test/cb"
    wanted = {name: value for name, value in changes.items() if name != "client_id"}
    carrier, found = parts_of_answer(await old.authorize(client_id, redirect_uri=address, **wanted))
    assert carrier == "fragment"
    assert set(found) == {"error", "error_description", "state", "iss"}
    assert found["error"] == error
    assert len(await world.entries()) == before + 1
    assert len(await world.rows(oauth_grants)) == grants


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode is not None])
async def test_every_mode_carries_errors(old: Browser, mode: str) -> None:
    """JARM §2.3, Form Post §2: an error where the code would have been."""
    asked = {"response_type": "code", "response_mode": mode, "scope": "openid phone", "prompt": "none"}
    carrier, found = parts_of_answer(await old.authorize("old-app", redirect_uri="https://old.test/cb", **asked))
    assert carrier == mode.removesuffix(".jwt").replace("jwt", "query")
    if "jwt" in mode:
        found = await verified(old.world, found["response"], "ES256")
    assert (found["error"], found["state"], found["iss"]) == ("consent_required", "af0ifjsldkj", ISSUER)
    assert "code" not in found


async def test_a_registered_query_stays(old: Browser) -> None:
    """RFC 6749 §3.1.2: the query of the registered address is kept, whatever carries the answer."""
    address = "https://old.test/cb?lang=zh"
    for response_type, separator in (("code", "&"), ("id_token", "#")):
        response = await old.authorize("old-app", redirect_uri=address, response_type=response_type)
        assert response.headers["location"].startswith(address + separator)


async def test_the_order_of_values_means_nothing(old: Browser) -> None:
    """RFC 6749 §3.1.1."""
    _, found = parts_of_answer(await authorized(old, response_type="token code id_token"))
    assert {"code", "id_token", "access_token"} <= set(found)
    assert parse_response_type("token id_token") == "id_token token"
    for text in (None, "", " ", "code ", "Code", "code,id_token", "code\tid_token", "ｃode"):
        with pytest.raises(RedirectableError):
            parse_response_type(text)


def test_default_modes() -> None:
    """Multiple Response Types §2.1, JARM §2.3.4: tokens never default to a query."""
    for response_type in RESPONSE_TYPES:
        default = "fragment" if response_type in THROUGH_BROWSER else "query"
        assert effective_response_mode(response_type) == default
        assert effective_response_mode(response_type, "jwt") == f"{default}.jwt"
        for mode in RESPONSE_MODES - {"jwt"}:
            assert effective_response_mode(response_type, mode) == mode


async def test_state_cannot_break_out_of_the_fragment(old: Browser) -> None:
    """I05: every octet comes back as it was, and adds no parameter."""
    state = "a\r\nSet-Cookie: x=1&access_token=forged#id_token=x 值"
    _, found = parts_of_answer(await authorized(old, response_type="code id_token", state=state))
    assert found["state"] == state
    assert found["id_token"].count(".") == 2


async def test_exceptions_end_on_their_date(world: World, browser: Browser) -> None:
    """Policy `legacy`: a second later the app has what every app has, also for a request that was waiting."""
    until = world.now + timedelta(minutes=5)
    await world.add_client(replace(OLD, metadata=replace(OLD.metadata, legacy_until=until)))
    waiting = await browser.authorize("old-app", redirect_uri="https://old.test/cb", response_type="code id_token")
    world.later(minutes=5)
    await world.provider.feed.catch_up()
    for response_type in ("id_token", "none", "code token"):
        response = await browser.authorize("old-app", redirect_uri="https://old.test/cb", response_type=response_type)
        assert parts_of_answer(response)[1]["error"] == "unauthorized_client"
    no_pkce = {"code_challenge": None, "code_challenge_method": None, "redirect_uri": "https://old.test/cb"}
    assert parts_of_answer(await browser.authorize("old-app", **no_pkce))[1]["error"] == "invalid_request"
    refused = await browser.get("/test/resume", {"transaction": transaction_of(waiting)})
    assert parts_of_answer(refused)[1]["error"] == "unauthorized_client"


async def test_code_without_pkce_is_redeemed_without_verifier_alone(world: World, browser: Browser) -> None:
    """C06, RFC 9700 §4.8.2: a verifier for a code without challenge shows that somebody took the challenge out."""
    await world.add_client(OLD)
    no_pkce: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}
    for verifier, status in ((None, 200), ("v" * 43, 400)):
        _, found = parts_of_answer(await authorized(browser, "old-app", **no_pkce))
        redeemed = await browser.redeem(
            found["code"], "old-app", redirect_uri="https://old.test/cb", code_verifier=verifier
        )
        assert redeemed.status_code == status
    _, found = parts_of_answer(await authorized(browser, code_challenge_method="S256", code_challenge=None))
    assert found["error"] == "invalid_request"


async def test_a_client_with_bound_tokens_gets_none_through_the_browser(world: World, browser: Browser) -> None:
    """FAPI 2.0 Security Profile §5.3.2.1: whoever sees an answer could use its token."""
    bound = replace(OLD, metadata=replace(OLD.metadata, dpop_bound_access_tokens=True))
    await world.add_client(bound)
    _, found = parts_of_answer(await authorized(browser, response_type="id_token token"))
    assert found["error"] == "unauthorized_client"
    assert "id_token" in parts_of_answer(await authorized(browser, response_type="id_token"))[1]


async def test_replaying_the_code_ends_the_token_beside_it(world: World, browser: Browser) -> None:
    """C10, RFC 6749 §4.1.2: everything of one authorization ends together."""
    await world.add_client(OLD)
    _, found = parts_of_answer(await authorized(browser, response_type="code token"))
    redeem = {"redirect_uri": "https://old.test/cb"}
    assert (await browser.redeem(found["code"], "old-app", **redeem)).status_code == 200
    assert (await world.userinfo(found["access_token"])).status_code == 200
    assert (await browser.redeem(found["code"], "old-app", **redeem)).json()["error"] == "invalid_grant"
    assert (await world.userinfo(found["access_token"])).status_code == 401


async def test_nothing_through_the_browser_can_be_refreshed(world: World, browser: Browser) -> None:
    """OpenID Connect Core §11: offline access needs a code."""
    await world.add_client(OLD)
    asked = {"response_type": "id_token token", "scope": "openid offline_access", "prompt": "consent"}
    _, found = parts_of_answer(await authorized(browser, **asked))
    assert found["scope"] == "openid"
    assert await world.rows(refresh_families) == []


async def test_none_gives_nothing_and_is_on_record(world: World, browser: Browser) -> None:
    """Multiple Response Types §4: success is told, nothing is issued, no grant stands."""
    await world.add_client(OLD)
    _, found = parts_of_answer(await authorized(browser, response_type="none"))
    assert set(found) - SESSION == {"state", "iss"}
    assert await world.rows(oauth_grants) == []
    assert await world.last_entry() == ("oauth.authorize", "allowed", None)


@pytest.mark.parametrize("response_type", THROUGH_BROWSER)
async def test_apps_reached_through_the_browser_are_signed_out_too(
    world: World, browser: Browser, response_type: str
) -> None:
    """The app knows who signed in, though nothing was redeemed: it is listed, and told when the session ends."""
    await world.add_client(OLD)
    await authorized(browser, response_type=response_type)
    (grant,) = await world.rows(oauth_grants)
    assert [app.client_id for app in await list_session_apps(grant["session_id"], provider=world.provider)] == [
        "old-app"
    ]
    asked = await browser.post("/oauth/logout", {})
    await browser.post("/test/logout", {"transaction": asked.json()["confirm"]})
    assert [row["client_id"] for row in await world.rows(logout_messages)] == ["old-app"]


async def test_a_lost_entitlement_is_lost_in_id_tokens_too(world: World, browser: Browser) -> None:
    """T19: a refreshed ID token tells nothing that the app may not be told any more."""
    await world.add_client(OLD)
    asked = {"scope": "openid offline_access", "claims": '{"id_token":{"name":null}}', "prompt": "consent"}
    _, found = parts_of_answer(await authorized(browser, **asked))
    body = (await browser.redeem(found["code"], "old-app", redirect_uri="https://old.test/cb")).json()
    assert claims_of_jwt(body["id_token"])["name"] == "张知明"
    provider = world.provider
    poorer = replace(OLD, scopes=("openid", "profile", "offline_access"))
    await change_client(
        poorer, db=provider.db, ledger=provider.ledger, entropy=provider.entropy, actor="system:test", now=world.now
    )
    await provider.feed.catch_up()
    again = await world.token("old-app", grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert again.status_code == 200, again.text
    assert "name" not in claims_of_jwt(again.json()["id_token"])


async def test_a_code_that_was_never_handed_out_cannot_be_redeemed_later(world: World, browser: Browser) -> None:
    """A grant without code counts as redeemed from the beginning, and outlives no code."""
    await world.add_client(OLD)
    await authorized(browser, response_type="id_token")
    (grant,) = await world.rows(oauth_grants)
    assert grant["redeemed_at"] == world.now


async def test_form_post_needs_a_web_address(world: World, browser: Browser) -> None:
    """A private scheme cannot be posted to: the refusal comes in the query."""
    asked = {"redirect_uri": "cn.qingyu.counter:/cb", "response_mode": "form_post"}
    response = await browser.authorize("counter-app", **asked)
    carrier, found = parts_of_answer(response)
    assert (carrier, found["error"]) == ("query", "invalid_request")


async def test_codes_live_as_long_as_the_policy_lets_them(world: World, browser: Browser) -> None:
    """FAPI 2.0 Security Profile §5.3.2.1: 60 seconds at most, whatever the settings say."""
    code = await browser.code_for(HOUSING.client_id)
    world.later(seconds=60)
    await world.provider.feed.catch_up()
    assert (await browser.redeem(code)).json()["error"] == "invalid_grant"
    (grant,) = await world.rows(oauth_grants)
    assert grant["code_expires_at"] - grant["created_at"] == timedelta(seconds=60)


def test_legacy_metadata_is_what_the_tests_think() -> None:
    """Positive control: the app of these tests has every response type and every exception."""
    assert isinstance(OLD.metadata, ClientMetadata)
    assert set(OLD.metadata.response_types) == RESPONSE_TYPES
