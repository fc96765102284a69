"""The pages of the device flow and of CIBA in a real Chromium: on a narrow phone without JavaScript, in elder mode, in a wide window."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from gateway.pages.modes import COOKIE_NAME
from tests.gateway.pages.waiting_apps import App, counter, kiosk
from tests.gateway.town import Town, running_town
from tests.servers import SQLiteDatabases, Stack

NARROW = {"width": 320, "height": 800}
WIDE = {"width": 1280, "height": 900}
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
PERSON = "zhoujingyan"


@dataclass(frozen=True)
class Walk:
    """How the person walks: the view cookie, the window, and whether scripts run."""

    view: str
    window: dict[str, int]
    scripts: bool


WALKS = {
    "phone without JavaScript": Walk("dark.standard.1.zh-CN", NARROW, False),
    "elder mode on a phone": Walk("contrast.elder.3.zh-CN", NARROW, True),
    "wide window in English": Walk("light.standard.1.en", WIDE, True),
}


@dataclass(frozen=True)
class Places:
    """The running product, and the two apps that ask on another device."""

    town: Town
    screen: App
    desk: App


@pytest.fixture(scope="module")
def places(sqlite_databases: SQLiteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """The product with its simulators and the two apps."""
    folder = tmp_path_factory.mktemp("walk")
    with sqlite_databases.fresh() as url, running_town(Stack("sqlite+memory", url, None), folder) as town:
        yield Places(town, kiosk(town), counter(town))


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


def answer(page: Page, decision: str) -> None:
    """Tick everything and press a button."""
    if decision == "yes":
        for box in page.locator("input[name=claims]").all():
            box.check()
    page.locator(f"button[name=decision][value={decision}]").click()


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS.keys())
def test_a_person_answers_a_screen_and_a_counter(chromium: Browser, places: Places, walk: Walk) -> None:
    """Sign in at the address of the screen, agree there, refuse the counter; every page fits and nothing is blocked."""
    town, blocked = places.town, list[str]()
    context = context_of(chromium, town, walk)
    page = context.new_page()

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            blocked.append(message.text)

    def look(path: str) -> None:
        expect(page).to_have_url(re.compile(re.escape(town.url(path))))
        expect(page.locator("h1")).to_be_visible()
        if walk.scripts:
            assert page.evaluate(OVERFLOW) <= 0, f"{path} scrolls sideways"

    page.on("console", hear)
    begun = places.screen.begin(scope="openid profile realname")
    page.goto(begun["verification_uri_complete"])
    look("/login?")
    person = town.person(PERSON)
    page.fill("#f-identifier", person["user_name"])
    page.fill("#f-password", person["password"])
    page.locator("main form button.btn-main").first.click()
    look("/device?user_code=")
    expect(page.locator("#f-user_code")).to_have_value(begun["user_code"])
    page.locator("main form button.btn-main").click()
    look("/device/confirm?flow=")
    expect(page.locator("main")).to_contain_text(begun["user_code"])
    answer(page, "yes")
    look("/confirmations/done?result=")
    assert "id_token" in places.screen.poll(begun)

    begun = places.desk.begin(login_hint=person["document_number"], binding_message="QY-0042")
    page.goto(town.url("/confirmations"))
    look("/confirmations")
    page.locator("main a.way").click()
    look("/confirmations/")
    expect(page.locator("main")).to_contain_text("QY-0042")
    answer(page, "no")
    look("/confirmations/done?result=")
    assert places.desk.poll(begun)["error"] == "access_denied"
    assert blocked == []
    context.close()
