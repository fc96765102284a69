"""What commands say: results on standard output, progress on standard error and only to a terminal.

With `--json` a command prints one JSON object and nothing else on standard output, so that it can be piped.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import typer

from gateway.cli.exit_codes import ExitCode


def say(text: str = "") -> None:
    """Print one line of the result."""
    print(text, flush=True)


def say_json(value: Any) -> None:
    """Print one JSON value on one line, in UTF-8 and with its members as given."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def answer(value: Mapping[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    """Print the result for the reader at hand: `value` for a program, `lines` for a person."""
    if as_json:
        say_json(value)
    else:
        for line in lines:
            say(line)


def progress(text: str) -> None:
    """Tell a person at a terminal what is going on; a pipe hears nothing."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Say something on standard error that a pipe must see too."""
    print(text, file=sys.stderr, flush=True)


def stop(text: str, code: ExitCode, *, remedy: str | None = None) -> NoReturn:
    """End the command with a reason and, where there is one, the next step."""
    warn(text)
    if remedy is not None:
        warn(f"  → {remedy}")
    raise typer.Exit(code)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay rows out in columns as lines of text, wide characters counted as two columns."""
    cells = [list(headings), *(list(row) for row in rows)]
    widths = [max(_width(row[at]) for row in cells) for at in range(len(headings))]
    lines = []
    for row in cells:
        padded = (text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True))
        lines.append("  ".join(padded).rstrip())
    return lines


def _width(text: str) -> int:
    # Hanzi and full-width punctuation take two columns in every terminal this is read in.
    return sum(2 if character >= "ᄀ" else 1 for character in text)
