"""`renzheng config`: which settings there are, which are in force and where each came from."""

from typing import Annotated, Any

import typer

from gateway.cli.console import answer, say, table
from gateway.cli.exit_codes import EXIT_CODES_HELP

commands = typer.Typer(
    help=(
        "The settings.\n\nExamples:\n\n"
        "  renzheng config check      read them as the product would, and say what is wrong\n\n"
        "  renzheng config show       every effective value with its source, secrets withheld\n\n"
        "  renzheng config table      the list of all settings, as in docs/settings.md"
    ),
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@commands.command()
def show(as_json: AsJson = False) -> None:
    """Print every effective setting with its source: environment, file or default."""
    values = _effective()
    rows = [(name, value["value"], value["source"]) for name, value in values.items()]
    answer(values, table(("setting", "value", "source"), rows), as_json=as_json)


@commands.command()
def check(as_json: AsJson = False) -> None:
    """Read the settings as `serve` would, keys included, and say what is not default.

    Ends with 3 and names the setting when something is wrong; a value is never printed.
    """
    values = _effective()
    changed = {name: value for name, value in values.items() if value["source"] != "default"}
    lines = [
        f"✓ 设置可用 · the settings are sound: {len(changed)} of {len(values)} differ from the default",
        *table(
            ("setting", "value", "source"),
            [(name, value["value"], value["source"]) for name, value in changed.items()],
        ),
    ]
    answer({"sound": True, "settings": changed}, lines, as_json=as_json)


@commands.command("table")
def show_table() -> None:
    """Print the list of all settings in Markdown."""
    from gateway.reference import render_settings

    say(render_settings().rstrip("\n"))


def _effective() -> dict[str, dict[str, Any]]:
    from gateway.cli.effective_settings import effective_settings
    from gateway.cli.surroundings import read_settings, run

    settings = read_settings()
    run(_check_keys(settings))
    return effective_settings(settings)


async def _check_keys(settings: Any) -> None:
    from foundation.sealing import BlindIndex, parse_key_octets
    from gateway.cli.stores import make_sealer

    make_sealer(settings)
    BlindIndex(parse_key_octets(settings.blind_index_key.get_secret_value()))
