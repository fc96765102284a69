"""The parent of the demo: starts the product and its neighbours as child processes, waits, and ends them
together.

Children lead sessions of their own, so that Ctrl-C reaches the parent alone and the parent ends them in
order. Where `setpriv`
exists (Linux) the kernel also ends them when the parent was killed.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import httpx2

from gateway.demo.places import LOOPBACK

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
_LOG_TAIL = 3_000


class PortTaken(Exception):
    """A port that the demo needs is in use; `name` is who was to listen there."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__(f"port {port} ({name}) is taken")
        self.name = name
        self.port = port


class ChildFailed(Exception):
    """A child process ended by itself or did not become ready; the text ends with the tail of its log."""


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """One child process: its arguments for `renzheng`, and the addresses that answer 200 once it is ready."""

    name: str
    arguments: Sequence[str]
    ready_urls: Sequence[str]
    log: Path


@dataclass(slots=True)
class Child:
    """A running child process."""

    plan: ChildPlan
    process: "subprocess.Popen[bytes]"

    def log_tail(self) -> str:
        """Return the end of what the child wrote."""
        return self.plan.log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:]


def check_ports(ports: Mapping[str, int]) -> None:
    """Raise PortTaken for the first port that cannot be listened on."""
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                raise PortTaken(name, port) from None


def start_child(plan: ChildPlan, environment: Mapping[str, str]) -> Child:
    """Start one child with its log in a file; it is not awaited."""
    with plan.log.open("wb") as log:
        process = subprocess.Popen(
            [*_tether(), sys.executable, "-m", "gateway.cli", *plan.arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    return Child(plan, process)


def await_ready(children: Sequence[Child], *, still_wanted: Callable[[], bool]) -> None:
    """Return when every child answers; ChildFailed when one ends or 30 s pass."""
    deadline = time.monotonic() + READY_SECONDS
    waiting = [(child, url) for child in children for url in child.plan.ready_urls]
    with httpx2.Client(timeout=2.0, trust_env=False) as client:
        while waiting and still_wanted():
            check_alive(children)
            if time.monotonic() > deadline:
                child, url = waiting[0]
                raise ChildFailed(f"{child.plan.name} does not answer at {url}:\n{child.log_tail()}")
            waiting = [(child, url) for child, url in waiting if not _answers(client, url)]
            time.sleep(POLL_SECONDS)


def check_alive(children: Sequence[Child]) -> None:
    """Raise ChildFailed when a child has ended."""
    for child in children:
        if (code := child.process.poll()) is not None:
            raise ChildFailed(f"{child.plan.name} ended with {code}:\n{child.log_tail()}")


def stop_children(children: Sequence[Child]) -> None:
    """End all children cleanly, and those that do not end in 10 s at once."""
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


class StopSignal:
    """Remembers that SIGINT, SIGTERM or SIGHUP came; used by the parent in place of exceptions anywhere."""

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)
        # Whoever starts the demo with nohup wants it to outlive the terminal.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True


def _answers(client: httpx2.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx2.HTTPError:
        return False


def _tether() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig=TERM", "--"] if setpriv else []
