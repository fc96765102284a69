"""`renzheng simulate`: outside systems that speak the true wires, for demos and tests."""

from typing import Annotated

import typer

from gateway.cli.console import progress, stop
from gateway.cli.exit_codes import ExitCode
from gateway.demo.places import BASE_PORT, NEIGHBOURS, Places

ALL = "all"


def simulate(
    name: Annotated[str, typer.Argument(help=f"{', '.join(NEIGHBOURS)}, or all.")],
    port: Annotated[int | None, typer.Option(help="Port to listen on; otherwise the one of the demo.")] = None,
    base_port: Annotated[int, typer.Option(help="Base port of the demo whose world is simulated.")] = BASE_PORT,
    issuer: Annotated[str | None, typer.Option(help="Address of the product, if not the base port.")] = None,
) -> None:
    """Start a simulator of an outside system, or a sample service app.

    Examples:

      renzheng simulate sms --port 9012

      renzheng simulate all

    Every simulator can be edited while it runs: GET /_world shows what it knows, POST /_faults makes it
    slow, broken or wrong.
    """
    if name != ALL and name not in NEIGHBOURS:
        stop(f"没有这个模拟系统 · there is no simulator {name}", ExitCode.NOT_FOUND, remedy=", ".join(NEIGHBOURS))
    if name == ALL and port is not None:
        stop("--port 只能用于单个系统 · --port goes with one simulator", ExitCode.USAGE)
    import asyncio

    from gateway.demo.neighbours import serve_neighbours

    places = Places.at(base_port, issuer=issuer)
    names = tuple(NEIGHBOURS) if name == ALL else (name,)
    ports = {one: port or places.port_of(one) for one in names}
    for one, at in ports.items():
        progress(f"{one}: http://127.0.0.1:{at}")
    asyncio.run(serve_neighbours(ports, places=places))
