"""The answer to an application as a form, in a real Chromium: with and without scripts, and with a `state` that tries to become one.

The policy of the page is enforced by the browser: the form reaches the application because the page allows its origin, and no other.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from gateway.stories.browser import Browser as PlainBrowser
from tests.gateway.town import Town, running_town
from tests.servers import SQLiteDatabases, Stack

APP = "housing-app"
HOSTILE = '"><script>document.title="taken"</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def town(sqlite_databases: SQLiteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The product with its simulators."""
    folder = tmp_path_factory.mktemp("form-post")
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


@pytest.fixture
def asked(town: Town) -> str:
    """What the app asks for, but without pages and answered as a form: then it is told that a sign-in is needed."""
    return _request_of(town, response_mode="form_post", prompt="none", state=HOSTILE)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_button_takes_the_answer_to_the_app(town: Town, chromium: Browser, asked: str, scripts: bool) -> None:
    """R28, Form Post Response Mode §4: every value arrives as it is, nothing of it runs, and nothing is blocked."""
    context = chromium.new_context(java_script_enabled=scripts)
    context.set_default_timeout(15_000)
    page = context.new_page()
    blocked = _listen(page)
    shown = page.goto(asked)
    assert shown is not None
    assert shown.headers["cache-control"] == "no-store"
    assert page.title() != "taken"
    expect(page.locator("h1")).to_contain_text("没有完成")
    assert page.locator("form script, form img").count() == 0
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="返回应用").click()
    request = sent.value
    assert request.url == f"{town.app(APP)}/callback"
    fields = {name: values[0] for name, values in parse_qs(request.post_data or "").items()}
    assert fields == {
        "error": "login_required",
        "error_description": "Sign-in required",
        "state": HOSTILE,
        "iss": town.issuer,
    }
    assert blocked == []
    context.close()


def test_the_form_reaches_no_other_origin(town: Town, chromium: Browser, asked: str) -> None:
    """A form on the page that leads elsewhere is stopped by the browser."""
    context = chromium.new_context()
    page = context.new_page()
    blocked = _listen(page)
    page.goto(asked)
    page.evaluate("() => { document.querySelector('main form').action = 'http://127.0.0.1:9/elsewhere'; }")
    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.evaluate("() => { document.querySelector('main form').requestSubmit(); }")
    assert page.url == asked
    assert any("form-action" in message for message in blocked)
    context.close()


def test_a_success_goes_on_by_itself(town: Town, chromium: Browser) -> None:
    """With scripts nobody presses a button after a sign-in, neither the first time nor when the session does for it."""
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(_request_of(town, response_mode="form_post"))
    person = town.person("zhoujingyan")
    page.fill("#f-identifier", person["user_name"])
    page.fill("#f-password", person["password"])
    with page.expect_request(_is_answer(town)):
        page.locator("main form button.btn-main").first.click()
        if "/consent" in page.url:
            for box in page.locator("input[name=claims]").all():
                box.check()
            page.locator("button[name=decision][value=yes]").click()
    page.wait_for_load_state()
    with page.expect_request(_is_answer(town)) as sent:
        page.goto(_request_of(town, response_mode="form_post"), wait_until="commit")
    assert "code" in parse_qs(sent.value.post_data or "")
    context.close()


def _is_answer(town: Town) -> Callable[[Request], bool]:
    return lambda request: request.method == "POST" and request.url == f"{town.app(APP)}/callback"


def _request_of(town: Town, **changed: str) -> str:
    plain = PlainBrowser()
    address = plain.open(f"{town.app(APP)}/sign-in").location
    plain.close()
    assert address is not None
    parts = urlsplit(address)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **changed})).geturl()


def _listen(page: Page) -> list[str]:
    blocked: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            blocked.append(message.text)

    page.on("console", hear)
    return blocked
