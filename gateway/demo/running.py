"""Running a demo from beginning to end: prepare, start, wait, tell, watch, stop."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from foundation.clock import system_clock
from foundation.entropy import SystemEntropy
from gateway.demo.environment import demo_environment, new_keys, read_keys, write_environment
from gateway.demo.guide import render_guide
from gateway.demo.places import NEIGHBOURS, Places
from gateway.demo.state import DemoFolder, write_world
from gateway.demo.supervisor import (
    Child,
    ChildFailed,
    ChildPlan,
    StopSignal,
    await_ready,
    check_alive,
    check_ports,
    start_child,
    stop_children,
)
from gateway.demo.world import adapters_at
from gateway.settings import ENV_FILE, PREFIX, Settings, load_settings

STOP_PATIENCE_S = 20.0
_WATCH_S = 0.25
_START_ATTEMPTS_POLL_S = 0.1

Say = Callable[[str], None]


class DemoFailed(Exception):
    """A part of the demo did not start or ended by itself; the text has the tail of its log."""


def run_demo(folder: DemoFolder, *, base_port: int, fresh: bool, tell: Say, progress: Say) -> None:
    """Run a demo until it is told to end; raises DemoRunning, PortTaken or DemoFailed."""
    with folder.locked():
        stopping = StopSignal()
        places = Places.at(base_port)
        check_ports(places.ports())
        if fresh:
            folder.clear()
        started = time.monotonic()
        settings = _prepare_settings(folder, places)
        environment = _clean_environment(folder)
        children: list[Child] = []
        try:
            # The simulators need nothing of ours: they start while the database is being prepared.
            children.append(start_child(_neighbours(folder, places), environment))
            progress("数据库与演示数据 · database and demo world …")
            world = _prepare_world(folder, settings, places)
            children.append(start_child(_product(folder, places), environment))
            progress("启动中 · starting …")
            await_ready(children, still_wanted=lambda: not stopping.came)
            if not stopping.came:
                tell(render_guide(world, seconds=time.monotonic() - started, folder=folder.path))
            while not stopping.came:
                check_alive(children)
                time.sleep(_WATCH_S)
        except ChildFailed as failure:
            raise DemoFailed(str(failure)) from failure
        finally:
            stop_children(children)


def stop_demo(folder: DemoFolder) -> bool:
    """End the demo that runs from this folder and wait until it is gone; False when none runs."""
    pid = folder.running()
    if not pid:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE_S
    while folder.running() == pid:
        if time.monotonic() > deadline:
            raise DemoFailed(f"process {pid} does not end")
        time.sleep(_START_ATTEMPTS_POLL_S)
    return True


def _prepare_settings(folder: DemoFolder, places: Places) -> Settings:
    keys = read_keys(folder.environment_file) or new_keys(SystemEntropy())
    variables = demo_environment(
        keys,
        places=places,
        adapters=adapters_at(places),
        database_url=f"sqlite+aiosqlite:///{folder.database_file}",
    )
    write_environment(folder.environment_file, variables)
    return load_settings(folder.environment_file, environ={})


def _prepare_world(folder: DemoFolder, settings: Settings, places: Places) -> Mapping[str, Any]:
    """Bring the database to the current schema, seed it, and write the world file."""
    from gateway.composition import open_parts
    from gateway.demo.seed import SeedRefused, seed_world
    from gateway.migrations import upgrade

    upgrade(settings.database_url)

    async def work() -> dict[str, Any]:
        async with open_parts(settings, clock=system_clock, background=False) as parts:
            return await seed_world(parts, places=places)

    try:
        world = asyncio.run(work())
    except SeedRefused as refused:
        raise DemoFailed(f"{refused.detail} (renzheng demo --fresh)") from refused
    write_world(folder.world_file, world)
    return world


def _clean_environment(folder: DemoFolder) -> dict[str, str]:
    """Return the environment of the children: settings of the shell that started the demo must not reach in."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    return {ENV_FILE: str(folder.environment_file)}


def _product(folder: DemoFolder, places: Places) -> ChildPlan:
    return ChildPlan("renzheng", ("serve",), (f"{places.issuer}/readyz",), folder.log_of("renzheng"))


def _neighbours(folder: DemoFolder, places: Places) -> ChildPlan:
    return ChildPlan(
        "neighbours",
        ("simulate", "all", "--base-port", str(places.base_port), "--issuer", places.issuer),
        tuple(f"{places.url_of(name)}/_health" for name in NEIGHBOURS),
        folder.log_of("neighbours"),
    )
