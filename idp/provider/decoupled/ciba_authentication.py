"""The backchannel authentication endpoint (OpenID CIBA Core §7): a counter asks, and the person's own phone answers."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from foundation.ledger import Entry, Insert
from idp.provider.authorization.request_objects import verify_request_object
from idp.provider.clients.policies import CIBA, policy_of
from idp.provider.clients.registry import Client
from idp.provider.composition import Origin, Provider
from idp.provider.decoupled.asked import judge_asked
from idp.provider.decoupled.binding_messages import check_binding_message
from idp.provider.decoupled.hints import HINTS, Addressed, find_addressed
from idp.provider.decoupled.pings import held_notification
from idp.provider.decoupled.reasons import (
    AUTHENTICATION_REQUEST_MALFORMED,
    MUST_BE_SIGNED_REQUEST,
    TOO_MANY_CONFIRMATIONS,
)
from idp.provider.decoupled.requests import DecoupledRequest, new_request, secret_hash
from idp.provider.errors import TokenError
from idp.provider.parameters import Parameters
from idp.provider.proof.client_jwts import UnusableJwt, identifier_of, instant_of
from idp.provider.proof.one_time import use_once
from idp.provider.scopes import join_scope
from idp.signin.attempt_store import reserve_attempts, within
from idp.signin.throttling import Held, Window
from idp.signin.visits import coarse_network

ENDPOINT = "ciba"
PARAMETERS = frozenset(
    {
        *HINTS,
        "scope",
        "client_notification_token",
        "acr_values",
        "binding_message",
        "user_code",
        "requested_expiry",
        "claims",
        "authorization_details",
    }
)
_JSON = frozenset({"claims", "authorization_details"})
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]{1,1024}=*", re.ASCII)
_LONGEST_TOKEN = 1_024
_EXPIRY = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


async def begin_ciba(
    form: Parameters, client: Client, *, auth_method: str, provider: Provider, origin: Origin, now: datetime
) -> dict[str, Any]:
    """Keep the request of an authenticated client and return the members of the answer (CIBA Core §7.3); raises TokenError.

    A request for nobody gets the same answer in the same steps as one for somebody; nobody can confirm it.
    """
    parameters = await _sourced(form, client, provider, now)
    asked = judge_asked(parameters, client, grant_type=CIBA, auth_method=auth_method, provider=provider, now=now)
    token = _judge_notification_token(parameters.get("client_notification_token"), client)
    message = check_binding_message(parameters.get("binding_message"))
    lifetime = _judge_expiry(parameters.get("requested_expiry"), provider)
    if parameters.get("user_code") is not None:
        raise TokenError(AUTHENTICATION_REQUEST_MALFORMED, "user_code is not supported")
    addressed = await find_addressed(parameters, client, provider=provider, now=now)
    person_id = await _count(addressed, provider, now)
    auth_req_id = provider.entropy.token()
    waiting = DecoupledRequest(
        request_id=provider.entropy.identifier(),
        kind="ciba",
        secret_hash=secret_hash("ciba", auth_req_id),
        client_id=client.client_id,
        person_id=person_id,
        asked=asked,
        binding_message=message,
        network=coarse_network(origin.network),
        state="pending",
        interval=provider.limits.polling_interval,
        polled_at=None,
        created_at=now,
        expires_at=now + lifetime,
    )
    rows: list[Insert] = [new_request(waiting)]
    if token is not None:
        rows.append(held_notification(waiting, auth_req_id=auth_req_id, token=token, provider=provider, now=now))
    entry = Entry(
        kind=f"oauth.{ENDPOINT}",
        at=now,
        outcome="allowed",
        actor=f"client:{client.client_id}",
        department=client.department_id,
        client=client.client_id,
        request_id=origin.request_id,
        details={"request": waiting.request_id, "scope": join_scope(asked.scope)},
        # For nobody as for somebody, so that the record of an unknown hint looks like any other.
        personal={"person": person_id},
    )
    await provider.ledger.append(entry, inserts=rows)
    return {
        "auth_req_id": auth_req_id,
        "expires_in": int(lifetime.total_seconds()),
        "interval": int(waiting.interval.total_seconds()),
    }


async def _sourced(form: Parameters, client: Client, provider: Provider, now: datetime) -> Parameters:
    """Return the parameters: those of the form, or all of them from the signed request (CIBA Core §7.1.1)."""
    policy, registered_alg = (
        policy_of(client),
        client.metadata.algorithms.backchannel_authentication_request_signing_alg,
    )
    request = form.get("request")
    if request is None:
        if policy is None or policy.requires_signed_request or registered_alg is not None:
            raise TokenError(MUST_BE_SIGNED_REQUEST, "not signed")
        return form
    if form.resources or any(form.get(name) is not None for name in PARAMETERS):
        raise TokenError(AUTHENTICATION_REQUEST_MALFORMED, "parameters beside the signed request")
    try:
        claims = await verify_request_object(
            request, client, registered_alg=registered_alg, strict=True, provider=provider, now=now
        )
        expires_at = instant_of(claims, "exp")
        if instant_of(claims, "iat") is None or expires_at is None:
            raise UnusableJwt("iat or exp is missing")
        await _use_once(client, identifier_of(claims, "jti"), expires_at, provider)
    except UnusableJwt as unusable:
        raise TokenError(MUST_BE_SIGNED_REQUEST, str(unusable)) from unusable
    values = {name: _rendered(name, claims[name]) for name in sorted(PARAMETERS) if claims.get(name) not in (None, "")}
    resource = claims.get("resource", [])
    resources = tuple(resource) if isinstance(resource, list) else (resource,)
    if not all(isinstance(entry, str) for entry in resources):
        raise TokenError(AUTHENTICATION_REQUEST_MALFORMED, "resource")
    return Parameters(values, resources=resources)


def _rendered(name: str, value: object) -> str:
    """Return a member of the signed request as the parameter it stands for; JSON stays JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, dict | list) and name in _JSON:
        return orjson.dumps(value).decode()
    raise TokenError(AUTHENTICATION_REQUEST_MALFORMED, f"{name} has another type")


async def _use_once(client: Client, jti: str, expires_at: float, provider: Provider) -> None:
    """Let each signed request ring once: whoever gets hold of one must not ring again (CIBA Core §7.1.1)."""
    until = datetime.fromtimestamp(expires_at, UTC)
    if not await use_once("ciba-request", f"{client.client_id}\n{jti}", expires_at=until, provider=provider):
        raise UnusableJwt("jti was used")


def _judge_notification_token(token: str | None, client: Client) -> str | None:
    """Return the token for the notification, None for a polling client (CIBA Core §7.1)."""
    if client.metadata.backchannel_token_delivery_mode != "ping":
        return None
    if token is None or len(token) > _LONGEST_TOKEN or not _TOKEN.fullmatch(token):
        raise TokenError(AUTHENTICATION_REQUEST_MALFORMED, "client_notification_token missing or malformed")
    return token


def _judge_expiry(text: str | None, provider: Provider) -> timedelta:
    limits = provider.limits
    if text is None:
        return limits.ciba_lifetime
    if not _EXPIRY.fullmatch(text):
        raise TokenError(AUTHENTICATION_REQUEST_MALFORMED, "requested_expiry is no positive integer")
    return min(timedelta(seconds=int(text)), limits.ciba_longest_lifetime)


async def _count(addressed: Addressed, provider: Provider, now: datetime) -> str | None:
    """Count the request against its hint and its person, and return whom it reaches.

    Too many for one hint are refused, whether it names anybody or not. Too many for one person under several hints reach nobody, silently:
    a refusal would tell that the hints belong together.
    """
    window = Window(provider.limits.ciba_requests_per_person, provider.limits.ciba_request_window)
    async with provider.db.transaction() as connection:
        held = await reserve_attempts(
            provider.db, connection, [within("ciba.hint", addressed.counted, window, now=now)], now=now
        )
        if isinstance(held, Held):
            raise TokenError(TOO_MANY_CONFIRMATIONS)
        person_id = addressed.person_id
        subject = addressed.counted if person_id is None else provider.index.index("ciba.person", person_id)
        held = await reserve_attempts(
            provider.db, connection, [within("ciba.person", subject, window, now=now)], now=now
        )
    return None if isinstance(held, Held) else person_id
