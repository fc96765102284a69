"""CIBA notifications in ping mode (CIBA Core §10.2) through a durable outbox.

The notification is written with the request and held; the transaction of the person's answer lets it go. From there it is a letter: leased
by one worker with one UPDATE, posted outside any transaction, and settled. A client that says no (3xx, 4xx) is not asked again: its address
or its token is wrong, and somebody has to mend it; whatever else fails is tried again with a doubling pause. The app may poll meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio
import orjson
import structlog
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger import Entry, Insert
from foundation.problems import ServiceUnavailable
from idp.provider.composition import Provider
from idp.provider.decoupled.ports import CibaNotifier, NotificationNotDelivered
from idp.provider.decoupled.requests import DecoupledRequest
from idp.provider.decoupled.tables import ciba_notifications

log = structlog.get_logger(__name__)

CONTEXT = "ciba.notification"
BATCH = 32


@dataclass(frozen=True, slots=True)
class Notification:
    """One leased notification; `sealed` opens to the auth_req_id and the client's token."""

    request_id: str
    client_id: str
    sealed: bytes
    attempts: int


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
            "state": "held",
            "attempts": 0,
            "next_attempt_at": waiting.expires_at,
            "leased_by": None,
            "last_problem": None,
            "created_at": now,
            "settled_at": None,
        },
    )


async def release_notification_in(connection: AsyncConnection, request_id: str, now: datetime) -> None:
    """Let the notification of an answered request go; a request of a polling client has none."""
    await connection.execute(
        update(ciba_notifications)
        .where(ciba_notifications.c.request_id == request_id, ciba_notifications.c.state == "held")
        .values(state="waiting", next_attempt_at=now)
    )


async def deliver_notifications(*, provider: Provider, http: CibaNotifier, worker: str, now: datetime) -> int:
    """Try every notification that is due, each client on its own, and return how many were tried.

    One whose request has expired unanswered is due as well: the app is told to look (CIBA Core §10.2). `worker` names the process, cut to
    32 characters. Raises StorageUnavailable; leases then run out by themselves.
    """
    await provider.clients.refresh()
    async with provider.db.read() as connection:
        due = await _lease(connection, provider, worker, now)
    async with anyio.create_task_group() as tasks:
        for notification in due:
            tasks.start_soon(_try, notification, provider, http, worker, now)
    return len(due)


async def _lease(connection: AsyncConnection, provider: Provider, worker: str, now: datetime) -> Sequence[Notification]:
    column = ciba_notifications.c
    is_due = column.state.in_(("held", "waiting")) & (column.next_attempt_at <= now)
    picked = select(column.request_id).where(is_due).order_by(column.next_attempt_at).limit(BATCH)
    rows = await connection.execute(
        update(ciba_notifications)
        .where(column.request_id.in_(picked), is_due)
        .values(
            state="waiting",
            leased_by=worker[:32],
            attempts=column.attempts + 1,
            next_attempt_at=now + provider.limits.ping_lease,
        )
        .returning(ciba_notifications)
    )
    return [_notification(row) for row in rows]


async def _try(notification: Notification, provider: Provider, http: CibaNotifier, worker: str, now: datetime) -> None:
    try:
        await _deliver(notification, provider, http, worker, now)
    except ServiceUnavailable as failure:
        # Storage gone: the lease runs out and the notification is tried again; its neighbours go on.
        log.warning("ciba_notification.unsettled", code=failure.code, detail=failure.detail)


async def _deliver(
    notification: Notification, provider: Provider, http: CibaNotifier, worker: str, now: datetime
) -> None:
    client = provider.clients.find_active(notification.client_id)
    address = None if client is None else client.metadata.backchannel_client_notification_endpoint
    if address is None:
        await _settle(notification, "no_channel", None, provider, worker, now)
        return
    secrets = orjson.loads(provider.sealer.open(notification.sealed, context=CONTEXT))
    body = orjson.dumps({"auth_req_id": secrets["auth_req_id"]})
    try:
        status = await http.notify(address, bearer=secrets["token"], body=body, timeout=provider.limits.ping_timeout)
    except NotificationNotDelivered as failed:
        await _settle_failure(notification, failed.problem, provider, worker, now)
        return
    if 200 <= status < 300:
        await _settle(notification, "delivered", None, provider, worker, now)
    elif status < 500:
        await _settle(notification, "dead", f"status {status}", provider, worker, now)
    else:
        await _settle_failure(notification, f"status {status}", provider, worker, now)


async def _settle_failure(
    notification: Notification, problem: str, provider: Provider, worker: str, now: datetime
) -> None:
    limits = provider.limits
    if notification.attempts >= limits.ping_attempts:
        await _settle(notification, "dead", problem, provider, worker, now)
        return
    pause = limits.ping_first_retry * 2 ** (notification.attempts - 1)
    column = ciba_notifications.c
    async with provider.db.read() as connection:
        await connection.execute(
            update(ciba_notifications)
            .where(
                column.request_id == notification.request_id,
                column.leased_by == worker[:32],
                column.attempts == notification.attempts,
            )
            .values(next_attempt_at=now + pause, leased_by=None, last_problem=problem[:64])
        )


async def _settle(
    notification: Notification, state: str, problem: str | None, provider: Provider, worker: str, now: datetime
) -> None:
    """Write the end with its ledger entry and empty the secrets, unless the lease has passed to another worker meanwhile."""
    entry = Entry(
        kind="oauth.ciba_notification",
        at=now,
        outcome="done" if state == "delivered" else "failed",
        client=notification.client_id,
        actor="system:ciba",
        details={
            "request": notification.request_id,
            "state": state,
            "attempts": notification.attempts,
            "problem": problem,
        },
    )
    column = ciba_notifications.c
    async with provider.db.transaction() as connection:
        settled = await connection.execute(
            update(ciba_notifications)
            .where(
                column.request_id == notification.request_id,
                column.leased_by == worker[:32],
                column.attempts == notification.attempts,
            )
            .values(state=state, settled_at=now, leased_by=None, last_problem=problem and problem[:64], sealed=None)
            .returning(column.request_id)
        )
        if settled.first() is not None:
            await provider.ledger.append_in(connection, entry)


def _notification(row: Row[Any]) -> Notification:
    return Notification(row.request_id, row.client_id, row.sealed, row.attempts)
