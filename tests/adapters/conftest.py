"""Simulators on real ports, the clients that speak to them, and clocks that stand still until they are
moved.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from adapters.assembly import Adapters, open_adapters
from adapters.guarded_http import GuardedHttp
from adapters.simulators.catalogue import SIMULATORS
from adapters.simulators.world import demo_settings, demo_world
from adapters.simulators.world_entries import World
from foundation.clock import system_clock
from foundation.entropy import SystemEntropy
from tests.adapters.serving import served

REDIRECT_URI = "http://127.0.0.1:8000/sign-in/centers/province/callback"


@dataclass(slots=True)
class HandClock:
    """Both clocks of a client; they move by hand only."""

    at: datetime = field(default_factory=system_clock)
    elapsed: float = 0.0

    def now(self) -> datetime:
        """The instant."""
        return self.at

    def monotonic(self) -> float:
        """Seconds since the beginning of the test."""
        return self.elapsed

    def move(self, span: timedelta) -> None:
        """Move both clocks."""
        self.at += span
        self.elapsed += span.total_seconds()


@dataclass(frozen=True, slots=True)
class Simulator:
    """One running simulator and its administration."""

    base_url: str

    def fault(self, operation: str, kind: str, **members: Any) -> None:
        """Ask for a fault."""
        answer = httpx2.post(
            f"{self.base_url}/_faults",
            json={"operation": operation, "kind": kind, **members},
            trust_env=False,
        )
        assert answer.status_code == 204, answer.text

    def put(self, collection: str, key: str, **members: Any) -> None:
        """Change one entry of the world."""
        answer = httpx2.put(f"{self.base_url}/_world/{collection}/{key}", json=members, trust_env=False)
        assert answer.status_code == 200, answer.text

    def clear(self) -> None:
        """Remove every fault."""
        httpx2.delete(f"{self.base_url}/_faults", trust_env=False)


@pytest.fixture
def hand_clock() -> HandClock:
    """Clocks that begin at the present, since servers in the test read the real one."""
    return HandClock(system_clock().astimezone(UTC))


@pytest.fixture
def world() -> World:
    """A world of its own for each test."""
    return demo_world()


@pytest.fixture
def simulate(world: World) -> Iterator[Callable[[str], Simulator]]:
    """Start a simulator by name; it stops with the test."""
    with ExitStack() as running:

        def start(name: str) -> Simulator:
            kind = SIMULATORS[name]
            return Simulator(running.enter_context(served(lambda url: kind.create_app(world, url))))

        yield start


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    """The bounded client as it is configured for this machine."""
    async with GuardedHttp(networks="any", allow_http=True) as client:
        yield client


@dataclass(frozen=True, slots=True)
class AllTogether:
    """Every adapter, wired to running simulators."""

    adapters: Adapters
    simulators: dict[str, Simulator]


@pytest.fixture
async def all_together(
    world: World, simulate: Callable[[str], Simulator], hand_clock: HandClock
) -> AsyncIterator[AllTogether]:
    """The assembly as the gateway opens it."""
    names = ("province-center", "certshare", "sms", "proofing", "matters")
    simulators = {name: simulate(name) for name in names}
    settings = demo_settings(world, addresses={name: it.base_url for name, it in simulators.items()})
    async with open_adapters(
        settings,
        clock=hand_clock.now,
        entropy=SystemEntropy(),
        monotonic=hand_clock.monotonic,
        write_console=lambda text: None,
    ) as adapters:
        yield AllTogether(adapters, simulators)
