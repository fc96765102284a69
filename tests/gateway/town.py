"""The whole product with its simulators on free loopback ports, seeded with the demo world, in one thread of this process.

Real servers and real HTTP between all parties; only the product's clock can be moved, to see what time does to a page.
"""

import asyncio
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx2
import pyotp
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.simulators.catalogue import SIMULATORS
from foundation.changes import POLL_INTERVAL
from foundation.clock import system_clock
from foundation.entropy import SystemEntropy
from gateway.app import create_app
from gateway.composition import open_parts
from gateway.demo.environment import demo_environment, new_keys, write_environment
from gateway.demo.places import LOOPBACK, NEIGHBOURS, Places
from gateway.demo.seed import seed_world
from gateway.demo.world import adapters_at, world_at
from gateway.settings import Settings, load_settings
from gateway.stories.browser import Browser, Page
from tests.servers import Stack
from tests.stories.processes import free_base_port

READY_S = 60.0
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])", re.ASCII)


@dataclass
class MovableClock:
    """The product's clock: the system's, moved by `offset`."""

    offset: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        """Return the moved time."""
        return system_clock() + self.offset

    @contextmanager
    def later(self, by: timedelta) -> Iterator[None]:
        """Move the clock while the block lasts; the product's ear on changes follows with its next reading."""
        self.offset += by
        time.sleep(2 * POLL_INTERVAL.total_seconds())
        try:
            yield
        finally:
            self.offset -= by


@dataclass(frozen=True)
class Town:
    """A running product: where it is, who lives there, and what their phones received."""

    places: Places
    world: Mapping[str, Any]
    clock: MovableClock
    faults: set[str]
    settings_file: Path

    @contextmanager
    def broken(self, name: str) -> Iterator[None]:
        """Let a sample app or simulator answer 500 to everything while the block lasts."""
        self.faults.add(name)
        try:
            yield
        finally:
            self.faults.discard(name)

    @property
    def issuer(self) -> str:
        """The address of the product."""
        return self.places.issuer

    def url(self, path: str) -> str:
        """Return the address of a page."""
        return f"{self.issuer}{path}"

    def app(self, name: str) -> str:
        """Return the address of a sample app or simulator."""
        return self.places.url_of(name)

    def person(self, user_name: str) -> Mapping[str, Any]:
        """Return somebody of the demo world by user name."""
        return next(person for person in self.world["people"] if person["user_name"] == user_name)

    def totp(self, user_name: str) -> str:
        """Return the one-time password of this moment."""
        return str(pyotp.TOTP(self.person(user_name)["totp_secret"]).at(self.clock()))

    def sms_code(self, phone: str, *, number: int = 1) -> str:
        """Return the code of the `number`-th message to this phone, waiting a moment for it."""
        deadline = time.monotonic() + 5.0
        while True:
            answer = httpx2.get(f"{self.app('sms')}/outbox", params={"phone": phone}, trust_env=False)
            codes = [found[0] for one in answer.json()["messages"] if (found := _CODE.search(one["text"]))]
            if len(codes) >= number:
                return codes[number - 1]
            assert time.monotonic() < deadline, "no message with a code arrived"
            time.sleep(0.05)

    def settle(self, browser: Browser, page: Page) -> Page:
        """Follow redirects inside the town until a page comes."""
        within = [self.issuer, *(self.app(name) for name in NEIGHBOURS)]
        return browser.settle(page, within=within)


@contextmanager
def running_town(stack: Stack, folder: Path, further: Mapping[str, str] | None = None) -> Iterator[Town]:
    """Seed the database of the stack and serve everything while the block lasts; `further` settings stand above the town's own."""
    places = Places.at(free_base_port())
    variables = demo_environment(
        new_keys(SystemEntropy()),
        places=places,
        adapters=adapters_at(places),
        database_url=stack.database_url,
        redis_url=stack.redis_url,
    )
    # Everybody in a test sits behind one address.
    variables["RENZHENG_SIGNIN__SENDS_PER_NETWORK"] = "500"
    variables |= further or {}
    settings_file = folder / f"{stack.name}.env"
    write_environment(settings_file, variables)
    settings = load_settings(settings_file, environ={})
    clock = MovableClock()
    ready, faults = threading.Event(), set[str]()
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            asyncio.run(_serve(settings, places, clock, ready, faults, outcome))
        except BaseException as failure:
            outcome["failure"] = failure
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert ready.wait(READY_S), "the town did not come up in time"
        if "failure" in outcome:
            raise outcome["failure"]
        yield Town(places, outcome["world"], clock, faults, settings_file)
    finally:
        if "stop" in outcome:
            outcome["stop"]()
        thread.join(20)


async def _serve(
    settings: Settings,
    places: Places,
    clock: MovableClock,
    ready: threading.Event,
    faults: set[str],
    outcome: dict[str, Any],
) -> None:
    async with open_parts(settings, clock=clock, background=False) as parts:
        outcome["world"] = await seed_world(parts, places=places)
    world = world_at(places)
    servers = [_server(create_app(settings, clock=clock), places.base_port, lifespan="on")]
    for name in NEIGHBOURS:
        port = places.port_of(name)
        simulator = SIMULATORS[name].create_app(world, f"http://{LOOPBACK}:{port}")
        servers.append(_server(_Breakable(simulator, name, faults), port, lifespan="auto"))
    serving = [asyncio.ensure_future(server.serve()) for server in servers]
    try:
        while not all(server.started for server in servers):
            for task in serving:
                if task.done():
                    task.result()
                    raise AssertionError("a server ended before it began")
            await asyncio.sleep(0.02)
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        outcome["stop"] = lambda: loop.call_soon_threadsafe(stopping.set)
        ready.set()
        await stopping.wait()
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving)


class _Breakable:
    """A neighbour that can be told to fail."""

    def __init__(self, app: ASGIApp, name: str, faults: set[str]) -> None:
        self._app, self._name, self._faults = app, name, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or answer 500 while broken."""
        broken = scope["type"] == "http" and self._name in self._faults
        await (Response(status_code=500) if broken else self._app)(scope, receive, send)


class _QuietServer(uvicorn.Server):
    """A server that leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def _server(app: Any, port: int, *, lifespan: Literal["on", "auto"]) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host=LOOPBACK,
        port=port,
        lifespan=lifespan,
        ws="none",
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    return _QuietServer(config)
