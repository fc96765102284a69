"""RFC 9470 end to end: the license API asks for a fresher sign-in, the app leads the officer there once, and then it is answered."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from gateway.stories.browser import Browser, Page
from tests.gateway.api.conftest import question
from tests.gateway.town import Town, running_town
from tests.servers import SQLiteDatabases, Stack

OFFICER = "wangshouzheng"
VERIFIER = "v" * 64
LONGEST_S = 120


@pytest.fixture(scope="module")
def town(sqlite_databases: SQLiteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town that shows whole values only to whoever signed in two minutes ago at most."""
    further = {"RENZHENG_LOOKUP__FULL_SIGN_IN_AGE_SECONDS": str(LONGEST_S)}
    folder = tmp_path_factory.mktemp("step_up")
    with (
        sqlite_databases.fresh() as url,
        running_town(Stack("sqlite+memory", url, None), folder, further) as running,
    ):
        yield running


def app_of(town: Town) -> Mapping[str, Any]:
    """The housing app, whose backend looks licenses up for the officer."""
    return next(client for client in town.world["clients"] if client["client_id"] == "gzf")


def authorization(town: Town, **wanted: str) -> str:
    """The address at which the app asks, with what the challenge wants."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": "gzf",
        "redirect_uri": f"{town.app('housing-app')}/callback",
        "scope": "openid license.lookup",
        "resource": f"{town.issuer}/api/v1/licenses",
        "state": "s" * 16,
        "nonce": "n" * 16,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **wanted,
    }
    return town.url("/oauth/authorize?" + urlencode(query))


def sign_in(town: Town, browser: Browser, page: Page) -> Page:
    """Go through the officer's door: password, then the one-time password."""
    person = town.person(OFFICER)
    values = {"identifier": person["user_name"], "password": person["password"]}
    totp = browser.hop(browser.submit(page, page.form("identifier"), values), town.url("/login/totp"))
    return browser.submit(totp, totp.form("code"), {"code": town.totp(OFFICER)})


def token_from(town: Town, browser: Browser, page: Page) -> str:
    """Follow the redirects of our own pages, agree when asked, and redeem the code."""
    target = page.location
    for _ in range(6):
        if target is not None and target.startswith(f"{town.app('housing-app')}/callback"):
            break
        if target is not None:
            page = browser.open(_absolute(town, target))
        else:
            form = page.form("claims") if page.has_form("claims") else page.form("transaction")
            everything = {"claims": form.choices["claims"]} if "claims" in form.choices else {}
            page = browser.submit(page, form, everything, button="yes")
        target = page.location
    assert target is not None
    code = parse_qs(urlsplit(target).query)["code"][0]
    answer = httpx2.post(
        town.url("/oauth/token"),
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{town.app('housing-app')}/callback",
            "code_verifier": VERIFIER,
        },
        auth=("gzf", app_of(town)["client_secret"]),
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def look_up(town: Town, token: str, **members: Any) -> httpx2.Response:
    """Ask for whole values with the officer's own token."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    body = question(officer=None, grade="full", fields=["location"], **members)
    return httpx2.post(town.url("/api/v1/licenses/lookup"), content=body, headers=headers, trust_env=False, timeout=20)


def await_heard(town: Town) -> None:
    """Wait until the product has heard of changes by the moved clock: before that it refuses rather than trust its memory."""
    deadline = time.monotonic() + 10
    nobody = {"grant_type": "client_credentials", "client_id": "nobody"}
    while httpx2.post(town.url("/oauth/token"), data=nobody, trust_env=False).status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_new_sign_in_answers_the_challenge(town: Town) -> None:
    """RFC 9470 §3, §4: what the challenge names goes into the authorization request, and nothing else is needed."""
    browser = Browser()
    login = browser.open(town.url("/staff/login"))
    sign_in(town, browser, login)
    fresh = token_from(town, browser, browser.open(authorization(town)))
    assert look_up(town, fresh).status_code == 200
    with town.clock.later(timedelta(seconds=LONGEST_S + 31)):
        await_heard(town)
        # The session lives and gives tokens at once; what is too old is the sign-in behind it.
        old = token_from(town, browser, browser.open(authorization(town)))
        refused = look_up(town, old)
        assert (refused.status_code, refused.json()["code"]) == (401, "21221"), refused.text
        wanted = dict(
            part.split("=", 1) for part in refused.headers["www-authenticate"].removeprefix("Bearer ").split(", ")
        )
        asked = {name: json.loads(wanted[name]) for name in ("acr_values", "max_age")}
        target = browser.open(authorization(town, **asked)).location
        assert target is not None
        assert urlsplit(target).path == "/staff/login"
        answered = token_from(town, browser, sign_in(town, browser, browser.open(_absolute(town, target))))
        assert look_up(town, answered).status_code == 200
    browser.close()


def test_an_officer_finds_the_own_door_from_an_app(town: Town) -> None:
    """Without a session the app leads to the citizens' page, which names the officers' door and keeps what waits."""
    browser = Browser()
    page = browser.open(authorization(town))
    assert page.location is not None
    login = browser.open(_absolute(town, page.location))
    door = browser.follow_link(login, "/staff/login")
    assert "transaction=" in door.url
    assert door.has_form("identifier", action="/staff/login")
    browser.close()


def _absolute(town: Town, location: str) -> str:
    return location if "://" in location else town.url(location)
