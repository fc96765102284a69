"""What is forgotten, and what is not."""

from idp.provider.housekeeping import forget_finished
from idp.provider.tables import oauth_grants, refresh_families
from tests.idp.provider.world import Browser, World


async def test_only_finished_things_are_forgotten(world: World, browser: Browser) -> None:
    """A family that still lives keeps its grant; a month and a day later both are gone."""
    tokens = await browser.tokens_for(scope="openid offline_access")
    world.later(days=6)
    await world.provider.feed.catch_up()
    assert await forget_finished(provider=world.provider, now=world.now) == 0
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await world.token("gzf", **form)).status_code == 200
    world.later(days=26)
    await world.provider.feed.catch_up()
    assert await forget_finished(provider=world.provider, now=world.now) == 2
    assert await world.rows(oauth_grants) == []
    assert await world.rows(refresh_families) == []
