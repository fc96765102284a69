"""Starting and ending `renzheng` processes for the stories, never left behind."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2

from gateway.demo.places import Places
from gateway.demo.supervisor import PortTaken, check_ports

COMMAND_S = 120
READY_S = 60
STOP_S = 20
BASE_PORTS = range(20_000, 32_000, 20)


def clean_environment(**settings: str) -> dict[str, str]:
    """This process's environment without settings of the product, plus the given ones."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RENZHENG_")} | settings


def run_renzheng(*arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end and return it with its output."""
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )


@contextmanager
def running_renzheng(*arguments: str, environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a serving command while the block lasts; it gets SIGTERM, and SIGKILL when that is not enough."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", *arguments],
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_answer(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return when the address answers 200; fails with the log when the process ends or a minute passes."""
    deadline = time.monotonic() + READY_S
    with httpx2.Client(timeout=2.0, trust_env=False) as client:
        while True:
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            alive = process.poll() is None and time.monotonic() < deadline
            assert alive, f"{url} does not answer:\n{log.read_text(errors='replace')[-4000:]}"
            time.sleep(0.1)


def free_base_port() -> int:
    """A base port above which every port of a demo was free a moment ago.

    It lies below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 on macOS), so that no connection takes
    one of them before the demo does, and is drawn by chance, so that neighbouring runs seldom meet.
    """
    bases = random.sample(BASE_PORTS, len(BASE_PORTS))
    for base in bases:
        try:
            check_ports(Places.at(base).ports())
        except PortTaken:
            continue
        return base
    raise AssertionError("no run of free ports")
