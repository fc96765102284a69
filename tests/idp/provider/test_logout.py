"""Area E: signing out, asked for by an app; and telling the other apps."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from foundation.outbox import NotDelivered
from idp.provider.sign_out.backchannel import deliver_logout_tokens, list_logout_deliveries
from idp.provider.tables import logout_messages
from idp.signin.sessions import SESSION_COOKIE
from tests.idp.provider.world import LI, Browser, Person, World, claims_of_jwt, open_world
from tests.servers import Stack

BYE = "https://gzf.test/bye"


@dataclass
class Apps:
    """The apps' back-channel endpoints: what arrived, and how each answers."""

    answers: dict[str, int | str] = field(default_factory=dict)
    received: list[tuple[str, str]] = field(default_factory=list)

    async def post_form(self, url: str, fields: Mapping[str, str], timeout: timedelta) -> int:  # noqa: ASYNC109
        self.received.append((url, fields["logout_token"]))
        answer = self.answers.get(url, 200)
        if isinstance(answer, str):
            raise NotDelivered(answer)
        return answer


async def _is_signed_in(browser: Browser) -> bool:
    response = await browser.authorize(prompt="none")
    return "error=login_required" not in response.headers["location"]


async def test_hint_of_this_session_signs_out_and_returns(world: World, browser: Browser) -> None:
    """RP-Initiated Logout §2, §3: back to the registered address, state as it came."""
    tokens = await browser.tokens_for()
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE, "state": "a&b=c\r\n"}
    response = await browser.get("/oauth/logout", query)
    assert response.status_code == 303
    assert response.headers["location"] == f"{BYE}?state=a%26b%3Dc%0D%0A"
    assert not await _is_signed_in(browser)
    assert (await world.userinfo(tokens["access_token"])).status_code == 401


async def test_without_hint_the_person_is_asked(browser: Browser) -> None:
    """L01, L05: nothing ends and nobody is sent anywhere before the answer; the answer counts once."""
    await browser.tokens_for()
    response = await browser.get("/oauth/logout", {"client_id": "gzf", "post_logout_redirect_uri": BYE})
    transaction = response.json()["confirm"]
    assert await _is_signed_in(browser)
    other = Browser(browser.world, cookies={**browser.cookies, "__Host-rz_flow": "x" * 43})
    assert (await other.post("/test/logout", {"transaction": transaction})).status_code == 400
    assert await _is_signed_in(browser)
    confirmed = await browser.post("/test/logout", {"transaction": transaction})
    assert confirmed.headers["location"] == BYE
    assert not await _is_signed_in(browser)
    assert (await browser.post("/test/logout", {"transaction": transaction})).status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/bye",
        "https://gzf.test/bye?x=1",
        "https://gzf.test/bye/",
        "https://gzf.test@evil.test/bye",
        "https://gzf.test/bye\r\n",
        "//gzf.test/bye",
        "javascript:alert(1)",
        "https://gzf.test/cb",
        "HTTPS://gzf.test/bye",
    ],
)
async def test_unregistered_address_is_never_followed(
    shared_world: World, shared_browser: Browser, address: str
) -> None:
    """L02: an error page, and the session lives."""
    hint = (await shared_browser.tokens_for())["id_token"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": address}
    response = await shared_browser.get("/oauth/logout", query)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert await _is_signed_in(shared_browser)


async def test_hint_of_another_client_than_named_is_no_hint(shared_browser: Browser) -> None:
    """L03."""
    hint = (await shared_browser.tokens_for())["id_token"]
    response = await shared_browser.get("/oauth/logout", {"id_token_hint": hint, "client_id": "qyfw"})
    assert "confirm" in response.json()


async def test_hint_of_another_person_is_no_hint(world: World, browser: Browser) -> None:
    """L03: somebody else's ID token signs nobody out."""
    hint = (await browser.tokens_for())["id_token"]
    stranger = Browser(world)
    await world.sign_in(stranger, await world.add_person(LI, "李晓禾", "13800000002"))
    assert "confirm" in (await stranger.get("/oauth/logout", {"id_token_hint": hint})).json()
    assert await _is_signed_in(browser)


async def test_hint_ends_its_session_without_a_cookie(world: World, browser: Browser) -> None:
    """L07: a cross-site POST carries no cookie; the session that the hint names ends anyway."""
    hint = (await browser.tokens_for())["id_token"]
    bare = Browser(world, cookies={})
    response = await bare.post("/oauth/logout", {"id_token_hint": hint, "post_logout_redirect_uri": BYE})
    assert response.headers["location"] == BYE
    assert not await _is_signed_in(browser)


async def test_later_session_of_the_same_person_is_ended(world: World, browser: Browser, zhang: Person) -> None:
    """The app still holds the ID token of an earlier session of this person: that is proof enough."""
    hint = (await browser.tokens_for())["id_token"]
    await world.sign_in(browser, zhang)
    assert (await browser.get("/oauth/logout", {"id_token_hint": hint})).json()["signed_out"] is True
    assert SESSION_COOKIE in browser.cookies
    assert not await _is_signed_in(browser)


@pytest.mark.parametrize("query", ["state=%ff", "state=a&state=b", "state=" + "x" * 3_000])
async def test_unreadable_request_is_an_error_page(shared_browser: Browser, query: str) -> None:
    """L11 and area U."""
    assert (await shared_browser.get("/oauth/logout", query)).status_code == 400


async def test_every_app_is_told_with_its_own_names(world: World, browser: Browser) -> None:
    """Back-Channel Logout §2.4: own sub and sid, the event, no nonce, signed by a published key."""
    tokens = [await browser.tokens_for("gzf"), await browser.tokens_for("qyfw")]
    response = await browser.get("/oauth/logout", {"id_token_hint": tokens[0]["id_token"]})
    assert response.json()["apps"] == {"gzf": "waiting", "qyfw": "waiting"}
    apps = Apps()
    assert await deliver_logout_tokens(provider=world.provider, http=apps, worker="w1", now=world.now) == 2
    ((url, token),) = apps.received
    assert url == "https://gzf.test/backchannel-logout"
    async with world.http() as http:
        keys = KeySet.import_key_set((await http.get("/oauth/jwks")).json())
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    id_token = claims_of_jwt(tokens[0]["id_token"])
    assert decoded.header["typ"] == "logout+jwt"
    assert decoded.claims["sub"] == id_token["sub"]
    assert decoded.claims["sid"] == id_token["sid"]
    assert decoded.claims["aud"] == "gzf"
    assert decoded.claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in decoded.claims
    session_id = (await world.rows(logout_messages))[0]["session_id"]
    receipts = await list_logout_deliveries(session_id, provider=world.provider)
    assert {app.client.client_id: app.status for app in receipts} == {"gzf": "told", "qyfw": "no_channel"}


async def test_failing_app_is_tried_again_and_then_given_up(world: World, browser: Browser) -> None:
    """L09: doubling pauses, a bounded number of tries, and a receipt that says so."""
    tokens = await browser.tokens_for()
    await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})
    apps = Apps({"https://gzf.test/backchannel-logout": "timed out"})
    tries = []
    for _ in range(40):
        tried = await deliver_logout_tokens(provider=world.provider, http=apps, worker="w1", now=world.now)
        tries.append(tried)
        world.later(seconds=30)
        await world.provider.feed.catch_up()
    assert sum(tries) == world.provider.limits.logout_attempts
    (message,) = await world.rows(logout_messages)
    assert (message["state"], message["last_problem"]) == ("dead", "timed out")
    assert await world.last_entry() == ("oauth.logout_message", "failed", None)
    jtis = {claims_of_jwt(token)["jti"] for _, token in apps.received}
    assert len(jtis) == len(apps.received)


async def test_app_that_recovers_is_told(world: World, browser: Browser) -> None:
    """A 500 now, a 200 later: told once."""
    tokens = await browser.tokens_for()
    await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})
    apps = Apps({"https://gzf.test/backchannel-logout": 500})
    await deliver_logout_tokens(provider=world.provider, http=apps, worker="w1", now=world.now)
    apps.answers.clear()
    assert await deliver_logout_tokens(provider=world.provider, http=apps, worker="w1", now=world.now) == 0
    world.later(seconds=2)
    await world.provider.feed.catch_up()
    assert await deliver_logout_tokens(provider=world.provider, http=apps, worker="w1", now=world.now) == 1
    assert (await world.rows(logout_messages))[0]["state"] == "delivered"


async def test_two_workers_do_not_tell_twice(stack: Stack, world: World, browser: Browser) -> None:
    """V27: a message is leased; a worker that died with it loses it after the lease."""
    tokens = await browser.tokens_for()
    await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})
    apps = Apps()
    async with open_world(stack, url=stack.database_url) as other:
        counts = await asyncio.gather(
            *(
                deliver_logout_tokens(provider=node.provider, http=apps, worker=name, now=world.now)
                for name, node in (("w1", world), ("w2", other))
            )
        )
    assert sorted(counts) == [0, 1]
    assert len(apps.received) == 1


async def test_signing_out_needs_no_reachable_app(world: World, browser: Browser) -> None:
    """The messages are durable in the transaction that ends the session; nobody waits for an app."""
    tokens = await browser.tokens_for()
    await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})
    (message,) = await world.rows(logout_messages)
    assert (message["state"], message["attempts"]) == ("waiting", 0)
