"""Logs: one event name and its fields a line. Fields that could carry a secret are dropped, whatever a caller passes."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_WORDS = (
    "token",
    "secret",
    "password",
    "code_verifier",
    "assertion",
    "cookie",
    "authorization",
    "phone",
    "document_number",
)


def configure_logs(level: str, form: Literal["json", "console"]) -> None:
    """Send every log line of the process to standard error in the chosen form."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            withhold_secrets,
            *_RENDERERS[form](),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=_standard_error()),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=level.upper(), format="%(levelname)s %(name)s %(message)s", stream=_standard_error())
    # The libraries' own lines hold tokens, and addresses with codes in them; warnings are enough.
    for name in ("authlib", "httpx2", "httpcore2", "sqlalchemy", "uvicorn.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


# The renderer for people shows exceptions by itself, where Rich is installed with the values of variables, which are tokens and numbers.
_RENDERERS: Mapping[str, Callable[[], list[Processor]]] = {
    "json": lambda: [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)],
    "console": lambda: [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)],
}


class _StandardError:
    """Whatever standard error is when a line is written: a command that runs inside another program has one of its own."""

    def write(self, text: str) -> int:
        """Write to the standard error of this moment."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()


def _standard_error() -> TextIO:
    return cast(TextIO, _StandardError())


def withhold_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace the value of every field whose name speaks of a secret."""
    withheld: dict[str, Any] = {
        key: "(withheld)" for key in event if any(word in key.lower() for word in _SECRET_WORDS)
    }
    event.update(withheld)
    return event
