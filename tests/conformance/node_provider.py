"""The npm package `oidc-provider` as the provider under test: a certified implementation that the port is held against.

It is installed by name and version, checked by the hashes of `peers/package-lock.json`, into `.conformance/` of the checkout.
"""

import fcntl
import functools
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from foundation.clock import system_clock
from gateway.stories.browser import Browser, Page
from loadtests.servers import free_port
from tests.conformance.certificates import new_certificate
from tests.conformance.listener import Listener
from tests.conformance.op import BackChannel, new_http
from tests.conformance.registrations import (
    OWN_MEMBERS,
    ROLES,
    RP,
    ClientCertificate,
    RegisteredClient,
    metadata_of,
    new_signing_key,
    public_jwks,
)
from tests.servers import leave_out

PEERS = Path(__file__).parent / "peers"
INSTALLED = Path(__file__).parents[2] / ".conformance"
INSTALL_S, START_S = 240, 40
PEOPLE = ("zhaojing", "qianshouzhuo")


@dataclass
class NodeOp:
    """Satisfies `Op`."""

    issuer: str
    control: str
    http: BackChannel
    clients: Mapping[str, RegisteredClient]
    initial_access_token: str
    listener: Listener
    name: str = "oidc-provider"
    takes_form_token: bool = True
    offset: timedelta = timedelta()

    def client(self, role: str) -> RegisteredClient:
        """Return the client of a role."""
        return self.clients[role]

    def sign_in(self, browser: Browser, page: Page, person: int) -> Page | None:
        """Its development page believes any password."""
        if not page.has_form("login", "password"):
            return None
        return browser.submit(page, page.form("login", "password"), {"login": PEOPLE[person], "password": "any"})

    def decide(self, browser: Browser, page: Page, *, agree: bool) -> Page | None:
        """Its development page has a button to continue and a link to give up."""
        if not page.has_form("prompt") or page.has_form("password"):
            return None
        if agree:
            return browser.submit(page, page.form("prompt"))
        return browser.follow_link(page, urlsplit(page.url).path + "/abort")

    def confirm_logout(self, browser: Browser, page: Page) -> Page | None:
        """Its page asks with a form of two buttons that belong to it by id."""
        if not page.has_form("xsrf"):
            return None
        return browser.submit(page, page.form("xsrf"), button="yes")

    def is_error_page(self, page: Page) -> bool:
        """Its error pages have a status of the 400s."""
        return page.location is None and 400 <= page.status < 500

    def is_after_logout(self, page: Page) -> bool:
        """Its result page has a path of its own."""
        return page.status == 200 and urlsplit(page.url).path.endswith("/end/success")

    def now(self) -> datetime:
        """Its clock, as far as it was moved."""
        return system_clock() + self.offset

    @contextmanager
    def later(self, by: timedelta) -> Iterator[None]:
        """Move its clock."""
        self._move(self.offset + by)
        try:
            yield
        finally:
            self._move(self.offset - by)

    def register(self, metadata: Mapping[str, Any]) -> httpx2.Response:
        """Ask the registration endpoint (RFC 7591 §3.1)."""
        sent = {name: value for name, value in metadata.items() if name not in OWN_MEMBERS}
        endpoint = self.http.get(f"{self.issuer}/.well-known/openid-configuration").json()["registration_endpoint"]
        headers = {"Authorization": f"Bearer {self.initial_access_token}"}
        return self.http.client.post(endpoint, json=sent, headers=headers)

    def answer_decoupled(self, browser: Browser, auth_req_id: str, *, agree: bool) -> None:
        """It leaves the person's device to who embeds it: here the control port."""
        answer = self.http.get(f"{self.control}/decide?auth_req_id={auth_req_id}&agree={str(agree).lower()}")
        assert answer.status_code == 200

    def publish(self, path: str, document: Any) -> str:
        """It asks for TLS everywhere, so its fetches of the relying party's host are led to the listener."""
        self.listener.publish(path, document)
        return RP + path

    def rotate_keys(self) -> None:
        """Its keys are those that it was started with."""
        raise AssertionError("oidc-provider has no rotation while it runs")

    def initiated_login(self, role: str) -> str:
        """It keeps the address and leaves everything else to who embeds it."""
        raise AssertionError("oidc-provider begins no sign-in by itself")

    def _move(self, offset: timedelta) -> None:
        self.offset = offset
        answer = self.http.get(f"{self.control}/clock?offset={offset.total_seconds()}")
        assert answer.status_code == 200


@contextmanager
def running_node_provider(folder: Path, listener: Listener) -> Iterator[NodeOp]:
    """Run it with the clients of the port while the block lasts."""
    modules = installed_peers()
    clients = {}
    registered = []
    for role in ROLES:
        for name in (role, f"{role}-2"):
            clients[name], document = _client(
                name, metadata_of(role, f"rp-{name}", f"{listener.url}/node", f"{RP}/node")
            )
            registered.append(document)
    port, control_port, token = free_port(), free_port(), secrets.token_urlsafe(16)
    settings = {
        "port": port,
        "controlPort": control_port,
        "clients": registered,
        "initialAccessToken": token,
        "rp": [RP, listener.url],
    }
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    log = folder / "node.log"
    with log.open("wb") as output, new_http() as client:
        process = subprocess.Popen(
            [_program("node"), str(modules / "provider.mjs"), str(folder / "config.json")],
            cwd=modules,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        issuer = f"http://127.0.0.1:{port}"
        op = NodeOp(issuer, f"http://127.0.0.1:{control_port}", BackChannel(client, _header), clients, token, listener)
        try:
            _await_answer(f"{issuer}/.well-known/openid-configuration", process, log, client)
            yield op
        finally:
            process.kill()
            process.wait()


def installed_peers() -> Path:
    """Return the directory in which the packages stand, after installing them once; leaves the test out with the reason when that
    cannot be."""
    _program("node")
    reason = _why_not_installed()
    if reason is not None:
        leave_out(reason)
    return INSTALLED


@functools.cache
def _why_not_installed() -> str | None:
    INSTALLED.mkdir(exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (PEERS / "package-lock.json").read_bytes()
        stamp = INSTALLED / "installed.json"
        for file in PEERS.iterdir():
            shutil.copyfile(file, INSTALLED / file.name)
        if stamp.exists() and stamp.read_bytes() == wanted:
            return None
        try:
            done = subprocess.run(
                [_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=INSTALLED,
                capture_output=True,
                text=True,
                timeout=INSTALL_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"npm did not install the other parties in {INSTALL_S} s"
        if done.returncode != 0:
            return f"npm could not install the other parties: {' '.join(done.stderr.split())[:300]}"
        stamp.write_bytes(wanted)
    return None


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        leave_out(f"{name} is not installed")
    return found


def _client(name: str, metadata: Mapping[str, Any]) -> tuple[RegisteredClient, dict[str, Any]]:
    key = new_signing_key(name)
    secret = (
        secrets.token_urlsafe(32) if str(metadata["token_endpoint_auth_method"]).startswith("client_secret") else None
    )
    is_high = str(metadata["policy"]).startswith("high")
    document = {
        # What our policies say of every client of theirs, each client says of itself here.
        **({"require_pushed_authorization_requests": True} if is_high else {}),
        "authorization_signed_response_alg": "ES256",
        "id_token_signed_response_alg": "ES256",
        **{member: value for member, value in metadata.items() if member not in OWN_MEMBERS and value is not None},
        "client_id": f"rp-{name}",
        "scope": f"{metadata['scope']} email address",
        "jwks": public_jwks(key),
    }
    if secret is not None:
        document["client_secret"] = secret
    return RegisteredClient(f"rp-{name}", secret, metadata, key, new_certificate(f"rp-{name}")), document


def _header(certificate: ClientCertificate) -> Mapping[str, str]:
    return {"X-Client-Certificate": quote(certificate.certificate)}


def _await_answer(url: str, process: "subprocess.Popen[bytes]", log: Path, client: httpx2.Client) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            if client.get(url).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        alive = process.poll() is None and time.monotonic() < deadline
        assert alive, f"oidc-provider does not answer:\n{log.read_text(errors='replace')[-4000:]}"
        time.sleep(0.05)
