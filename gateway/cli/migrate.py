"""`renzheng migrate`: bring the database to the current schema, or tell whether it is."""

from typing import Annotated

import typer

from gateway.cli.console import answer, progress, stop
from gateway.cli.exit_codes import ExitCode


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Only tell whether there is something to do.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring the database of the settings to the current schema.

    Examples:

      renzheng migrate

      renzheng migrate --check      ends with 1 when migrations are due

    Safe to run again, and safe to run while the product of the version before is serving.
    """
    from sqlalchemy.exc import OperationalError

    from gateway.cli.surroundings import read_settings
    from gateway.migrations import current_revision, head_revision, upgrade

    settings = read_settings()
    head = head_revision()
    try:
        before = current_revision(settings.database_url)
        if not check and before != head:
            progress(f"migrating from {before or 'an empty database'} to {head}")
            upgrade(settings.database_url)
    except OperationalError as failure:
        reason = type(failure.orig).__name__
        stop(f"数据库无法连接 · the database did not answer: {reason}", ExitCode.UNAVAILABLE)
    state = {"before": before, "current": before if check else head, "head": head}
    done = f"数据库结构：{state['current'] or '空'} · schema: {state['current'] or 'empty'}, newest {head}"
    answer(state, [done], as_json=as_json)
    if check and before != head:
        raise typer.Exit(ExitCode.NOT_SOUND)
