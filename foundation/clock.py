"""The one place that reads the wall clock.

Everything else is handed `now` or a `Clock`, so that a test fixes time by passing a function and a linter can forbid the rest.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""A function without arguments that returns the present instant, aware and in UTC."""


def system_clock() -> datetime:
    """Return the operating system's time as an aware UTC instant with microseconds."""
    return datetime.now(UTC)
