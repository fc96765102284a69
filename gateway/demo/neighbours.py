"""The simulators and sample apps of a demo, several servers in one event loop.

They share one world object, so that a person added at the population register is known everywhere at once.
"""

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Mapping

import uvicorn

from adapters.simulators.catalogue import SIMULATORS
from gateway.demo.places import LOOPBACK, Places
from gateway.demo.world import world_at


async def serve_neighbours(ports: Mapping[str, int], *, places: Places) -> None:
    """Serve the named simulators until SIGINT or SIGTERM; a port that is taken ends all of them."""
    world = world_at(places)
    servers = [
        _QuietServer(
            uvicorn.Config(
                SIMULATORS[name].create_app(world, f"http://{LOOPBACK}:{port}"),
                host=LOOPBACK,
                port=port,
                loop="none",
                http="httptools",
                ws="none",
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        for name, port in ports.items()
    ]
    loop = asyncio.get_running_loop()

    def stop_all() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_all)
    try:
        await asyncio.gather(*(server.serve() for server in servers))
    finally:
        stop_all()


class _QuietServer(uvicorn.Server):
    """A server that leaves the signals to whoever runs several of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield
