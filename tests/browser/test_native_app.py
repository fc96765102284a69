"""Native applications on loopback addresses in a real Chromium (RFC 8252 §7.3): the policy of our pages lets their answers through."""

import base64
import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.gateway.town import Town, running_town
from tests.servers import SQLiteDatabases, Stack, leave_out

CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
HOSTS = {"127.0.0.1": socket.AF_INET, "[::1]": socket.AF_INET6}


class _App(BaseHTTPRequestHandler):
    """The application's own little server."""

    def do_GET(self) -> None:
        """Say that the answer arrived."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"arrived")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def town(sqlite_databases: SQLiteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The product with its simulators."""
    folder = tmp_path_factory.mktemp("native")
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


@pytest.fixture(scope="module")
def client_id(town: Town) -> str:
    """A native application that registered itself: without a port, since it does not know it beforehand."""
    wanted: dict[str, Any] = {
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/cb", "http://[::1]/cb"],
        "client_name": "窗口助手",
        "client_name#en": "Counter assistant",
        "scope": "openid profile",
    }
    headers = {"Authorization": f"Bearer {town.world['invitations']['baseline']}"}
    made = httpx2.post(town.url("/oauth/register"), json=wanted, headers=headers, trust_env=False)
    assert made.status_code == 201, made.text
    return str(made.json()["client_id"])


@pytest.fixture(params=HOSTS)
def callback(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the application this time; its port is chosen anew at every start."""

    class Server(HTTPServer):
        address_family = HOSTS[request.param]

    try:
        server = Server((request.param.strip("[]"), 0), _App)
    except OSError:
        if Server.address_family != socket.AF_INET6:
            raise
        leave_out("this machine has no IPv6")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://{request.param}:{server.server_port}/cb"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_answer_arrives_by_every_form(
    town: Town, chromium: Browser, client_id: str, callback: str, scripts: bool
) -> None:
    """R17: after the consent page, and after a sign-in with which nothing is asked any more."""
    context = chromium.new_context(java_script_enabled=scripts)
    context.set_default_timeout(15_000)
    page = context.new_page()
    blocked: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            blocked.append(message.text)

    page.on("console", hear)
    person = town.person("zhoujingyan")
    page.goto(_request_of(town, client_id, callback, prompt="consent"))
    _sign_in(page, person)
    page.locator("button[name=decision][value=yes]").click()
    _expect_code(page, callback)
    page.goto(_request_of(town, client_id, callback, prompt="login"))
    _sign_in(page, person)
    _expect_code(page, callback)
    assert blocked == []
    context.close()


def _sign_in(page: Page, person: Any) -> None:
    page.fill("#f-identifier", person["user_name"])
    page.fill("#f-password", person["password"])
    page.locator("main form button.btn-main").first.click()


def _expect_code(page: Page, callback: str) -> None:
    page.wait_for_url(f"{callback}?*")
    assert "code" in parse_qs(urlsplit(page.url).query)


def _request_of(town: Town, client_id: str, callback: str, **changed: str) -> str:
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": callback,
        "scope": "openid profile",
        "state": "s",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return town.url(f"/oauth/authorize?{urlencode(asked | changed)}")
