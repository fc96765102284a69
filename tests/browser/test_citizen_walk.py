"""The citizen's story in a real Chromium against the running product: with and without JavaScript, on a narrow phone, in elder mode.

The policy of every page is enforced by the browser here: a form whose answer leads to an application or to the upper center
only works when the page allowed exactly that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from gateway.pages.modes import COOKIE_NAME
from tests.gateway.town import Town, running_town
from tests.servers import SQLiteDatabases, Stack

NARROW = {"width": 320, "height": 800}
WIDE = {"width": 1280, "height": 900}
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
OWN_PAGES = ("/", "/licenses", "/accesses", "/connected", "/account", "/logout", "/help/sitemap", "/help/ledger")


@dataclass(frozen=True)
class Walk:
    """How one citizen walks: the view cookie, the window, and whether scripts run."""

    view: str
    window: dict[str, int]
    scripts: bool
    person: str


WALKS = {
    "wide window": Walk("light.standard.1.zh-CN", WIDE, True, "zhangzhiming"),
    "phone without JavaScript": Walk("dark.standard.1.en", NARROW, False, "chenmulan"),
    "elder mode on a phone": Walk("contrast.elder.3.zh-CN", NARROW, True, "zhangzhiming"),
}


@dataclass
class Watched:
    """A page whose console is listened to."""

    page: Page
    blocked: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep what the browser refused to do."""
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            self.blocked.append(message.text)


@pytest.fixture(scope="module")
def town(sqlite_databases: SQLiteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The product with its simulators."""
    folder = tmp_path_factory.mktemp("walk")
    with sqlite_databases.fresh() as url, running_town(Stack("sqlite+memory", url, None), folder) as running:
        yield running


@pytest.fixture(scope="module")
def chromium(chromium_path: Path) -> Iterator[Browser]:
    """One headless Chromium for the module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium_path),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


def context_of(chromium: Browser, town: Town, walk: Walk) -> BrowserContext:
    """Return a fresh browser profile that walks this way."""
    context = chromium.new_context(viewport=walk.window, java_script_enabled=walk.scripts)  # type: ignore[arg-type]  # ViewportSize is such a dict
    context.add_cookies([{"name": COOKIE_NAME, "value": walk.view, "url": town.issuer}])
    context.set_default_timeout(15_000)
    return context


def agree(page: Page) -> None:
    """Tick everything and agree."""
    for box in page.locator("input[name=claims]").all():
        box.check()
    page.locator("button[name=decision][value=yes]").click()


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS.keys())
def test_citizen_lives_through_the_story(chromium: Browser, town: Town, walk: Walk) -> None:
    """In through the upper center, consent, a second app without a sign-in, the own pages, one sign-out."""
    context = context_of(chromium, town, walk)
    page = context.new_page()
    watched = Watched(page)
    page.on("console", watched.hear)
    housing, business = town.app("housing-app"), town.app("business-app")

    page.goto(f"{housing}/sign-in")
    expect(page).to_have_url(re.compile(re.escape(town.url("/login?"))))
    page.locator("form[action='/sign-in/centers/province'] button").click()
    expect(page).to_have_url(re.compile(re.escape(town.app("province-center"))))
    page.locator(f"button[value={walk.person}]").click()
    if "/sign-in/arrival" in page.url:
        page.locator("button[name=decision][value=yes]").click()
    if "/consent" in page.url:
        agree(page)
    expect(page).to_have_url(re.compile(re.escape(housing)))

    page.goto(f"{business}/sign-in")
    if "/consent" in page.url:
        agree(page)
    expect(page).to_have_url(re.compile(re.escape(business)))

    for path in OWN_PAGES:
        page.goto(town.url(path))
        expect(page.locator("h1")).to_be_visible()
        if walk.scripts:
            assert page.evaluate(OVERFLOW) <= 0, f"{path} scrolls sideways"

    page.goto(town.url("/logout"))
    page.locator("main button[name=decision]").click()
    expect(page).to_have_url(re.compile(re.escape(town.url("/logout/done"))))
    expect(page.locator("main .chip.is-ok")).to_have_count(2)
    page.go_back()
    page.goto(town.url("/licenses"))
    expect(page).to_have_url(re.compile(re.escape(town.url("/login?"))))
    assert watched.blocked == []
    context.close()


def test_officer_looks_a_license_up_without_javascript(chromium: Browser, town: Town) -> None:
    """Two factors, a case, a masked answer: every step is a plain form."""
    context = context_of(chromium, town, Walk("light.standard.1.zh-CN", NARROW, False, ""))
    page = context.new_page()
    officer = town.person("wangshouzheng")
    page.goto(town.url("/staff/login"))
    page.fill("#f-identifier", officer["user_name"])
    page.fill("#f-password", officer["password"])
    page.locator("main form button.btn-main").click()
    page.fill("#f-code", town.totp("wangshouzheng"))
    page.locator("main form button.btn-main").click()
    page.fill("#f-case", "QY-2026-000101")
    page.locator("button[value=choose]").first.click()
    page.fill("#f-holder_number", town.person("zhangzhiming")["document_number"])
    page.locator("input[name=grade][value=masked]").check()
    page.locator("input[name=fields][value=holder_name]").check()
    page.locator("button[value=look_up]").click()
    expect(page.locator(".verdict")).to_contain_text("有效")
    expect(page.locator("main")).to_contain_text("张*明")
    assert page.url == town.url("/desk")
    context.close()


def test_keyboard_alone_reaches_the_main_part_and_signs_in(chromium: Browser, town: Town) -> None:
    """The skip link comes first, the form follows in reading order, Enter sends it."""
    context = context_of(chromium, town, WALKS["wide window"])
    page = context.new_page()
    person = town.person("zhoujingyan")
    page.goto(town.url("/login"))
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.locator("#f-identifier").focus()
    page.keyboard.type(person["user_name"])
    page.keyboard.press("Tab")
    page.keyboard.type(person["password"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(town.url("/"))
    context.close()
