"""`renzheng doctor`: what is wrong with this installation, and what to do about it."""

from typing import Annotated

import typer

from gateway.cli.console import answer
from gateway.cli.exit_codes import ExitCode

_MARKS = {"ok": "✓", "warning": "!", "fault": "✗"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Examine the installation: settings, keys, database, schema, Redis, clocks, disk, outside systems.

    Examples:

      renzheng doctor

      renzheng doctor --json | python -m json.tool

    Nothing is changed. Ends with 1 when something has to be repaired; every finding names the next step.
    """
    from gateway.cli.examinations import examine
    from gateway.cli.surroundings import read_settings, run

    findings = run(examine(read_settings()))
    lines = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.state]} {finding.name}: {finding.observed}")
        if finding.next_step:
            lines.append(f"    → {finding.next_step}")
    faults = sum(finding.state == "fault" for finding in findings)
    lines.append("一切正常 · nothing to repair" if not faults else f"{faults} 项需要处理 · {faults} to repair")
    value = {
        "sound": not faults,
        "findings": [
            {
                "name": finding.name,
                "state": finding.state,
                "observed": finding.observed,
                "next_step": finding.next_step,
            }
            for finding in findings
        ],
    }
    answer(value, lines, as_json=as_json)
    if faults:
        raise typer.Exit(ExitCode.NOT_SOUND)
