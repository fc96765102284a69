"""Pages for everybody: they exist, in both languages, and say what they are about."""

from dataclasses import replace

import httpx2
import pytest

from foundation.problems import all_error_codes
from gateway.pages.modes import COOKIE_NAME
from gateway.stories.browser import Browser
from tests.gateway.town import Town

PUBLIC = ["/", "/login", "/login/sms", "/register", "/staff/login", "/help/errors", "/help/ledger"]
PUBLIC += ["/help/accessibility", "/help/privacy", "/help/sitemap"]


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("view", ["light.standard.1.zh-CN", "contrast.elder.3.en"])
def test_public_pages_answer_in_both_languages(town: Town, path: str, view: str) -> None:
    """A page that fails in one view would fail exactly those who need the view."""
    answer = httpx2.get(town.url(path), cookies={COOKIE_NAME: view}, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-language"] == view.rsplit(".", 1)[1]
    assert answer.headers["cache-control"] == "no-store"
    assert "form-action" in answer.headers["content-security-policy"]


def test_every_error_code_has_its_page(town: Town) -> None:
    """The `type` of a problem document leads somewhere (RFC 9457 §3.1.1)."""
    with httpx2.Client(trust_env=False) as client:
        for entry in all_error_codes():
            answer = client.get(town.url(f"/help/errors/{entry.code}"))
            assert answer.status_code == 200, entry.code
            assert entry.code in answer.text


def test_links_of_the_site_map_and_the_footer_lead_somewhere(town: Town, browser: Browser) -> None:
    """No dead end: each link is a page, or the sign-in that leads to it."""
    page = browser.open(town.url("/help/sitemap"))
    targets = {link.href.partition("#")[0] for link in page.document.links if link.href.startswith("/")}
    assert {"/help/ledger", "/help/privacy", "/licenses"} <= targets
    for target in targets:
        assert town.settle(browser, browser.open(town.url(target))).status == 200, target


def test_unknown_address_and_method_are_pages_with_a_request_number(town: Town, browser: Browser) -> None:
    """People see a page in their language, with what support needs to find the request."""
    missing = browser.open(town.url("/no-such-page"))
    assert missing.status == 404
    assert missing.headers["x-request-id"] in missing.body
    form = replace(missing.form("next", action="/preferences"), action="/help/ledger")
    assert browser.submit(missing, form).status == 405
    assert httpx2.request("DELETE", town.url("/help/ledger"), trust_env=False).status_code == 400
    assert browser.open(town.url("/help/errors/99999")).status == 404


def test_preferences_lead_back_to_own_pages_alone(town: Town, browser: Browser) -> None:
    """RFC 9700 §4.11.1: the mode buttons are no open redirector."""
    page = browser.open(town.url("/help/privacy"))
    form = page.form("next", action="/preferences")
    chosen = browser.submit(page, form, button="en")
    assert chosen.location == town.url("/help/privacy")
    assert browser.open(town.url("/help/privacy")).headers["content-language"] == "en"
    for evil in (
        "//evil.example/",
        "/\\\\evil.example",
        "https:evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
    ):
        answer = browser.submit(page, form, altered={"next": evil}, button="en")
        assert answer.location == town.url("/"), evil
