"""The story's browser over real HTTP: cookies, origins and redirects as a browser has them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.stories.browser import Browser
from gateway.stories.story import NotAsTold


class _Pages(BaseHTTPRequestHandler):
    """Tells a browser what it sent, and sends it on from /away."""

    def do_GET(self) -> None:
        if self.path.startswith("/away"):
            self.send_response(303)
            self.send_header("Location", "/there?code=secret")
            self.send_header("Set-Cookie", "__Host-x=1; Path=/; Secure; HttpOnly; SameSite=Lax")
            self.end_headers()
            return
        self._show()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self._show(self.rfile.read(length).decode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _show(self, body: str = "") -> None:
        names = ("Cookie", "Origin", "Sec-Fetch-Site")
        told = "|".join(f"{name}={self.headers.get(name, '')}" for name in names)
        page = f'<h1>{told}|{body}</h1><form method="post" action="/post"><input name="a" value="甲"></form>'
        octets = page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


def test_secure_host_cookies_come_back_on_loopback(browser: Browser, address: str) -> None:
    """Loopback is trustworthy to browsers: `Secure` and `__Host-` cookies are sent over plain HTTP there."""
    page = browser.hop(browser.open(f"{address}/away"), f"{address}/there")
    assert "Cookie=__Host-x=1" in page.document.heading


def test_redirect_is_followed_only_where_expected(browser: Browser, address: str) -> None:
    """A redirect elsewhere ends the step, and its query, which may hold a code, is not repeated."""
    away = browser.open(f"{address}/away")
    with pytest.raises(NotAsTold) as told:
        browser.hop(away, f"{address}/elsewhere")
    assert "secret" not in str(told.value)
    with pytest.raises(NotAsTold):
        browser.settle(away, within=["http://127.0.0.1:1"])


def test_form_post_names_its_origin(browser: Browser, address: str) -> None:
    """A form of the same origin says so; the first page of a journey comes from nowhere."""
    page = browser.open(f"{address}/")
    assert "Sec-Fetch-Site=none" in page.document.heading
    sent = browser.submit(page, page.form("a"), altered={"b": ["1", "2"]})
    assert f"Origin={address}" in sent.document.heading
    assert "Sec-Fetch-Site=same-origin" in sent.document.heading
    assert sent.document.heading.endswith("a=%E7%94%B2&b=1&b=2")
