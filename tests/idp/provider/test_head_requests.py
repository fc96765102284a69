"""HEAD at the endpoints of browsers: link checkers, previews and scanners send it, and it must not act like the GET it stands for."""

from urllib.parse import urlencode

import pytest

from idp.provider.tables import oauth_grants
from tests.idp.provider.world import Browser, World, answer, authorization


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/oauth/authorize", authorization()),
        ("/oauth/logout", {"client_id": "gzf", "post_logout_redirect_uri": "https://gzf.test/bye"}),
    ],
)
async def test_head_does_nothing(world: World, browser: Browser, path: str, query: dict[str, str]) -> None:
    """RFC 9110 §9.3.2, §15.5.6: not allowed, and told what is; no code, no entry, the session lives."""
    await browser.tokens_for()
    before = len(await world.entries()), len(await world.rows(oauth_grants))
    async with world.http() as http:
        http.cookies.update(browser.cookies)
        response = await http.head(f"{path}?{urlencode(query)}")
    assert response.status_code == 405
    assert {one.strip() for one in response.headers["allow"].split(",")} == {"GET", "POST"}
    assert "location" not in response.headers
    assert (len(await world.entries()), len(await world.rows(oauth_grants))) == before
    # Positive control: the same request acts when it is meant.
    assert answer(await browser.authorize())["code"]
    assert len(await world.rows(oauth_grants)) == before[1] + 1


async def test_head_asks_where_nothing_is_done(world: World) -> None:
    """Positive control: documents answer HEAD like GET."""
    async with world.http() as http:
        assert (await http.head("/.well-known/openid-configuration")).status_code == 200
