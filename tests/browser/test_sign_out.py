"""Sign-out in a real Chromium: one app that is told by the back channel, one by a frame, one that cannot be told; and the watching frame.

The policy of the result page is enforced by the browser: a frame that the page did not allow would stay empty, and the app signed in.
"""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from foundation.clock import system_clock
from gateway.composition import open_parts
from gateway.settings import load_settings
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.registration.register import ClientRegistration, register_client
from tests.browser.old_app import CLIENT_ID, OldApp, served
from tests.gateway.town import Town, running_town
from tests.servers import SQLiteDatabases, Stack
from tests.stories.processes import free_base_port

SECRET = "old-app-" + "s" * 40
STATE = "\"><script>alert(1)</script>;url=https://evil.test '&\r\nX: y"
STATE_COOKIE = "__Host-rz_state"


@pytest.fixture(scope="module")
def town(sqlite_databases: SQLiteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The product with its simulators."""
    folder = tmp_path_factory.mktemp("sign-out")
    with sqlite_databases.fresh() as url, running_town(Stack("sqlite+memory", url, None), folder) as running:
        yield running


@pytest.fixture(scope="module")
def old_app(town: Town) -> Iterator[OldApp]:
    """An app with a front channel, registered and running."""
    port = free_base_port()
    app = OldApp(f"http://127.0.0.1:{port}", town.issuer, SECRET)
    # Playwright's own loop runs in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _register(town, app)).result()
    with served(app.app(), port):
        yield app


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


@pytest.fixture(params=["with script", "without script"])
def context(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile."""
    opened = chromium.new_context(java_script_enabled=request.param == "with script")
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


async def _register(town: Town, app: OldApp) -> None:
    settings = load_settings(town.settings_file, environ={})
    registration = ClientRegistration(
        client_id=CLIENT_ID,
        name_zh="档案查阅",
        name_en="Archive",
        department_id="housing",
        redirect_uris=(app.url("/cb"),),
        post_logout_redirect_uris=(app.url("/"),),
        scopes=("openid",),
        consent="exempt",
        consent_basis="《档案法》第二十八条",
        metadata=ClientMetadata(frontchannel_logout_uri=app.url("/out"), frontchannel_logout_session_required=True),
    )
    async with open_parts(settings, clock=system_clock, background=False) as parts:
        await register_client(
            registration,
            db=parts.db,
            ledger=parts.ledger,
            entropy=parts.entropy,
            actor="system:test",
            now=system_clock(),
            secret=app.secret,
        )


def _sign_in(page: Page, town: Town, *apps: str) -> None:
    """Enter by password, then each app by its own door."""
    person = town.person("zhoujingyan")
    page.goto(town.url("/login"))
    page.fill("#f-identifier", person["user_name"])
    page.fill("#f-password", person["password"])
    page.locator("main form button.btn-main").first.click()
    expect(page).to_have_url(town.url("/"))
    for app in apps:
        page.goto(f"{app}/sign-in")
        if "/consent" in page.url:
            for box in page.locator("input[name=claims]").all():
                box.check()
            page.locator("button[name=decision][value=yes]").click()
        expect(page).to_have_url(re.compile(re.escape(app)))


def _chips(page: Page) -> dict[str, str]:
    rows = page.locator("main ul.ways li").all()
    return {row.locator("b").inner_text(): row.locator(".chip").inner_text().strip() for row in rows}


def _is_in_housing(page: Page, town: Town) -> bool:
    page.goto(f"{town.app('housing-app')}/api/me")
    return "sub" in page.inner_text("body")


def test_both_apps_are_out_and_the_page_says_how_it_knows(context: BrowserContext, town: Town, old_app: OldApp) -> None:
    """The back channel confirmed, the frame was asked; both sessions are gone, and the page claims no more than that."""
    page = context.new_page()
    _sign_in(page, town, old_app.base_url, town.app("housing-app"))
    page.goto(old_app.url("/"))
    expect(page.locator("h1")).to_have_text("signed in")
    assert _is_in_housing(page, town)

    page.goto(town.url("/logout"))
    page.locator("main button[name=decision]").click()
    expect(page).to_have_url(re.compile(re.escape(town.url("/logout/done"))))
    expect(page.locator("main .chip.is-ok")).to_have_count(1)
    said = _chips(page)
    assert said["档案查阅"] == "已通知"
    assert [state for name, state in said.items() if name != "档案查阅"] == ["已退出"]

    page.goto(old_app.url("/"))
    expect(page.locator("h1")).to_have_text("signed out")
    assert not _is_in_housing(page, town)
    assert old_app.framed[-1]["iss"] == town.issuer


def test_page_renews_itself_until_a_late_app_has_answered(context: BrowserContext, town: Town) -> None:
    """While the app is down the page says so; when it is back the message is sent again, and the page tells by itself."""
    page = context.new_page()
    _sign_in(page, town, town.app("housing-app"))
    with town.broken("housing-app"):
        page.goto(town.url("/logout"))
        page.locator("main button[name=decision]").click()
        expect(page).to_have_url(re.compile(re.escape(town.url("/logout/done"))))
        expect(page.locator("main .chip.is-soon")).to_have_text("正在通知")
    expect(page.locator("main .chip.is-ok")).to_have_text("已退出", timeout=30_000)
    assert not _is_in_housing(page, town)


def test_page_waits_for_the_frames_before_the_browser_goes_on(
    context: BrowserContext, town: Town, old_app: OldApp
) -> None:
    """RP-initiated: the result is shown while the frames load, then the browser returns to the app that asked, by itself.

    L11: the state comes back as it was sent, and is nothing but a value on the page in between.
    """
    page = context.new_page()
    _sign_in(page, town, old_app.base_url)
    hint = old_app.live[next(one["value"] for one in context.cookies() if one["name"] == "old_app")]
    before = len(old_app.framed)
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": old_app.url("/"), "state": STATE}
    back = f"{old_app.url('/')}?state={quote(STATE, safe='')}"
    page.goto(f"{town.issuer}/oauth/logout?{urlencode(asked)}")
    expect(page.locator("main a.btn-main")).to_have_attribute("href", back)
    expect(page).to_have_url(back)
    expect(page.locator("h1")).to_have_text("signed out")
    assert len(old_app.framed) == before + 1


def test_result_page_frames_exactly_the_apps_concerned(town: Town, old_app: OldApp, chromium: Browser) -> None:
    """The policy names the app's origin and nobody else's, once; no other page may frame anything."""
    context = chromium.new_context()
    page = context.new_page()
    _sign_in(page, town, old_app.base_url)
    page.goto(town.url("/logout"))
    assert "frame-src" not in _policy(page, town.url("/logout"))
    with page.expect_response(re.compile(re.escape("/logout/done"))) as answered:
        page.locator("main button[name=decision]").click()
    policy = answered.value.headers["content-security-policy"]
    assert f"; frame-src {old_app.base_url}" in policy
    assert policy.endswith(old_app.base_url)
    assert "frame-src" not in _policy(page, page.url)
    assert "frame-ancestors 'none'" in policy
    context.close()


def test_app_sees_from_its_own_page_that_the_session_is_over(chromium: Browser, town: Town, old_app: OldApp) -> None:
    """Session Management §3: unchanged, then changed after a sign-out in another tab; nonsense is an error."""
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    page = context.new_page()
    _sign_in(page, town, old_app.base_url)
    page.goto(old_app.url("/watch"))
    expect(page.locator("#answer")).to_have_text("unchanged")

    page.evaluate("() => clearInterval(window.asking)")
    for nonsense in ("", "old-app", "old-app nodot", "old-app a b.c", "x" * 600):
        page.locator("#answer").evaluate("element => { element.textContent = 'none'; }")
        page.evaluate("text => window.ask(text)", nonsense)
        expect(page.locator("#answer")).to_have_text("error")

    page.goto(old_app.url("/watch"))
    other = context.new_page()
    other.goto(town.url("/logout"))
    other.locator("main button[name=decision]").click()
    expect(other).to_have_url(re.compile(re.escape(town.url("/logout/done"))))
    assert STATE_COOKIE not in {one.get("name") for one in context.cookies()}
    expect(page.locator("#answer")).to_have_text("changed")
    context.close()


def test_another_person_is_another_session(chromium: Browser, town: Town, old_app: OldApp) -> None:
    """The state follows the session of the browser at the sign-in, before any app is told of the new one."""
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    page = context.new_page()
    _sign_in(page, town, old_app.base_url)
    first = _state(context)
    page.goto(old_app.url("/watch"))
    expect(page.locator("#answer")).to_have_text("unchanged")
    # The session ends where this browser does not hear of it; somebody signs in anew.
    context.clear_cookies(name="__Host-rz_session")
    other = context.new_page()
    _sign_in(other, town)
    assert _state(context) not in ("", first)
    expect(page.locator("#answer")).to_have_text("changed")
    context.close()


def test_only_the_watching_document_may_be_framed(town: Town) -> None:
    """Every other page of ours refuses to be inside another's (L-area: no clickjacking)."""
    with httpx2.Client(trust_env=False) as http:
        frame = http.get(town.url("/oauth/session"))
        assert "frame-ancestors *" in frame.headers["content-security-policy"]
        assert "set-cookie" not in frame.headers
        for path in ("/login", "/logout/done", "/oauth/logout", "/help/privacy", "/oauth/authorize"):
            assert "frame-ancestors 'none'" in http.get(town.url(path)).headers["content-security-policy"]


def _policy(page: Page, url: str) -> str:
    return page.context.request.get(url).headers["content-security-policy"]


def _state(context: BrowserContext) -> str:
    return next((one.get("value", "") for one in context.cookies() if one.get("name") == STATE_COOKIE), "")
