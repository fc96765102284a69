"""What was revoked and is restored: what is issued afterwards lives, what was issued before stays dead."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import httpx2
import pytest

from foundation.changes import Change, ChangeFeed
from foundation.database import Database
from idp.provider.registration.register import set_client_status
from idp.provider.tokens.revocations import RevocationList, restoration, revocation
from tests.idp.provider.world import Browser, World, open_world
from tests.servers import Stack

NOW = datetime(2026, 5, 18, 1, tzinfo=UTC)
LIFE = timedelta(minutes=10)
KEY = "person:" + "1" * 32
REVOKED = revocation(KEY, lifetime=LIFE, now=NOW)
RESTORED = restoration(KEY, lifetime=LIFE, now=NOW + timedelta(seconds=60))
REVOKED_AGAIN = revocation(KEY, lifetime=LIFE, now=NOW + timedelta(seconds=120))


def is_dead(heard: tuple[Change, ...], *, issued: float, asked: float = 180) -> bool:
    """Whether something of the key, issued so many seconds after the first revocation, is dead."""
    feed = ChangeFeed(Database("sqlite+aiosqlite:///never-opened.sqlite3"), lambda: NOW)
    revoked = RevocationList()
    revoked.open(feed)
    feed.apply(heard)
    return revoked.is_revoked(KEY, issued_at=NOW + timedelta(seconds=issued), now=NOW + timedelta(seconds=asked))


@pytest.mark.parametrize("heard", list(permutations((REVOKED, RESTORED, REVOKED))))
def test_only_what_was_issued_before_the_restoration_is_dead(heard: tuple[Change, ...]) -> None:
    """In whatever order, and however often, the two are heard."""
    assert is_dead(heard, issued=-1)
    assert is_dead(heard, issued=59)
    assert not is_dead(heard, issued=60)


@pytest.mark.parametrize("heard", list(permutations((REVOKED, RESTORED, REVOKED_AGAIN))))
def test_a_second_revocation_hits_everything_again(heard: tuple[Change, ...]) -> None:
    """Also what a worker that heard of it late has issued afterwards."""
    assert is_dead(heard, issued=61)
    assert is_dead(heard, issued=121)


def test_a_revocation_without_restoration_hits_what_is_issued_later() -> None:
    """Until its time is over."""
    assert is_dead((REVOKED,), issued=1)
    assert not is_dead((REVOKED,), issued=1, asked=700)
    assert not is_dead((RESTORED,), issued=1)


async def test_an_enabled_client_works_at_once(stack: Stack, world: World) -> None:
    """Its old token stays dead and its new one is alive, on this worker and on one that starts later."""
    old = await own_token(world)
    await set_status(world, "disabled")
    assert (await world.token("gzf", grant_type="client_credentials")).status_code == 401
    world.later(seconds=2)
    await set_status(world, "active")
    new = await own_token(world)
    assert [await is_active(world, token) for token in (old, new)] == [False, True]
    async with open_world(stack, url=world.provider.db.engine.url.render_as_string(hide_password=False)) as late:
        late.now = world.now
        await late.provider.feed.catch_up()
        late.secrets |= world.secrets
        assert [await is_active(late, token) for token in (old, new)] == [False, True]


async def test_an_enabled_client_refreshes_at_once(stack: Stack, world: World, browser: Browser) -> None:
    """Disabling stops its families without ending them; access tokens and codes from before stay dead for good."""
    tokens = await browser.tokens_for(scope="openid profile offline_access")
    code = await browser.code_for(scope="openid profile offline_access")
    await set_status(world, "disabled")
    assert (await refreshed(world, tokens)).status_code == 401
    world.later(seconds=2)
    await set_status(world, "active")
    answer = await refreshed(world, tokens)
    assert answer.status_code == 200, answer.text
    assert (await world.userinfo(answer.json()["access_token"])).status_code == 200
    assert (await world.userinfo(tokens["access_token"])).status_code == 401
    assert (await browser.redeem(code)).json()["error"] == "invalid_grant"
    await set_status(world, "disabled")
    world.later(seconds=2)
    async with open_world(stack, url=world.provider.db.engine.url.render_as_string(hide_password=False)) as late:
        late.now = world.now
        late.secrets |= world.secrets
        # From here on this worker hears of nothing by itself, however long the other one takes.
        await world.provider.feed.stop()
        await set_status(late, "active")
        again = await refreshed(late, answer.json())
        assert again.status_code == 200, again.text
        # A worker that has heard of the end alone refuses, and spends nothing by it.
        assert (await refreshed(world, again.json())).json()["error"] == "invalid_grant"
        await world.provider.feed.catch_up()
        assert (await refreshed(world, again.json())).status_code == 200


async def own_token(world: World) -> str:
    """An access token of the housing app's own."""
    answer = await world.token("gzf", grant_type="client_credentials")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def refreshed(world: World, tokens: dict[str, Any]) -> httpx2.Response:
    """The housing app's answer to its refresh token."""
    return await world.token("gzf", grant_type="refresh_token", refresh_token=tokens["refresh_token"])


async def is_active(world: World, token: str) -> bool:
    """What the license API is told of a token."""
    return bool((await world.ask("/oauth/introspect", "license-api", token=token)).json()["active"])


async def set_status(world: World, status: str) -> None:
    """Disable or enable the housing app, and hear of it."""
    provider = world.provider
    await set_client_status(
        "gzf",
        "disabled" if status == "disabled" else "active",
        token_lifetime=LIFE,
        db=provider.db,
        ledger=provider.ledger,
        actor="system:test",
        now=world.now,
    )
    await provider.feed.catch_up()
