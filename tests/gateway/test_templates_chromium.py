"""The pages in a real browser, over real HTTP with the real policy: they fit, they can be pressed, nothing is blocked."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.pages.modes import COOKIE_NAME
from gateway.pages.rendering import render
from gateway.pages.static_files import static_files, static_route, static_url
from gateway.security.headers import content_security_policy
from tests.gateway.page_requests import page_request
from tests.gateway.template_samples import SAMPLES

VIEWS = ("light.standard.1.zh-CN", "light.standard.1.en", "contrast.elder.3.en")
BY_NAME = {sample.name: sample for sample in SAMPLES}

# Elements that stick out of the window, save those inside a box that scrolls by itself.
STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > width + 1 && !element.closest("pre, .vh, .sprite, .water"))
    .map((element) => `${element.tagName}.${element.className}`)
    .concat(`page is ${document.documentElement.scrollWidth} wide`);
}"""
# Things to press that are lower than `least` CSS pixels (WCAG 2.2 §2.5.5; elder mode asks for 60).
SMALL_TARGETS = """(least) => [...document.querySelectorAll("button, .btn, .way, select, .input, .choice, .nav a")]
  .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < least - 0.5)
  .map((element) => `${element.tagName}.${element.className} ${element.getBoundingClientRect().height}`)"""


async def send_sample(request: Request) -> Response:
    """Answer with the sample of that name in the view of the browser's cookie, under the policy of every page."""
    sample = BY_NAME[request.path_params["name"]]
    response = render(page_request(request.cookies.get(COOKIE_NAME, "")), sample.template, **sample.data)
    response.headers["Content-Security-Policy"] = content_security_policy()
    return response


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """A server of the samples on a free loopback port, stopped at the end."""
    app = Starlette(routes=[Route("/sample/{name}", send_sample), static_route()])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    for _ in range(200):
        if server.started:
            break
        thread.join(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One headless Chromium for the module."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


def context_in(browser: Browser, origin: str, view: str, **options: bool) -> BrowserContext:
    """Return a browser context 320 px wide whose cookie asks for `view`."""
    context = browser.new_context(
        viewport={"width": 320, "height": 800}, java_script_enabled=options.get("script", True)
    )
    context.add_cookies([{"name": COOKIE_NAME, "value": view, "url": origin}])
    # A page that goes on by itself is looked at where it is.
    context.add_init_script("HTMLFormElement.prototype.requestSubmit = () => {};")
    return context


@pytest.fixture
def page(browser: Browser, origin: str) -> Iterator[Page]:
    """A page in the usual view."""
    context = context_in(browser, origin, VIEWS[0])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_fits_a_narrow_window_and_a_finger(browser: Browser, origin: str, view: str) -> None:
    """At 320 px, which is also 1280 px at 400 %, nothing scrolls sideways; nothing is too small to press or blocked."""
    context = context_in(browser, origin, view)
    tab = context.new_page()
    complaints: list[str] = []
    # Errors and warnings, such as a blocked file; the browser's advice to developers is no fault.
    tab.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    faults = {}
    least = 60 if ".elder." in view else 44
    for name in BY_NAME:
        answer = tab.goto(f"{origin}/sample/{name}", wait_until="load")
        assert answer is not None
        assert answer.ok
        found = [*tab.evaluate(STICKING_OUT), *tab.evaluate(SMALL_TARGETS, least), *complaints]
        complaints.clear()
        if found:
            faults[name] = found
    context.close()
    assert faults == {}


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_error_summary_takes_the_focus(browser: Browser, origin: str, script: bool) -> None:
    """A form that came back puts the reader at its errors, whether or not scripts run."""
    context = context_in(browser, origin, VIEWS[0], script=script)
    tab = context.new_page()
    tab.goto(f"{origin}/sample/register_phone-errors")
    assert tab.locator(".errors:focus").count() == 1
    context.close()


def test_error_summary_leads_to_the_field(page: Page, origin: str) -> None:
    """Each line of the summary is a link that puts the cursor where the correction goes."""
    page.goto(f"{origin}/sample/register_phone-errors")
    page.locator(".errors a").first.click()
    assert page.locator("#f-phone:focus").count() == 1


def test_skip_link_comes_first(page: Page, origin: str) -> None:
    """The first press of Tab offers to skip the navigation, visibly."""
    page.goto(f"{origin}/sample/home-usual")
    page.keyboard.press("Tab")
    assert page.locator(".skip:focus").count() == 1
    page.keyboard.press("Enter")
    assert page.locator("main:focus").count() == 1


def test_session_warning_waits_until_the_end_is_near(page: Page, origin: str) -> None:
    """Fifteen minutes before the end nothing is said; in the last minute the page warns in words and offers to go on."""
    page.clock.install()
    page.goto(f"{origin}/sample/home-usual")
    assert not page.locator(".session-end").is_visible()
    page.clock.run_for(14 * 60 * 1000 + 30_000)
    assert page.locator(".session-end").is_visible()
    assert page.locator("[data-left]").inner_text() == "30 秒"


@pytest.mark.parametrize("name", ["enhance.js", "app.css"])
def test_file_that_was_changed_on_its_way_is_not_used(page: Page, origin: str, name: str) -> None:
    """W18: what a page loads counts only while it is what the page was made with; without it the page still reads and its forms still work."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    changed = {"enhance.js": 'document.title = "taken"', "app.css": "main { display: none }"}[name]
    page.route(
        f"**{static_url(name)}", lambda route: route.fulfill(body=changed, content_type=static_files()[name].media_type)
    )
    page.goto(f"{origin}/sample/register_phone-errors", wait_until="load")
    assert [said for said in complaints if "integrity" in said] != []
    assert page.title() != "taken"
    assert page.locator("main form").first.is_visible()


def test_print_shows_the_answer_and_who_printed_it(page: Page, origin: str) -> None:
    """A printed check sheet carries the result, the receipt, the time and the officer, and no controls."""
    page.goto(f"{origin}/sample/desk-result")
    page.emulate_media(media="print")
    assert page.get_by_text("R-20260518-103207-7QXM").is_visible()
    assert page.get_by_text("打印时间").is_visible()
    assert page.get_by_text("打印人：王守正").is_visible()
    assert page.locator("nav:visible, button:visible, input:visible").count() == 0
