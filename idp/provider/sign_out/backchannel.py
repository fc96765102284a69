"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0) through a durable outbox.

A message is leased by one worker with one UPDATE, posted outside any transaction, and settled: `delivered`,
waiting for its next try with a doubling pause, or `dead` after the last one. A worker that dies with a
lease loses it after `logout_lease`; an app may then hear twice, which it can tell by the `jti`. The states
of one session's messages are the receipts that the sign-out page shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import anyio
import structlog
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger import Entry
from foundation.problems import ServiceUnavailable
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.registry import Client, ClientView, view_of
from idp.provider.clients.signing_algorithms import signing_algorithm
from idp.provider.composition import Provider
from idp.provider.ports import LogoutNotDelivered, LogoutPoster
from idp.provider.sign_out.frontchannel import ASKED, has_front_channel
from idp.provider.tables import logout_messages
from idp.provider.tokens.jwt_encryption import encrypt_for

log = structlog.get_logger(__name__)

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPE = "logout+jwt"
TOKEN_LIFETIME = timedelta(minutes=2)
BATCH = 32

EndingStatus = Literal["told", "asked", "waiting", "failed", "no_channel"]


@dataclass(frozen=True, slots=True)
class LogoutMessage:
    """One leased message."""

    message_id: str
    session_id: str
    client_id: str
    person_id: str
    sid: str
    attempts: int


@dataclass(frozen=True, slots=True)
class AppEnding:
    """What the person is told about one app after a sign-out; `failed` and `no_channel` are said plainly.

    `told`: the app confirmed it. `asked`: the person's browser was sent there, and nobody can know what came of it. `by_browser` says
    that the app has a front channel, so that a page with its frame has to be shown.
    """

    client: ClientView
    status: EndingStatus
    by_browser: bool = False


async def deliver_logout_tokens(*, provider: Provider, http: LogoutPoster, worker: str, now: datetime) -> int:
    """Try every message that is due, each app on its own, and return how many were tried.

    `worker` names the process, cut to 32 characters. Raises StorageUnavailable; leases then run out by
    themselves.
    """
    await provider.clients.refresh()
    async with provider.db.read() as connection:
        due = await _lease(connection, provider, worker, now)
    async with anyio.create_task_group() as tasks:
        for message in due:
            tasks.start_soon(_try, message, provider, http, worker, now)
    return len(due)


async def list_logout_deliveries(session_id: str, *, provider: Provider) -> tuple[AppEnding, ...]:
    """Return the receipt of each app that the session had reached, ordered by client."""
    async with provider.db.read() as connection:
        rows = await connection.execute(
            select(logout_messages.c.client_id, logout_messages.c.state)
            .where(logout_messages.c.session_id == session_id)
            .order_by(logout_messages.c.client_id)
        )
        found = rows.all()
    endings = []
    for client_id, state in found:
        client = provider.clients.find(client_id)
        if client is not None:
            endings.append(AppEnding(view_of(client), _status(state), has_front_channel(client)))
    return tuple(endings)


def logout_token_claims(
    message: LogoutMessage, *, issuer: str, subject: str, jti: str, now: datetime
) -> dict[str, Any]:
    """Return the claims of Back-Channel Logout §2.4: the app's own `sub` and `sid`, and never a nonce."""
    issued_at = int(now.timestamp())
    return {
        "iss": issuer,
        "aud": message.client_id,
        "iat": issued_at,
        "exp": issued_at + int(TOKEN_LIFETIME.total_seconds()),
        "jti": jti,
        "events": {EVENT: {}},
        "sub": subject,
        "sid": message.sid,
    }


async def _lease(
    connection: AsyncConnection, provider: Provider, worker: str, now: datetime
) -> Sequence[LogoutMessage]:
    message = logout_messages.c
    is_due = (message.state == "waiting") & (message.next_attempt_at <= now)
    picked = select(message.message_id).where(is_due).order_by(message.next_attempt_at).limit(BATCH)
    rows = await connection.execute(
        update(logout_messages)
        .where(message.message_id.in_(picked), is_due)
        .values(
            leased_by=worker[:32],
            attempts=message.attempts + 1,
            next_attempt_at=now + provider.limits.logout_lease,
        )
        .returning(logout_messages)
    )
    return [_message(row) for row in rows]


async def _try(message: LogoutMessage, provider: Provider, http: LogoutPoster, worker: str, now: datetime) -> None:
    try:
        await _deliver(message, provider, http, worker, now)
    except ServiceUnavailable as failure:
        # Storage or signing key gone: the lease runs out and the message is tried again; its neighbours go on.
        log.warning("logout_message.unsettled", code=failure.code, detail=failure.detail)


async def _deliver(message: LogoutMessage, provider: Provider, http: LogoutPoster, worker: str, now: datetime) -> None:
    client = provider.clients.find(message.client_id)
    if client is None or client.backchannel_logout_uri is None:
        await _settle(message, "no_channel", None, provider, worker, now)
        return
    claims = logout_token_claims(
        message,
        issuer=provider.issuer,
        subject=provider.subjects.subject(client.sector, message.person_id),
        jti=provider.entropy.identifier(),
        now=now,
    )
    try:
        token = await _sign(claims, client, provider, now)
        status = await http.post_form(
            client.backchannel_logout_uri, {"logout_token": token}, provider.limits.logout_timeout
        )
    except (LogoutNotDelivered, ClientKeysUnavailable) as failed:
        await _settle_failure(message, failed.problem, provider, worker, now)
        return
    # Back-Channel Logout §2.8: 200, and by habit of some frameworks 204.
    if status in (200, 204):
        await _settle(message, "delivered", None, provider, worker, now)
    else:
        await _settle_failure(message, f"status {status}", provider, worker, now)


async def _sign(claims: Mapping[str, Any], client: Client, provider: Provider, now: datetime) -> str:
    """Return the token, signed and where the app wants it encrypted as its ID tokens are (§2.4)."""
    registered = client.metadata.algorithms
    algorithm = signing_algorithm(registered.id_token_signed_response_alg)
    token = provider.keys.sign_jwt(claims, purpose="oidc", alg=algorithm, typ=TYPE, now=now)
    wanted = registered.id_token_encrypted_response
    return token if wanted is None else await encrypt_for(client, token, wanted, provider=provider)


async def _settle_failure(message: LogoutMessage, problem: str, provider: Provider, worker: str, now: datetime) -> None:
    limits = provider.limits
    if message.attempts >= limits.logout_attempts:
        await _settle(message, "dead", problem, provider, worker, now)
        return
    pause = limits.logout_first_retry * 2 ** (message.attempts - 1)
    async with provider.db.read() as connection:
        await connection.execute(
            update(logout_messages)
            .where(
                logout_messages.c.message_id == message.message_id,
                logout_messages.c.leased_by == worker[:32],
                logout_messages.c.attempts == message.attempts,
            )
            .values(next_attempt_at=now + pause, leased_by=None, last_problem=problem[:64])
        )


async def _settle(
    message: LogoutMessage, state: str, problem: str | None, provider: Provider, worker: str, now: datetime
) -> None:
    """Write the receipt and its ledger entry, unless the lease has passed to another worker meanwhile."""
    entry = Entry(
        kind="oauth.logout_message",
        at=now,
        outcome="done" if state == "delivered" else "failed",
        client=message.client_id,
        actor="system:logout",
        details={"state": state, "attempts": message.attempts, "problem": problem},
        personal={"person": message.person_id, "session": message.session_id},
    )
    async with provider.db.transaction() as connection:
        settled = await connection.execute(
            update(logout_messages)
            .where(
                logout_messages.c.message_id == message.message_id,
                logout_messages.c.leased_by == worker[:32],
                logout_messages.c.attempts == message.attempts,
            )
            .values(state=state, settled_at=now, leased_by=None, last_problem=problem and problem[:64])
            .returning(logout_messages.c.message_id)
        )
        if settled.first() is not None:
            await provider.ledger.append_in(connection, entry)


def _status(state: str) -> EndingStatus:
    statuses: dict[str, EndingStatus] = {
        "delivered": "told",
        ASKED: "asked",
        "waiting": "waiting",
        "dead": "failed",
        "no_channel": "no_channel",
    }
    return statuses[state]


def _message(row: Row[Any]) -> LogoutMessage:
    return LogoutMessage(
        message_id=row.message_id,
        session_id=row.session_id,
        client_id=row.client_id,
        person_id=row.person_id,
        sid=row.sid,
        attempts=row.attempts,
    )
