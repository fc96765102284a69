"""Exceptions of policy `legacy` and their end, for whoever must see to it that an app changes in time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from idp.provider.clients.registry import Client

NOTICE = timedelta(days=60)
"""So long before its end an exception is shown as ending: a department needs time to change an app."""


@dataclass(frozen=True, slots=True)
class StandingException:
    """What one client may still do, and until when."""

    client_id: str
    exceptions: tuple[str, ...]
    until: datetime
    state: Literal["standing", "ending", "ended"]


def standing_exceptions(clients: Iterable[Client], *, now: datetime) -> tuple[StandingException, ...]:
    """Return the exceptions of active clients, the first to end first."""
    found = [
        StandingException(client.client_id, client.metadata.legacy_exceptions, until, _state(until - now))
        for client in clients
        if client.is_active and client.metadata.legacy_exceptions and (until := client.metadata.legacy_until)
    ]
    return tuple(sorted(found, key=lambda one: (one.until, one.client_id)))


def _state(left: timedelta) -> Literal["standing", "ending", "ended"]:
    if left <= timedelta(0):
        return "ended"
    return "ending" if left <= NOTICE else "standing"
