"""The product under measurement, as its users run it: one worker process on PostgreSQL and Redis, with the case system beside it.

Everything is private to the run: servers on free ports, files in a temporary directory, generated keys.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from foundation.entropy import SystemEntropy
from gateway.demo.environment import demo_environment, new_keys, write_environment
from gateway.demo.places import Places
from gateway.demo.world import adapters_at
from gateway.migrations import upgrade
from gateway.settings import ENV_FILE, PREFIX, load_settings
from loadtests.cores import Cores, bind
from loadtests.measure import Target
from loadtests.populate import RAISED_LIMITS, open_cases, populate
from loadtests.scenarios import hold_all
from loadtests.servers import PostgresServer, RedisServer, ServerFailed
from loadtests.world import World

LOOPBACK = "127.0.0.1"
READY_S = 30.0
STOP_S = 15.0
_POLL_S = 0.004
_DATABASE = "renzheng_bench"
_BASE_PORTS = range(21_000, 29_000, 40)


@dataclass(frozen=True, slots=True)
class Installation:
    """A migrated and populated database with the settings that lead to it."""

    directory: Path
    settings_file: Path
    places: Places
    world: World
    cores: Cores | None

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment of the product's processes; settings of the calling shell do not reach in."""
        return clean_environment() | {ENV_FILE: str(self.settings_file)}


@dataclass(frozen=True, slots=True)
class Running:
    """A server process that answers."""

    target: Target
    process: "subprocess.Popen[bytes]"
    ready_after_s: float


@contextlib.contextmanager
def installed(
    postgres: PostgresServer, redis: RedisServer, *, directory: Path, cores: Cores | None
) -> Iterator[Installation]:
    """Migrate, populate and start the simulators; they end with the block."""
    places = Places.at(free_base_port())
    postgres.create_database(_DATABASE)
    settings_file = directory / "renzheng.env"
    variables = demo_environment(
        new_keys(SystemEntropy()),
        places=places,
        adapters=adapters_at(places),
        database_url=postgres.url(_DATABASE),
        redis_url=redis.url(),
    )
    write_environment(settings_file, {**variables, **RAISED_LIMITS, "RENZHENG_LOG_LEVEL": "warning"})
    environment = clean_environment() | {ENV_FILE: str(settings_file)}
    upgrade(variables["RENZHENG_DATABASE_URL"])
    simulate = ["simulate", "all", "--base-port", str(places.base_port), "--issuer", places.issuer]
    with serving(
        simulate, f"{places.url_of('matters')}/_health", environment, log=directory / "simulators.log"
    ) as beside:
        world = asyncio.run(_fill(settings_file, beside.target))
        yield Installation(directory, settings_file, places, world, cores)


async def _fill(settings_file: Path, matters: Target) -> World:
    world = await populate(load_settings(settings_file, environ={}))
    await hold_all(open_cases(world), matters)
    return world


@contextlib.contextmanager
def serving_product(
    installation: Installation, *, profile: Path | None = None, light_hashing: bool = False
) -> Iterator[Running]:
    """Run `renzheng serve` with one worker; with `profile`, under the sampling profiler that writes there."""
    preparations = ["--profile", str(profile)] if profile else []
    preparations += ["--light-hashing"] if light_hashing else []
    with serving(
        ["serve"],
        f"{installation.places.issuer}/readyz",
        installation.environment,
        log=installation.directory / "renzheng.log",
        cores=installation.cores,
        program=("loadtests.launch", *preparations) if preparations else ("gateway.cli",),
    ) as running:
        yield running


@contextlib.contextmanager
def serving(
    arguments: Sequence[str],
    ready_url: str,
    environment: Mapping[str, str],
    *,
    log: Path,
    cores: Cores | None = None,
    program: Sequence[str] = ("gateway.cli",),
) -> Iterator[Running]:
    """Start `python -m <program> <arguments>`, wait until the address answers 200, and end it with the block.

    With `cores`, it gets the server's core. ServerFailed when it ends by itself or does not answer in 30 s.
    """
    begun = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    try:
        if cores is not None:
            bind(process.pid, cores.server)
        _await_ready(process, ready_url, log)
        port = int(ready_url.split("/")[2].rpartition(":")[2])
        yield Running(Target(port, process.pid), process, time.perf_counter() - begun)
    finally:
        _stop(process)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without settings of the product."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def free_base_port() -> int:
    """Return a base port above which every port of the product and its simulators is free."""
    for base in _BASE_PORTS:
        if all(_is_free(port) for port in Places.at(base).ports().values()):
            return base
    raise ServerFailed("no range of free ports was found")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _await_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise ServerFailed(f"nothing answers at {url}:\n{tail}")
        time.sleep(_POLL_S)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
