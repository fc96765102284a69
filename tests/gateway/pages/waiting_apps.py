"""Apps of the town that ask on another device: registered where they are needed, and played by plain HTTP."""

import asyncio
import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

from gateway.composition import open_parts
from gateway.settings import load_settings
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.policies import CIBA, DEVICE_CODE
from idp.provider.registration.register import ClientRegistration, register_client
from tests.gateway.town import Town

SCOPES = ("openid", "profile", "phone", "realname", "realname.id")
HEARD_S = 10.0


@dataclass(frozen=True)
class App:
    """One registered app; `secret` is None for a public one."""

    town: Town
    client_id: str
    secret: str | None

    def post(self, path: str, **form: str) -> httpx2.Response:
        """Post a form as this app."""
        if self.secret is None:
            return httpx2.post(self.town.url(path), data={**form, "client_id": self.client_id}, trust_env=False)
        return httpx2.post(self.town.url(path), data=form, auth=(self.client_id, self.secret), trust_env=False)

    def begin(self, **form: str) -> dict[str, Any]:
        """Begin, and return the members of the answer."""
        path = "/oauth/device_authorization" if self.secret is None else "/oauth/ciba"
        answer = self.post(path, **({"scope": "openid profile"} | form))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def poll(self, begun: dict[str, Any]) -> dict[str, Any]:
        """Ask for the tokens and return the members of the answer, also of a refusal."""
        if self.secret is None:
            answer = self.post("/oauth/token", grant_type=DEVICE_CODE, device_code=begun["device_code"])
        else:
            answer = self.post("/oauth/token", grant_type=CIBA, auth_req_id=begun["auth_req_id"])
        body: dict[str, Any] = answer.json()
        return body


def kiosk(town: Town) -> App:
    """Return a self-service terminal of the housing bureau."""
    return _registered(
        town,
        ClientRegistration(
            client_id="test-kiosk",
            name_zh="大厅自助终端",
            name_en="Hall kiosk",
            department_id="",
            application_type="native",
            token_endpoint_auth_method="none",
            grant_types=(DEVICE_CODE,),
            scopes=SCOPES,
        ),
    )


def counter(town: Town, *, notify: str | None = None) -> App:
    """Return a counter of the housing bureau, which polls, or is told at the address `notify`."""
    return _registered(
        town,
        ClientRegistration(
            client_id="test-counter" if notify is None else "test-ringing",
            name_zh="综合受理窗口",
            name_en="Reception counter",
            department_id="",
            application_type="service",
            grant_types=(CIBA,),
            scopes=SCOPES,
            metadata=ClientMetadata(
                backchannel_token_delivery_mode="poll" if notify is None else "ping",
                backchannel_client_notification_endpoint=notify,
            ),
        ),
    )


@dataclass
class Bell:
    """A notification endpoint: what was posted to it, as (Authorization header, body)."""

    url: str
    rung: list[tuple[str, Any]] = field(default_factory=list)

    def wait(self) -> tuple[str, Any]:
        """Return the first notification, waiting a moment for it."""
        deadline = time.monotonic() + HEARD_S
        while not self.rung:
            assert time.monotonic() < deadline, "no notification arrived"
            time.sleep(0.05)
        return self.rung[0]


@contextmanager
def listening_bell() -> Iterator[Bell]:
    """Serve a notification endpoint on a free loopback port while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bell.rung.append((self.headers["Authorization"], json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    bell = Bell(f"http://127.0.0.1:{server.server_port}/ciba")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield bell
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _registered(town: Town, wanted: ClientRegistration) -> App:
    # In a thread of its own: a test with a browser has an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        secret = pool.submit(asyncio.run, _register(town, wanted)).result()
    app = App(town, wanted.client_id, None if wanted.token_endpoint_auth_method == "none" else secret)
    deadline = time.monotonic() + HEARD_S
    path = "/oauth/device_authorization" if secret is None else "/oauth/ciba"
    # The product hears of it from the change feed, a moment later.
    while app.post(path, scope="nothing").status_code == 401:
        assert time.monotonic() < deadline, "the product has not heard of the app"
        time.sleep(0.1)
    return app


async def _register(town: Town, wanted: ClientRegistration) -> str | None:
    async with open_parts(load_settings(town.settings_file, environ={}), background=False) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        made = await register_client(
            dataclasses.replace(wanted, department_id=housing.department_id),
            db=parts.db,
            ledger=parts.ledger,
            entropy=parts.entropy,
            actor="system:test",
            now=parts.clock(),
        )
        return made.secret
