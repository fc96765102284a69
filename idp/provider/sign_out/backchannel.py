"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0): one letter of `foundation.outbox` for each app that an ended session had
reached, or that was left alone.

The token is made and signed when it is posted, anew at each try; an app that hears twice can tell by the `jti`. The states of one session's
letters are the receipts that the sign-out page shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select

from foundation.ledger import Entry
from foundation.outbox import DEAD, DELIVERED, WAITING, Letter, Outbox, Outcome, Pace, Settled, TryAgain, deliver_due
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.registry import Client, ClientView, view_of
from idp.provider.clients.signing_algorithms import signing_algorithm
from idp.provider.composition import Provider
from idp.provider.ports import LogoutPoster
from idp.provider.sign_out.frontchannel import ASKED, has_front_channel
from idp.provider.tables import logout_messages
from idp.provider.tokens.jwt_encryption import encrypt_for

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPE = "logout+jwt"
TOKEN_LIFETIME = timedelta(minutes=2)
NO_CHANNEL = "no_channel"

EndingStatus = Literal["told", "asked", "waiting", "failed", "no_channel"]
_WORST_FIRST: tuple[EndingStatus, ...] = ("failed", "no_channel", "waiting", "asked", "told")


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
    """Try messages that are due, each app on its own, and return how many were tried.

    `worker` names the process, cut to 32 characters. Raises StorageUnavailable; leases then run out by themselves.
    """
    await provider.clients.refresh()

    async def post(letter: Letter) -> Outcome:
        return await _post(letter, provider, http, now)

    limits = provider.limits
    return await deliver_due(
        _LOGOUTS,
        post,
        pace=Pace(limits.logout_attempts, limits.logout_first_retry, limits.logout_lease),
        db=provider.db,
        ledger=provider.ledger,
        worker=worker,
        now=now,
    )


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


async def find_app_ending(client_id: str, session_ids: Sequence[str], *, provider: Provider) -> AppEnding | None:
    """Return one receipt for an app that was left in several sessions: the worst of theirs, None when it was told of none."""
    client = provider.clients.find(client_id)
    if client is None or not session_ids:
        return None
    async with provider.db.read() as connection:
        rows = await connection.execute(
            select(logout_messages.c.state).where(
                logout_messages.c.client_id == client_id, logout_messages.c.session_id.in_(session_ids)
            )
        )
        statuses = {_status(row.state) for row in rows}
    worst = next((status for status in _WORST_FIRST if status in statuses), None)
    return None if worst is None else AppEnding(view_of(client), worst, has_front_channel(client))


def logout_token_claims(letter: Letter, *, issuer: str, subject: str, jti: str, now: datetime) -> dict[str, Any]:
    """Return the claims of Back-Channel Logout §2.4: the app's own `sub` and `sid`, and never a nonce."""
    issued_at = int(now.timestamp())
    return {
        "iss": issuer,
        "aud": letter.client_id,
        "iat": issued_at,
        "exp": issued_at + int(TOKEN_LIFETIME.total_seconds()),
        "jti": jti,
        "events": {EVENT: {}},
        "sub": subject,
        "sid": letter.sid,
    }


async def _post(letter: Letter, provider: Provider, http: LogoutPoster, now: datetime) -> Outcome:
    client = provider.clients.find(letter.client_id)
    if client is None or client.backchannel_logout_uri is None:
        return Settled(NO_CHANNEL)
    claims = logout_token_claims(
        letter,
        issuer=provider.issuer,
        subject=provider.subjects.subject(client.sector, letter.person_id),
        jti=provider.entropy.identifier(),
        now=now,
    )
    try:
        token = await _sign(claims, client, provider, now)
    except ClientKeysUnavailable as unavailable:
        return TryAgain(unavailable.problem)
    status = await http.post_form(
        client.backchannel_logout_uri, {"logout_token": token}, provider.limits.logout_timeout
    )
    # Back-Channel Logout §2.8: 200, and by habit of some frameworks 204.
    return Settled(DELIVERED) if status in (200, 204) else TryAgain(f"status {status}")


async def _sign(claims: Mapping[str, Any], client: Client, provider: Provider, now: datetime) -> str:
    """Return the token, signed and where the app wants it encrypted as its ID tokens are (§2.4)."""
    registered = client.metadata.algorithms
    algorithm = signing_algorithm(registered.id_token_signed_response_alg)
    token = provider.keys.sign_jwt(claims, purpose="oidc", alg=algorithm, typ=TYPE, now=now)
    wanted = registered.id_token_encrypted_response
    return token if wanted is None else await encrypt_for(client, token, wanted, provider=provider)


def _record(letter: Letter, end: Settled, now: datetime) -> Entry:
    return Entry(
        kind="oauth.logout_message",
        at=now,
        outcome="done" if end.state == DELIVERED else "failed",
        client=letter.client_id,
        actor="system:logout",
        details={"state": end.state, "attempts": letter.attempts, "problem": end.problem},
        personal={"person": letter.person_id, "session": letter.session_id},
    )


_LOGOUTS = Outbox(table=logout_messages, receiver="client_id", record=_record)


def _status(state: str) -> EndingStatus:
    statuses: dict[str, EndingStatus] = {
        DELIVERED: "told",
        ASKED: "asked",
        WAITING: "waiting",
        DEAD: "failed",
        NO_CHANNEL: "no_channel",
    }
    return statuses[state]
