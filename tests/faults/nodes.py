"""A town of its own for fault and attack tests: two nodes of the product, PostgreSQL, Redis, and the outside world.

Every part is a real process on a free loopback port, so that it can be killed, frozen and brought back. A town is started once for
each worker of the test run and always ends with it. Tests that break something bring it back before they end.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from typing import Any

import httpx2
import pytest

from foundation.entropy import SystemEntropy
from gateway.demo.environment import demo_environment, new_keys, write_environment
from gateway.demo.places import Places
from gateway.demo.world import adapters_at
from gateway.migrations import upgrade
from gateway.settings import ENV_FILE
from idp.provider.scopes import LICENSE_LOOKUP
from loadtests.servers import LocalProcess, PostgresServer, RedisServer, free_port, run_postgres, run_redis
from tests.faults.population import RAISED_LIMITS, Population, populate
from tests.servers import leave_out, servers_installed
from tests.stories.processes import clean_environment, free_base_port

NODES = 2
DATABASE = "town"
PROBE_S = 1.0
START_S = 90.0
"""For a machine that does a lot beside; a node that is alone needs two seconds."""
_towns: list["Town"] = []


@dataclass(frozen=True)
class Node:
    """One `renzheng serve` process. All nodes serve the same issuer; a request says by its port which one it is for."""

    port: int
    process: LocalProcess

    @property
    def url(self) -> str:
        """Where this node listens; the Host header still has to name the issuer."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End the node with SIGKILL."""
        self.process.kill()

    def start(self) -> None:
        """Start the node; it answers when `Town.await_ready` has returned.

        Called from the main thread: where `setpriv` exists, a child ends with the thread that started it.
        """
        self.process.start()


@dataclass(frozen=True)
class Town:
    """Everything that runs, and what is known about the people in it."""

    places: Places
    nodes: Sequence[Node]
    simulators: LocalProcess
    postgres: PostgresServer
    redis: RedisServer
    settings_file: Path
    variables: Mapping[str, str]
    population: Population

    @property
    def issuer(self) -> str:
        """The address under which the product is known to browsers and applications."""
        return self.places.issuer

    @property
    def host(self) -> str:
        """The Host header of every request to the product."""
        return self.issuer.partition("//")[2]

    @property
    def world(self) -> Mapping[str, Any]:
        """The content of world.json."""
        return self.population.world

    async def brought_back(self, *, within: float) -> float:
        """As `await_ready`, without holding up the event loop."""
        return await asyncio.to_thread(self.await_ready, seconds=within)

    def logs(self) -> str:
        """Everything that the nodes have logged so far."""
        return "".join(node.process.log_path.read_text(errors="replace") for node in self.nodes)

    def await_ready(self, *, seconds: float = START_S) -> float:
        """Return after how many seconds every node says that it is ready; fails when one does not in time."""
        began = time.monotonic()
        for node in self.nodes:
            while not is_ready(node.port, self.host):
                waited = time.monotonic() - began
                assert waited < seconds, f"{node.url} is not ready after {seconds:g} s:\n{node.process.log_tail()}"
                time.sleep(0.05)
        return time.monotonic() - began


def the_town(config: pytest.Config) -> Town:
    """Return the town of this worker, started with the first test that asks for it."""
    if not servers_installed():
        leave_out("PostgreSQL or Redis is not installed")
    if not _towns:
        stack = ExitStack()
        config.add_cleanup(stack.close)
        directory = Path(stack.enter_context(_temporary_directory()))
        _towns.append(stack.enter_context(run_town(directory)))
    return _towns[0]


@contextmanager
def run_town(directory: Path) -> Iterator[Town]:
    """Start everything, let people move in, and end everything with the block."""
    with ExitStack() as stack:
        # Durable, because tests kill it and then ask for what was acknowledged.
        postgres = stack.enter_context(run_postgres(durable=True))
        redis = stack.enter_context(run_redis())
        places = Places.at(free_base_port())
        postgres.create_database(DATABASE)
        variables = _variables(places, postgres, redis)
        settings_file = directory / "renzheng.env"
        write_environment(settings_file, variables)
        upgrade(variables["RENZHENG_DATABASE_URL"])
        simulate = ("simulate", "all", "--base-port", str(places.base_port), "--issuer", places.issuer)
        simulators = _renzheng(directory / "simulators", settings_file, simulate)
        nodes = [
            Node(port, _renzheng(directory / f"node{number}", settings_file, ("serve", "--port", str(port))))
            for number, port in enumerate([places.base_port, *(free_port() for _ in range(NODES - 1))])
        ]
        # All of them start at once, while people move in.
        for process in (simulators, *(node.process for node in nodes)):
            stack.callback(process.stop)
            process.start()
        population = populate(settings_file, places)
        town = Town(places, nodes, simulators, postgres, redis, settings_file, variables, population)
        town.await_ready()
        # The nodes were up before anybody moved in, and hear of it from the change feed, a moment later.
        _await(lambda: all(_knows_newest(node, town) for node in nodes), "what the nodes know of the applications")
        _await(lambda: _answers(f"{places.url_of('sms')}/_health"), "the simulators")
        yield town


def is_ready(port: int, host: str) -> bool:
    """Tell whether the node on this port says that it can serve."""
    return _answers(f"http://127.0.0.1:{port}/readyz", host)


def _await(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_S
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not start"
        time.sleep(0.05)


def _variables(places: Places, postgres: PostgresServer, redis: RedisServer) -> dict[str, str]:
    variables = demo_environment(
        new_keys(SystemEntropy()),
        places=places,
        adapters=adapters_at(places),
        database_url=postgres.url(DATABASE),
        redis_url=redis.url(),
    )
    # The most talkative level, so that a secret which any library would tell is found in the logs.
    return {**variables, **RAISED_LIMITS, "RENZHENG_LOG_LEVEL": "debug"}


def _renzheng(directory: Path, settings_file: Path, arguments: Sequence[str]) -> LocalProcess:
    directory.mkdir()
    surroundings = clean_environment(**{ENV_FILE: str(settings_file)})
    # `env` replaces itself by the program, so that signals reach the program alone.
    assignments = [f"{name}={value}" for name, value in surroundings.items() if "\n" not in value]
    return LocalProcess(
        ["env", "-i", *assignments, f"PYTHONPATH={os.getcwd()}", sys.executable, "-m", "gateway.cli", *arguments],
        directory=directory,
        account=None,
        stop_signal=SIGTERM,
        # What starts is asked by `await_ready`, all of it together.
        is_ready=lambda: True,
    )


def _knows_newest(node: Node, town: Town) -> bool:
    """Tell whether the node lets in the application that was registered last."""
    client_id, secret = list(town.population.client_secrets.items())[-1]
    try:
        answer = httpx2.post(
            f"{node.url}/oauth/token",
            headers={"Host": town.host},
            auth=(client_id, secret),
            data={"grant_type": "client_credentials", "scope": LICENSE_LOOKUP},
            timeout=PROBE_S,
            trust_env=False,
        )
    except httpx2.HTTPError:
        return False
    return answer.status_code == 200


def _answers(url: str, host: str | None = None) -> bool:
    headers = {"Host": host} if host else {}
    try:
        return httpx2.get(url, headers=headers, timeout=PROBE_S, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


@contextmanager
def _temporary_directory() -> Iterator[str]:
    from loadtests.servers.processes import private_directory

    with private_directory("town", None) as path:
        yield str(path)
