"""What a log line says of a failure: where it happened, and none of the values that were at hand there."""

import subprocess
import sys

import pytest

SECRET = "a-code-that-somebody-holds"
FAILING = f"""
import structlog
from gateway.logs import configure_logs

def redeem(code):
    raise RuntimeError("it failed")

configure_logs("info", {{form!r}})
try:
    redeem("{SECRET[:10]}" + "{SECRET[10:]}")
except RuntimeError:
    structlog.get_logger().exception("request.failed")
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_values(form: str) -> None:
    """Arguments and variables of a failing function are tokens, codes and people's numbers."""
    done = subprocess.run(
        [sys.executable, "-c", FAILING.format(form=form)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "RuntimeError" in done.stderr
    assert "redeem" in done.stderr
    assert SECRET not in done.stderr
