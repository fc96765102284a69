"""Pages for people who are not signed in, counted by address: in the whole product, over HTTP, on both stacks."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import httpx2

from gateway.pages.static_files import static_url
from gateway.stories.browser import Browser
from loadtests.servers import run_redis
from tests.gateway.pages.people import sign_in
from tests.gateway.town import Town, running_town
from tests.servers import RunningServers, Stack

LIMIT = 6
SETTINGS = {
    "RENZHENG_PAGE_REQUESTS_PER_WINDOW": str(LIMIT),
    "RENZHENG_TRUSTED_PROXIES": '["127.0.0.1"]',
}
SOMEBODY, SOMEBODY_ELSE, FAMILY = "198.51.100.7", "198.51.100.8", "2001:db8:1:2::{}"


def test_an_address_opens_so_many_pages_and_whoever_is_signed_in_as_many_as_they_like(
    stack: Stack, tmp_path: Path
) -> None:
    """A04: the page says how long to wait; files, metadata, the back channel and everybody else go on."""
    with running_town(stack, tmp_path, SETTINGS) as town, closing(Browser()) as signed_in:
        person = town.person("zhoujingyan")
        sign_in(town, signed_in, person["user_name"], person["password"])
        for path in ("/login", "/recover", "/register", "/no-such-page", "/help/errors", "/oauth/authorize"):
            assert _ask(town, path).status_code < 429, path
        refused = _ask(town, "/login")
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 300
        assert "42901" in refused.text
        assert _ask(town, "/login", language="en").text.count("Too many") > 0
        for path, status in _FREE.items():
            assert _ask(town, path).status_code == status, path
        assert _ask(town, "/oauth/token", method="POST").status_code in (400, 401)
        # A session that nobody gave counts as none; another address, and a live session, are not held up.
        assert _ask(town, "/login", cookie=f"__Host-rz_session={'a' * 43}").status_code == 429
        assert _ask(town, "/login", address=SOMEBODY_ELSE).status_code == 200
        for _ in range(LIMIT + 1):
            assert signed_in.open(town.url("/licenses")).status == 200
        # One subscriber holds a whole /64, and cannot begin anew with each of its addresses.
        family = [_ask(town, "/login", address=FAMILY.format(number)).status_code for number in range(1, LIMIT + 2)]
        assert family == [200] * LIMIT + [429]


def test_without_the_shared_store_every_worker_counts_for_itself(
    sqlite_url: str, servers: RunningServers, tmp_path: Path
) -> None:
    """V07: Redis gone is neither a way around the limit nor the end of every page."""
    with (
        run_redis() as server,
        running_town(Stack("sqlite+redis", sqlite_url, server.url()), tmp_path, SETTINGS) as town,
    ):
        assert _ask(town, "/login").status_code == 200
        assert server.process is not None
        server.process.stop()
        answers = [_ask(town, "/login").status_code for _ in range(LIMIT + 1)]
        assert answers == [200] * LIMIT + [429]


def test_the_limit_can_be_switched_off(sqlite_url: str, tmp_path: Path) -> None:
    """Where something in front of the product counts already."""
    off = {**SETTINGS, "RENZHENG_PAGE_REQUESTS_PER_WINDOW": "0"}
    with running_town(Stack("sqlite+memory", sqlite_url, None), tmp_path, off) as town:
        assert {_ask(town, "/login").status_code for _ in range(LIMIT * 3)} == {200}


_FREE: Mapping[str, int] = {
    static_url("app.css"): 200,
    "/.well-known/openid-configuration": 200,
    "/oauth/jwks": 200,
    "/oauth/userinfo": 401,
    "/livez": 200,
    "/readyz": 200,
}


def _ask(
    town: Town, path: str, *, method: str = "GET", address: str = SOMEBODY, language: str = "zh-CN", cookie: str = ""
) -> httpx2.Response:
    cookies = "; ".join(filter(None, (f"rz_view=light.standard.1.{language}", cookie)))
    headers = {"X-Forwarded-For": f"203.0.113.9, {address}", "Cookie": cookies}
    return httpx2.request(method, town.url(path), headers=headers, trust_env=False)
