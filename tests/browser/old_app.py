"""An app of the old kind in its own server: it ends its session when a browser frames its address, and watches ours by message.

Its cookie is sent to frames on other sites, as such apps need it; what ended is known by the `sid` alone.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID = "old-app"
READY_S = 10.0

# What Session Management §3.1 has an app do: ask the frame from time to time, and write down each answer.
_WATCHING = """<!doctype html><title>watching</title><p id="answer">none</p>
<iframe id="op" src="{frame}" hidden></iframe>
<script>
const op = document.getElementById("op"), shown = document.getElementById("answer");
addEventListener("message", (event) => {{ if (event.origin === "{origin}") shown.textContent = event.data; }});
window.ask = (text) => op.contentWindow.postMessage(text, "{origin}");
window.asking = setInterval(() => window.ask("{client_id} {state}"), 200);
</script>"""


@dataclass
class OldApp:
    """The app: where it is, who the provider is, and which of its sessions live."""

    base_url: str
    issuer: str
    secret: str
    live: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    framed: list[dict[str, str]] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Return the address of one of its pages."""
        return f"{self.base_url}{path}"

    def app(self) -> Starlette:
        """Return its pages."""
        return Starlette(
            routes=[
                Route("/", self._home),
                Route("/sign-in", self._sign_in),
                Route("/cb", self._callback),
                Route("/out", self._out),
                Route("/watch", self._watch),
            ]
        )

    def _session_of(self, request: Request) -> str | None:
        sid = request.cookies.get("old_app", "")
        return sid if sid in self.live else None

    async def _home(self, request: Request) -> Response:
        return HTMLResponse(f"<h1>{'signed in' if self._session_of(request) else 'signed out'}</h1>")

    async def _sign_in(self, request: Request) -> Response:
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.url("/cb"),
            "scope": "openid",
            "state": verifier,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return RedirectResponse(f"{self.issuer}/oauth/authorize?{urlencode(asked)}", 303)

    async def _callback(self, request: Request) -> Response:
        form = {
            "grant_type": "authorization_code",
            "code": request.query_params["code"],
            "redirect_uri": self.url("/cb"),
            "code_verifier": request.query_params["state"],
        }
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.issuer}/oauth/token", data=form, auth=(CLIENT_ID, self.secret))
        id_token: str = answer.json()["id_token"]
        sid = _claims(id_token)["sid"]
        self.live[sid] = id_token
        self.states[sid] = request.query_params["session_state"]
        response = RedirectResponse(self.url("/"), 303)
        response.headers.append("set-cookie", f"old_app={sid}; Path=/; Secure; SameSite=None")
        return response

    async def _out(self, request: Request) -> Response:
        """Front-Channel Logout §2: end the session that `iss` and `sid` name."""
        self.framed.append(dict(request.query_params))
        if request.query_params["iss"] == self.issuer:
            self.live.pop(request.query_params["sid"], None)
        return HTMLResponse("<p>out</p>", headers={"Cache-Control": "no-store"})

    async def _watch(self, request: Request) -> Response:
        state = self.states[request.cookies["old_app"]]
        page = _WATCHING.format(
            frame=f"{self.issuer}/oauth/session", origin=self.issuer, client_id=CLIENT_ID, state=state
        )
        return HTMLResponse(page)


@contextmanager
def served(app: Starlette, port: int) -> Iterator[None]:
    """Serve an app on a loopback port while the block lasts."""
    server = _QuietServer(
        uvicorn.Config(app, host="127.0.0.1", port=port, ws="none", log_level="critical", access_log=False)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    deadline = threading.Event()
    for _ in range(int(READY_S / 0.05)):
        if server.started:
            break
        deadline.wait(0.05)
    assert server.started, "the app did not come up in time"
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


class _QuietServer(uvicorn.Server):
    """A server that leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
