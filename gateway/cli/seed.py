"""`renzheng seed`: the synthetic people, departments, apps, licenses and grants of the demo, in the configured database."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import answer, progress
from gateway.demo.places import BASE_PORT, Places


def seed(
    base_port: Annotated[int, typer.Option(help="Base port of the sample apps and simulators.")] = BASE_PORT,
    world: Annotated[
        Path | None, typer.Option(help="Write addresses, people and secrets of the demo to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Put the demo world into the database of the settings. May be repeated: what is there stays as it is.

    Examples:

      renzheng seed --world world.json

    Everybody is synthetic. Never seed a database that real people use: the passwords are published.
    """
    from gateway.cli.surroundings import read_settings, run
    from gateway.composition import open_parts
    from gateway.demo.seed import seed_world
    from gateway.demo.state import write_world

    settings = read_settings()
    places = Places.at(base_port, issuer=settings.issuer)

    async def work() -> dict[str, object]:
        async with open_parts(settings, background=False) as parts:
            return await seed_world(parts, places=places)

    progress("seeding …")
    content = run(work())
    if world is not None:
        write_world(world, content)
    counts = {name: len(value) for name, value in content.items() if isinstance(value, list)}
    lines = [
        "演示数据已就绪 · the demo world stands: " + ", ".join(f"{count} {name}" for name, count in counts.items())
    ]
    answer(content if world is None else {"world": str(world), **counts}, lines, as_json=as_json)
