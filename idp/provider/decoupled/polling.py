"""The client's side after the request: it polls, and once the person has agreed it redeems, once (RFC 8628 §3.4, §3.5; CIBA Core §10.1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.provider.clients.policies import CIBA, DEVICE_CODE
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.decoupled.reasons import (
    AUTHORIZATION_PENDING,
    INVALID_AUTH_REQ_ID,
    INVALID_DEVICE_CODE,
    REFUSED_ON_OTHER_DEVICE,
    REQUEST_EXPIRED,
    SLOW_DOWN,
)
from idp.provider.decoupled.requests import DecoupledRequest, Kind, State, find_by_secret, note_poll, secret_hash
from idp.provider.errors import Reason, TokenError
from idp.provider.grants.authorization_code import check_alive, check_readable
from idp.provider.parameters import Parameters
from idp.provider.tokens.granting import Grant
from idp.provider.tokens.reasons import TOKEN_REQUEST_MALFORMED

SLOWER_BY = timedelta(seconds=5)
LONGEST_INTERVAL = timedelta(seconds=60)
"""A client that was told to wait longer than this, and does not, loses its request."""
CLOCK_SLACK = timedelta(milliseconds=500)
"""A poll that is early by less than the jitter of a network is on time."""

GRANT_TYPES: dict[Kind, str] = {"device": DEVICE_CODE, "ciba": CIBA}
_PARAMETERS: dict[Kind, str] = {"device": "device_code", "ciba": "auth_req_id"}
_INVALID: dict[Kind, Reason] = {"device": INVALID_DEVICE_CODE, "ciba": INVALID_AUTH_REQ_ID}


@dataclass(frozen=True, slots=True)
class Judged:
    """What one poll of a pending request leads to: the answer, and what is remembered."""

    reason: Reason
    interval: timedelta
    state: State


def judge_poll(waiting: DecoupledRequest, now: datetime) -> Judged:
    """Return the answer to a poll before the person has answered. Pure.

    RFC 8628 §3.5: an early poll makes the interval five seconds longer, for this and every later request.
    """
    if waiting.polled_at is None or now - waiting.polled_at >= waiting.interval - CLOCK_SLACK:
        return Judged(AUTHORIZATION_PENDING, waiting.interval, "pending")
    slower = waiting.interval + SLOWER_BY
    if slower > LONGEST_INTERVAL:
        return Judged(REQUEST_EXPIRED, waiting.interval, "stopped")
    return Judged(SLOW_DOWN, slower, "pending")


async def redeem_decoupled(kind: Kind, form: Parameters, client: Client, *, provider: Provider, now: datetime) -> Grant:
    """Return the grant of an approved request to its one winner, or raise TokenError.

    The order: whose request it is, what the person said, then the one conditional UPDATE, then whether everything still stands. A foreign
    client learns and changes nothing.
    """
    secret, invalid = form.get(_PARAMETERS[kind]), _INVALID[kind]
    if secret is None:
        raise TokenError(TOKEN_REQUEST_MALFORMED, f"no {_PARAMETERS[kind]}")
    digest = secret_hash(kind, secret)
    waiting = await find_by_secret(provider.db, digest)
    if waiting is None or waiting.client_id != client.client_id:
        raise TokenError(invalid, "unknown or another client's")
    if waiting.state == "refused":
        raise TokenError(REFUSED_ON_OTHER_DEVICE)
    if waiting.state == "stopped" or now >= waiting.expires_at:
        raise TokenError(REQUEST_EXPIRED, "stopped" if waiting.state == "stopped" else "expired")
    if waiting.state == "pending":
        await _keep_waiting(waiting, provider, now)
    await check_readable(client, provider=provider)
    grant = await provider.codes.claim((digest, now))
    if grant is None:
        raise TokenError(invalid, "redeemed before, or ended")
    check_alive(grant, provider, now, client_at=grant.created_at)
    return grant


async def _keep_waiting(waiting: DecoupledRequest, provider: Provider, now: datetime) -> None:
    judged = judge_poll(waiting, now)
    await note_poll(provider.db, waiting, interval=judged.interval, state=judged.state, now=now)
    refused = TokenError(judged.reason)
    # Being asked to wait decides nothing: what is on record is the request, its answer, and its end.
    refused.recorded = judged.state == "pending"
    raise refused
