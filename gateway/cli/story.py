"""`renzheng story`: plays a story against a running product and says at each step what it saw."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import say, say_json, stop
from gateway.cli.exit_codes import ExitCode

_WORLD = Path(".demo/world.json")


def story(
    name: Annotated[str, typer.Argument(help="Which story: main or provider.")],
    world: Annotated[Path, typer.Option(help="The world file of the running demo.")] = _WORLD,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each step.")] = False,
) -> None:
    """Play a story over HTTP against the running demo.

    Examples:

      renzheng story main

      renzheng story main --json --world /srv/demo/world.json

    The last line counts the steps, with --json too; ends with 1 when one does not hold.
    """
    if not world.exists():
        stop(
            f"找不到 {world} · there is no {world}",
            ExitCode.NOT_FOUND,
            remedy="先运行 make demo · run make demo first, or name the file with --world",
        )
    from gateway.stories.playbook import STORIES, play_story
    from gateway.stories.story import Played

    if name not in STORIES:
        stop(f"没有这个故事 · there is no story {name}", ExitCode.NOT_FOUND, remedy=", ".join(STORIES))

    def report(step: Played) -> None:
        if as_json:
            say_json(
                {
                    "point": step.point,
                    "step": step.name,
                    "passed": step.passed,
                    "observed": step.observed,
                    "ms": step.milliseconds,
                }
            )
        else:
            say(f"{'✓' if step.passed else '✗'} {step.point}. {step.name}")
            say(f"     {step.observed}")

    outcome = play_story(name, world, report=report)
    say(f"{outcome.passed} passed, {outcome.failed} failed")
    if outcome.failed:
        raise typer.Exit(ExitCode.NOT_SOUND)
