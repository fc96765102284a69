"""What a command prints on standard output is its answer alone, because programs read it."""

import json

import pytest
import structlog

from gateway.cli.surroundings import run


async def _warned() -> str:
    structlog.get_logger("tests.standard_output").warning("something.odd", detail="of no account")
    return json.dumps({"answer": 42})


def test_log_lines_of_a_command_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A warning on the way does not end up in the JSON of the answer."""
    print(run(_warned()))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"answer": 42}
    assert "something.odd" in err
