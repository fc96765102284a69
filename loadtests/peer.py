"""The certified provider beside which ours is measured: npm `oidc-provider`, keeping everything in memory, on the server's core.

It is installed by name and version, checked by the hashes of `peers/package-lock.json`, into `.peers/` of the checkout. Where Node or a
package registry is missing, it is left out, which one line says.
"""

import base64
import contextlib
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

from foundation.entropy import SystemEntropy
from loadtests.calls import Call, Conversation, WrongAnswer, expect
from loadtests.conversations import SCOPE, Browser, challenge_of, code_of, json_text, new_verifier
from loadtests.cores import Cores, bind
from loadtests.measure import Target
from loadtests.servers import free_port
from loadtests.sign_in import place_of

PEER = "oidc-provider (memory)"
_SOURCES = Path(__file__).parent / "peers"
_INSTALLED = Path(__file__).parents[1] / ".peers"
_REDIRECT_URI = "http://127.0.0.1:9/callback"
_INSTALL_S, _START_S = 120.0, 20.0


class PeerMissing(Exception):
    """The peer cannot be run on this machine; the text says why."""


class Peer:
    """The running peer, and what its clients ask of it."""

    def __init__(self, target: Target, secret: str) -> None:
        self.target = target
        self._secret = secret

    def ask_for_token(self, client_id: str = "backend", heard: list[str] | None = None) -> Conversation:
        """Get an access token: an ES256 JWT for `backend`, a reference for `opaque`; it is appended to `heard`."""
        form = urlencode({"grant_type": "client_credentials", "scope": "license.lookup"}).encode()
        reply = yield Call("POST", "/token", self._basic(client_id), form)
        expect(reply, 200, "token")
        token = json_text(reply, "access_token")
        if not token or (client_id == "backend" and token.count(".") != 2):
            raise WrongAnswer("token: not of the wanted form")
        if heard is not None:
            heard.append(token)

    def introspect(self, token: str) -> Conversation:
        """Ask whether a reference is alive; it has to be."""
        reply = yield Call("POST", "/token/introspection", self._basic("opaque"), urlencode({"token": token}).encode())
        expect(reply, 200, "introspection")
        if b'"active":true' not in reply.body:
            raise WrongAnswer("introspection: a live token is called dead")

    def sign_in_round(self, account: str) -> Conversation:
        """The whole way of somebody who is not signed in, in the same six requests as at the product.

        Authorize, sign-in page, password, back to the authorization with its remembered consent, code for tokens, userinfo.
        """
        browser, verifier = Browser(), new_verifier()
        query = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": _REDIRECT_URI,
            "scope": SCOPE,
            "state": verifier[:16],
            "nonce": verifier[16:32],
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        reply = yield Call("GET", f"/auth?{urlencode(query)}")
        browser.hear(reply)
        page = place_of(reply, "/interaction")
        reply = yield Call("GET", page, browser.headers())
        expect(reply, 200, "sign-in page")
        if b'name="password"' not in reply.body:
            raise WrongAnswer("sign-in page: no field for the password")
        form = {"login": account, "password": self._secret}
        reply = yield Call("POST", page, browser.headers(), urlencode(form).encode())
        reply = yield Call("GET", place_of(reply, "/auth"), browser.headers())
        form = {
            "grant_type": "authorization_code",
            "code": code_of(reply, _REDIRECT_URI),
            "redirect_uri": _REDIRECT_URI,
            "code_verifier": verifier,
        }
        reply = yield Call("POST", "/token", self._basic("app"), urlencode(form).encode())
        expect(reply, 200, "token")
        if not json_text(reply, "id_token"):
            raise WrongAnswer("token: no ID token")
        reply = yield Call("GET", "/me", {"authorization": f"Bearer {json_text(reply, 'access_token')}"})
        expect(reply, 200, "userinfo")
        if not json_text(reply, "name"):
            raise WrongAnswer("userinfo: no name")

    def _basic(self, client_id: str) -> dict[str, str]:
        pair = f"{client_id}:{self._secret}".encode()
        return {"authorization": "Basic " + base64.b64encode(pair).decode()}


@contextlib.contextmanager
def running_peer(*, cores: Cores | None, log: Path, say: Callable[[str], None] = print) -> Iterator[Peer]:
    """Install the peer if need be, which is said, start it, and end it with the block; raises PeerMissing."""
    node = _program("node")
    _install(say)
    port, secret = free_port(), SystemEntropy().token()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [node, str(_INSTALLED / "provider.mjs"), str(port), secret],
            cwd=_INSTALLED,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        if cores is not None:
            bind(process.pid, cores.server)
        _await_answer(f"http://127.0.0.1:{port}/.well-known/openid-configuration", process)
        yield Peer(Target(port, process.pid), secret)
    finally:
        process.kill()
        process.wait()


def _install(say: Callable[[str], None]) -> None:
    _INSTALLED.mkdir(exist_ok=True)
    wanted, stamp = (_SOURCES / "package-lock.json").read_bytes(), _INSTALLED / "installed.json"
    for file in _SOURCES.iterdir():
        shutil.copyfile(file, _INSTALLED / file.name)
    if stamp.exists() and stamp.read_bytes() == wanted:
        return
    npm = _program("npm")
    say(f"installing oidc-provider into {_INSTALLED.name}, once")
    try:
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"],
            cwd=_INSTALLED,
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise PeerMissing("its packages could not be fetched in time") from late
    if done.returncode != 0:
        raise PeerMissing("its packages could not be installed")
    stamp.write_bytes(wanted)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise PeerMissing(f"{name} is not installed")
    return found


def _await_answer(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - a loopback address of our own
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise PeerMissing("it does not start")
        time.sleep(0.05)
