"""CIBA notifications in ping mode (CIBA Core §10.2): one letter of `foundation.outbox` for each request.

The notification is written with the request and held; the transaction of the person's answer lets it go. A client that says no (3xx, 4xx)
is not asked again: its address or its token is wrong, and somebody has to mend it; whatever else fails is tried again. The app may poll
meanwhile.
"""

from datetime import datetime

import orjson
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger import Entry, Insert
from foundation.outbox import (
    DEAD,
    DELIVERED,
    WAITING,
    Letter,
    Outbox,
    Outcome,
    Pace,
    Settled,
    TryAgain,
    deliver_due,
    new_letter,
)
from idp.provider.composition import Provider
from idp.provider.decoupled.ports import CibaNotifier
from idp.provider.decoupled.requests import DecoupledRequest
from idp.provider.decoupled.tables import ciba_notifications

CONTEXT = "ciba.notification"
HELD = "held"


def held_notification(
    waiting: DecoupledRequest, *, auth_req_id: str, token: str, provider: Provider, now: datetime
) -> Insert:
    """Return the row of a notification that waits for the person's answer; its two secrets are sealed."""
    octets = orjson.dumps({"auth_req_id": auth_req_id, "token": token})
    return Insert(
        ciba_notifications,
        {
            "request_id": waiting.request_id,
            "client_id": waiting.client_id,
            "sealed": provider.sealer.seal(octets, context=CONTEXT),
            **new_letter(now, state=HELD, due_at=waiting.expires_at),
        },
    )


async def release_notification_in(connection: AsyncConnection, request_id: str, now: datetime) -> None:
    """Let the notification of an answered request go; a request of a polling client has none."""
    await connection.execute(
        update(ciba_notifications)
        .where(ciba_notifications.c.request_id == request_id, ciba_notifications.c.state == HELD)
        .values(state=WAITING, next_attempt_at=now)
    )


async def deliver_notifications(*, provider: Provider, http: CibaNotifier, worker: str, now: datetime) -> int:
    """Try notifications that are due, each client on its own, and return how many were tried.

    One whose request has expired unanswered is due as well: the app is told to look (CIBA Core §10.2). `worker` names the process, cut to
    32 characters. Raises StorageUnavailable; leases then run out by themselves.
    """
    await provider.clients.refresh()

    async def post(letter: Letter) -> Outcome:
        return await _post(letter, provider, http)

    limits = provider.limits
    return await deliver_due(
        _NOTIFICATIONS,
        post,
        pace=Pace(limits.ping_attempts, limits.ping_first_retry, limits.ping_lease),
        db=provider.db,
        ledger=provider.ledger,
        worker=worker,
        now=now,
    )


async def _post(letter: Letter, provider: Provider, http: CibaNotifier) -> Outcome:
    client = provider.clients.find_active(letter.client_id)
    address = None if client is None else client.metadata.backchannel_client_notification_endpoint
    if address is None:
        return Settled("no_channel")
    secrets = orjson.loads(provider.sealer.open(letter.sealed, context=CONTEXT))
    body = orjson.dumps({"auth_req_id": secrets["auth_req_id"]})
    status = await http.notify(address, bearer=secrets["token"], body=body, timeout=provider.limits.ping_timeout)
    if 200 <= status < 300:
        return Settled(DELIVERED)
    return Settled(DEAD, f"status {status}") if status < 500 else TryAgain(f"status {status}")


def _record(letter: Letter, end: Settled, now: datetime) -> Entry:
    return Entry(
        kind="oauth.ciba_notification",
        at=now,
        outcome="done" if end.state == DELIVERED else "failed",
        client=letter.client_id,
        actor="system:ciba",
        details={
            "request": letter.request_id,
            "state": end.state,
            "attempts": letter.attempts,
            "problem": end.problem,
        },
    )


_NOTIFICATIONS = Outbox(
    table=ciba_notifications, receiver="client_id", record=_record, due=(HELD, WAITING), emptied=("sealed",)
)
