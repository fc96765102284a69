"""L05: what another site can make a browser send signs nobody out, not even by taking the cookie away."""

from urllib.parse import urlencode

import httpx2
import pytest

from gateway.stories.browser import Browser
from idp.signin.sessions import SESSION_COOKIE
from tests.gateway.pages.people import newcomer, register
from tests.gateway.town import Town

CROSS_SITE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "https://evil.test"}


@pytest.mark.parametrize("form", [{}, {"client_id": "gzf"}, {"id_token_hint": "word"}, {"state": "s"}])
def test_foreign_form_takes_no_cookie(town: Town, form: dict[str, str]) -> None:
    """A browser sends no Lax cookie with another site's POST, but would obey its answer: the session's cookie is not touched there."""
    answer = httpx2.post(f"{town.issuer}/oauth/logout", data=form, headers=CROSS_SITE, trust_env=False)
    assert answer.status_code in (200, 303)
    assert not [line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION_COOKIE)]
    assert "Max-Age=0" not in " ".join(answer.headers.get_list("set-cookie"))


def test_foreign_link_only_asks(town: Town, browser: Browser) -> None:
    """A GET carries the cookie: the person is asked, and is still signed in after leaving the question alone."""
    register(town, browser, newcomer(town))
    page = browser.open(f"{town.issuer}/oauth/logout?{urlencode({'client_id': 'gzf'})}")
    assert page.status == 200
    assert page.has_form("transaction")
    assert browser.open(town.url("/account")).status == 200


def test_own_sign_out_takes_every_cookie_of_the_session(town: Town, browser: Browser) -> None:
    """Positive control."""
    register(town, browser, newcomer(town))
    page = browser.open(town.url("/logout"))
    told = browser.submit(page, page.form("decision"), button="yes")
    assert f"{SESSION_COOKIE}=; Max-Age=0" in told.headers["set-cookie"]
    assert browser.open(town.url("/account")).location is not None
