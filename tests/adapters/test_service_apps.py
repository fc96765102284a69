"""The sample apps as relying parties of a real OpenID provider: sign-in, forged answers, sign-out from
elsewhere.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from joserfc import jwt

from adapters.simulators import province_center
from adapters.simulators.center_tokens import CenterKeys
from adapters.simulators.service_app.app import create_business_app, create_housing_app
from adapters.simulators.service_app.relying_party import LOGOUT_EVENT
from adapters.simulators.world import ZHANG_ZHIMING
from adapters.simulators.world_entries import CenterClient, World
from foundation.clock import system_clock
from tests.adapters.conftest import Simulator
from tests.adapters.serving import served


@dataclass(frozen=True, slots=True)
class Sites:
    """A provider with its keys, and both apps."""

    provider: Simulator
    keys: CenterKeys
    housing: str
    business: str

    def logout_token(self, subject: str, *, audience: str = "gzf", **changes: Any) -> str:
        """Sign a logout token as the provider would, with members changed or, when None, left out."""
        now = int(system_clock().timestamp())
        claims: dict[str, Any] = {
            "iss": self.provider.base_url,
            "aud": audience,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "sub": subject,
            "events": {LOGOUT_EVENT: {}},
            **changes,
        }
        key = self.keys.signing
        header = {"alg": "ES256", "kid": key.kid, "typ": "logout+jwt"}
        known = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, known, key, algorithms=["ES256"])


@pytest.fixture
def sites(world: World) -> Iterator[Sites]:
    """The provider is the province center's simulator, at which both apps are registered."""
    with ExitStack() as running:
        kept: list[Any] = []

        def provider_app(url: str) -> Any:
            kept.append(province_center.create_app(world, url))
            return kept[0]

        provider = running.enter_context(served(provider_app))
        world.issuer = provider
        housing = running.enter_context(served(lambda url: create_housing_app(world, url)))
        business = running.enter_context(served(lambda url: create_business_app(world, url)))
        for client_id, url in (("gzf", housing), ("qyfw", business)):
            world.clients[client_id] = CenterClient(
                client_id=client_id,
                client_secret=world.service_apps[client_id].client_secret,
                redirect_uris=(f"{url}/callback",),
            )
        yield Sites(Simulator(provider), kept[0].state.keys, housing, business)


@pytest.fixture
def browser() -> Iterator[httpx2.Client]:
    """A browser with a cookie jar; ports share it, as they do in browsers."""
    with httpx2.Client(trust_env=False, follow_redirects=True) as client:
        yield client


def sign_in(browser: httpx2.Client, app: str) -> httpx2.Response:
    """Press the button, choose the person, come back."""
    page = browser.get(f"{app}/sign-in")
    request = re.search(r'name="request" value="([^"]+)"', page.text)
    assert request is not None, page.text
    form = {"request": request[1], "person": ZHANG_ZHIMING.user_name}
    return browser.post(str(page.url.join("/authorize/decide")), data=form)


def me(browser: httpx2.Client, app: str) -> dict[str, Any] | None:
    """Who the browser is to the app."""
    answer = browser.get(f"{app}/api/me")
    return answer.json() if answer.status_code == 200 else None


def test_signing_in_shows_the_person_and_keeps_apps_apart(sites: Sites, browser: httpx2.Client) -> None:
    """Two apps on one host live in one browser without touching each other's cookies."""
    page = sign_in(browser, sites.housing)
    assert page.status_code == 200
    assert "张知明" in page.text
    assert me(browser, sites.business) is None
    sign_in(browser, sites.business)
    for app in (sites.housing, sites.business):
        known = me(browser, app)
        assert known is not None
        assert known["sub"] == ZHANG_ZHIMING.subject


@pytest.mark.parametrize("detail", ["wrong_nonce", "wrong_aud", "wrong_iss", "expired", "bad_signature", "alg_none"])
def test_an_id_token_wrong_in_one_point_signs_nobody_in(sites: Sites, browser: httpx2.Client, detail: str) -> None:
    """The apps show how a relying party verifies."""
    sites.provider.fault("token", "id_token", detail=detail, times=1)
    assert sign_in(browser, sites.housing).status_code == 400
    assert me(browser, sites.housing) is None


def test_a_return_of_another_browser_signs_nobody_in(sites: Sites, browser: httpx2.Client) -> None:
    """F04: state lives in the browser's own cookie, so a planted callback is worth nothing."""
    with httpx2.Client(trust_env=False) as attacker:
        start = attacker.get(f"{sites.housing}/sign-in")
        page = attacker.get(start.headers["location"])
        request = re.search(r'name="request" value="([^"]+)"', page.text)
        assert request is not None
        form = {"request": request[1], "person": ZHANG_ZHIMING.user_name}
        back = attacker.post(f"{sites.provider.base_url}/authorize/decide", data=form)
    assert browser.get(back.headers["location"]).status_code == 400
    browser.get(f"{sites.housing}/sign-in")
    assert browser.get(back.headers["location"]).status_code == 400
    assert me(browser, sites.housing) is None


def post_logout(sites: Sites, token: str) -> int:
    """Deliver a logout token to the housing app."""
    form = {"logout_token": token}
    return httpx2.post(f"{sites.housing}/backchannel-logout", data=form, trust_env=False).status_code


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"nonce": "x"}, id="with a nonce"),
        pytest.param({"events": None}, id="without events"),
        pytest.param({"events": {"other": {}}}, id="with another event"),
        pytest.param({"iss": "https://evil.test"}, id="from another issuer"),
        pytest.param({"audience": "qyfw"}, id="for another client"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"jti": None}, id="without jti"),
        pytest.param({"subject": None}, id="naming neither session nor subject"),
    ],
)
def test_a_wrong_logout_token_ends_nothing(sites: Sites, browser: httpx2.Client, changes: dict[str, Any]) -> None:
    """Back-Channel Logout §2.6: each check refuses alone with 400."""
    sign_in(browser, sites.housing)
    arguments = {"subject": ZHANG_ZHIMING.subject, **changes}
    assert post_logout(sites, sites.logout_token(**arguments)) == 400
    assert me(browser, sites.housing) is not None


def test_a_logout_token_ends_its_session_once(sites: Sites, browser: httpx2.Client) -> None:
    """The named session ends, another session of the person stays, and the token works once."""
    sign_in(browser, sites.housing)
    known = me(browser, sites.housing)
    assert known is not None
    with httpx2.Client(trust_env=False, follow_redirects=True) as other_browser:
        sign_in(other_browser, sites.housing)
        token = sites.logout_token(ZHANG_ZHIMING.subject, sid=known["sid"])
        assert post_logout(sites, token) == 200
        assert me(browser, sites.housing) is None
        assert me(other_browser, sites.housing) is not None
        assert post_logout(sites, token) == 400
        assert post_logout(sites, sites.logout_token(ZHANG_ZHIMING.subject)) == 200
        assert me(other_browser, sites.housing) is None
    ended = httpx2.get(f"{sites.housing}/api/sessions", trust_env=False).json()["ended"]
    assert [ending["reason"] for ending in ended] == ["back-channel", "back-channel"]


def test_sign_out_needs_the_forms_own_key(sites: Sites, browser: httpx2.Client) -> None:
    """L05: another site cannot press the button."""
    sign_in(browser, sites.housing)
    browser.post(f"{sites.housing}/sign-out", data={"form_key": "guessed"})
    assert me(browser, sites.housing) is not None


def test_sign_in_asks_for_code_with_pkce_state_and_nonce(sites: Sites) -> None:
    """The request is the one that the provider's baseline policy wants."""
    with httpx2.Client(trust_env=False) as client:
        location = client.get(f"{sites.housing}/sign-in").headers["location"]
    asked = dict(parse_qsl(urlsplit(location).query))
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert all(asked[name] for name in ("state", "nonce", "code_challenge", "redirect_uri", "scope"))


@pytest.mark.parametrize("path", ["/", "/signed-out", "/callback"])
def test_pages_carry_no_script_and_a_strict_policy(sites: Sites, path: str) -> None:
    """The pages work without JavaScript and allow none."""
    page = httpx2.get(f"{sites.housing}{path}", trust_env=False)
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_provider_that_is_down_is_said_so(sites: Sites, browser: httpx2.Client) -> None:
    """The app answers with a page, not with a stack trace."""
    sites.provider.fault("*", "status", status=503)
    assert browser.get(f"{sites.housing}/sign-in").status_code in (400, 502)
