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
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from foundation.entropy import SystemEntropy
from loadtests.calls import Call, Conversation, WrongAnswer, expect
from loadtests.conversations import json_text
from loadtests.cores import Cores, bind
from loadtests.measure import Target
from loadtests.servers import free_port

PEER = "oidc-provider (memory)"
_SOURCES = Path(__file__).parent / "peers"
_INSTALLED = Path(__file__).parents[1] / ".peers"
_INSTALL_S, _START_S = 240.0, 20.0


class PeerMissing(Exception):
    """The peer cannot be run on this machine; the text says why."""


class Peer:
    """The running peer, and what its two clients ask of it."""

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

    def _basic(self, client_id: str) -> dict[str, str]:
        pair = f"{client_id}:{self._secret}".encode()
        return {"authorization": "Basic " + base64.b64encode(pair).decode()}


@contextlib.contextmanager
def running_peer(*, cores: Cores | None, log: Path) -> Iterator[Peer]:
    """Install the peer if need be, start it, and end it with the block; raises PeerMissing."""
    node = _program("node")
    _install()
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


def _install() -> None:
    _INSTALLED.mkdir(exist_ok=True)
    wanted, stamp = (_SOURCES / "package-lock.json").read_bytes(), _INSTALLED / "installed.json"
    for file in _SOURCES.iterdir():
        shutil.copyfile(file, _INSTALLED / file.name)
    if stamp.exists() and stamp.read_bytes() == wanted:
        return
    try:
        done = subprocess.run(
            [_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
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
