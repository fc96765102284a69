"""Area C: an authorization code is good once, for one client, one address, one verifier, sixty seconds."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from idp.provider.registration.register import set_client_status
from tests.idp.provider.world import VERIFIER, Browser, Person, World, open_world
from tests.servers import Stack


async def _is_dead(world: World, token: str) -> bool:
    introspected = (await world.ask("/oauth/introspect", "license-api", token=token)).json()
    answered = await world.userinfo(token)
    return introspected == {"active": False} and answered.status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": None},
        {"code_verifier": "w" * 43},
        {"code_verifier": VERIFIER + "="},
        {"code_verifier": "v" * 42},
        {"code_verifier": "v" * 129},
        {"redirect_uri": "https://gzf.test/cb?lang=zh"},
    ],
    ids=["C04 none", "wrong", "padded", "short", "long", "R21 other address"],
)
async def test_wrong_redemption_burns_the_code(world: World, browser: Browser, changes: dict[str, Any]) -> None:
    """RFC 7636 §4.6, RFC 6749 §4.1.3: invalid_grant, and the right redemption comes too late."""
    code = await browser.code_for()
    response = await browser.redeem(code, **changes)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert response.headers["cache-control"] == "no-store"
    assert (await browser.redeem(code)).json()["error"] == "invalid_grant"


async def test_missing_redirect_uri_burns_the_code(world: World, browser: Browser) -> None:
    """R21: the address of the authorization request has to be repeated."""
    code = await browser.code_for()
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    assert (await world.token("gzf", **form)).json()["error"] == "invalid_grant"
    assert (await browser.redeem(code)).json()["error"] == "invalid_grant"


async def test_foreign_client_burns_the_code(world: World, browser: Browser) -> None:
    """C12: nobody gets tokens, neither the thief nor the owner after him."""
    code = await browser.code_for()
    stolen = await browser.redeem(code, "qyfw", redirect_uri="https://gzf.test/cb")
    assert stolen.json()["error"] == "invalid_grant"
    assert (await browser.redeem(code)).json()["error"] == "invalid_grant"


async def test_replayed_code_revokes_its_tokens(world: World, browser: Browser) -> None:
    """C10, RFC 6749 §4.1.2:

    The second use is refused and what the first one gave is dead, also the refresh token.
    """
    code = await browser.code_for(scope="openid profile offline_access")
    tokens = (await browser.redeem(code)).json()
    assert not await _is_dead(world, tokens["access_token"])
    before = len(await world.entries())
    replayed = await browser.redeem(code)
    assert replayed.json()["error_code"] == "21104"
    entries = await world.entries()
    assert [entry["kind"] for entry in entries[before:]] == ["oauth.code_replayed"]
    assert await _is_dead(world, tokens["access_token"])
    refreshed = await world.token("gzf", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"


async def test_expired_code_is_refused(world: World, browser: Browser) -> None:
    """Sixty seconds; the last one counts."""
    code = await browser.code_for()
    world.later(seconds=59)
    await world.provider.feed.catch_up()
    assert (await browser.redeem(code)).status_code == 200
    late = await browser.code_for()
    world.later(seconds=60)
    await world.provider.feed.catch_up()
    assert (await browser.redeem(late)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("mutate", [str.swapcase, lambda code: code[:-1], lambda code: code + "A", lambda _: "值"])
async def test_altered_code_is_unknown(browser: Browser, mutate: object) -> None:
    """C14: one octet is another code; the real one stays good."""
    code = await browser.code_for()
    assert callable(mutate)
    assert (await browser.redeem(mutate(code))).json()["error"] == "invalid_grant"
    assert (await browser.redeem(code)).status_code == 200


async def test_fifty_parallel_redemptions_have_one_winner(stack: Stack, world: World, browser: Browser) -> None:
    """C11, N03: on two nodes, at most one answer is 200; the reuse was seen, so its tokens are dead."""
    code = await browser.code_for(scope="openid profile offline_access")
    async with open_world(stack, url=stack.database_url) as other_node:
        other_node.secrets = world.secrets
        other_browser = Browser(other_node)
        tries = [(browser if number % 2 else other_browser).redeem(code) for number in range(50)]
        answers = await asyncio.gather(*tries)
        won = [response for response in answers if response.status_code == 200]
        assert len(won) <= 1
        assert {response.json()["error"] for response in answers if response.status_code != 200} == {"invalid_grant"}
        await world.provider.feed.catch_up()
        await other_node.provider.feed.catch_up()
        for response in won:
            assert await _is_dead(world, response.json()["access_token"])
            assert await _is_dead(other_node, response.json()["access_token"])
            form = {"grant_type": "refresh_token", "refresh_token": response.json()["refresh_token"]}
            assert (await world.token("gzf", **form)).json()["error"] == "invalid_grant"


async def test_code_of_an_ended_session_is_refused(world: World, browser: Browser, zhang: Person) -> None:
    """C16: signing out between authorization and redemption."""
    tokens = await browser.tokens_for()
    code = await browser.code_for()
    signed_out = await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})
    assert signed_out.json()["signed_out"] is True
    assert (await browser.redeem(code)).json()["error"] == "invalid_grant"


async def test_another_session_that_ended_does_not_reach_a_code(world: World, browser: Browser, zhang: Person) -> None:
    """Who signed out yesterday signs in today: only the code's own session counts, on both engines."""
    tokens = await browser.tokens_for()
    assert (await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})).json()["signed_out"] is True
    today = Browser(world)
    await world.sign_in(today, zhang)
    assert (await today.redeem(await today.code_for())).status_code == 200


async def test_code_of_a_disabled_client_is_refused(world: World, browser: Browser) -> None:
    """Lifecycle: a disabled client cannot authenticate, whatever it holds."""
    code = await browser.code_for()
    provider = world.provider
    await set_client_status(
        "gzf",
        "disabled",
        token_lifetime=timedelta(minutes=10),
        db=provider.db,
        ledger=provider.ledger,
        actor="system:test",
        now=world.now,
    )
    await provider.feed.catch_up()
    response = await browser.redeem(code)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_codes_are_stored_as_digests(world: World, browser: Browser) -> None:
    """K16: a copy of the database opens nothing."""
    from idp.provider.tables import oauth_clients, oauth_grants, refresh_families

    code = await browser.code_for(scope="openid profile offline_access")
    tokens = (await browser.redeem(code)).json()
    stored = str([await world.rows(table) for table in (oauth_grants, refresh_families, oauth_clients)])
    written = str(await world.entries())
    for secret in (code, tokens["access_token"], tokens["refresh_token"], world.secrets["gzf"]):
        assert secret not in stored
        assert secret not in written
