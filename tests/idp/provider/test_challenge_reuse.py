"""C08: one PKCE challenge in many authorizations is served and put on record (RFC 9700 §2.1.1)."""

from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from tests.idp.provider.world import CHALLENGE, Browser, World, answer, open_world
from tests.servers import Stack

OTHER_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def _flags(world: World) -> list[Any]:
    """Return what each authorization so far has on record about its challenge."""
    return [
        entry["details"].get("challenge_uses")
        for entry in await world.entries()
        if (entry["kind"], entry["outcome"]) == ("oauth.authorize", "allowed")
    ]


async def test_a_reused_challenge_is_served_and_flagged(world: World, browser: Browser) -> None:
    """Three times is a reload; every one beyond is marked in the ledger, warned of once, and still answered."""
    with capture_logs() as logs:
        codes = [await browser.code_for() for _ in range(6)]
    assert len(set(codes)) == 6
    assert (await browser.redeem(codes[-1])).status_code == 200
    assert await _flags(world) == [None, None, None, 4, 5, 6]
    warned = [line for line in logs if line["event"] == "challenge_reuse.noticed"]
    assert [(line["client"], line["uses"], line["log_level"]) for line in warned] == [("gzf", 4, "warning")]
    assert CHALLENGE not in str(logs)


async def test_challenges_are_counted_for_each_app_and_value(world: World, browser: Browser) -> None:
    """Another app's, or another value, has a count of its own; a request that was refused counts for nothing."""
    for _ in range(3):
        await browser.code_for()
        refused = await browser.authorize(response_type="id_token")
        assert answer(refused)["error"] == "unauthorized_client"
    await browser.code_for("qyfw")
    await browser.code_for(code_challenge=OTHER_CHALLENGE)
    assert await _flags(world) == [None] * 5


async def test_nodes_count_together(stack: Stack, world: World, browser: Browser) -> None:
    """On the shared store every node sees the reuse; one process alone has its own."""
    await browser.code_for()
    async with open_world(stack, url=stack.database_url) as other:
        beyond = Browser(other, cookies=browser.cookies)
        for _ in range(3):
            await beyond.code_for()
        assert await _flags(other) == [None, None, None, 4 if stack.redis_url else None]


@pytest.mark.parametrize("stack", ["postgres+redis"], indirect=True)
async def test_a_store_that_cannot_count_stops_nobody(stack: Stack, world: World, browser: Browser) -> None:
    """A store that lost its content counts nothing until that is acknowledged: the mark is lost, the authorization is not."""
    for _ in range(3):
        await browser.code_for()
    assert stack.redis_url is not None
    with redis.Redis.from_url(stack.redis_url) as client:
        client.flushdb()
    with capture_logs() as logs:
        assert await browser.code_for()
    assert [line["event"] for line in logs] == ["challenge_reuse.not_counted"]
    assert await _flags(world) == [None] * 4
