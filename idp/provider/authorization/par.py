"""The endpoint for pushed authorization requests (RFC 9126): an app's server leaves its request here and gets a name for it.

The client authenticates as at the token endpoint, and the request is judged here as it will be judged again when the browser brings its
name: what breaks a rule never reaches a person. Errors are JSON, whatever they would be in a browser (RFC 9126 §2.3).
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from foundation.ledger import Entry
from idp.provider.authorization.pushed_requests import new_request_uri, pushed_request_row
from idp.provider.authorization.request import check_address, parse_authorization_request
from idp.provider.authorization.request_reasons import DPOP_KEY_DIFFERS, REQUEST_BY_TWO_WAYS
from idp.provider.authorization.sources import open_request_object
from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.back_channel_endpoint import answer_back_channel
from idp.provider.clients.policies import policy_of
from idp.provider.clients.registry import Client
from idp.provider.composition import Origin, Provider
from idp.provider.errors import InvalidClient, TokenError
from idp.provider.parameters import Parameters
from idp.provider.scopes import join_scope
from idp.provider.tokens.reasons import CLIENT_NOT_AUTHENTICATED

ENDPOINT: Final = "par"
_CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


async def push_authorization_request(
    request: BackChannelRequest, *, provider: Provider, now: datetime
) -> OAuthResponse:
    """Answer one pushed request: 201 with its name, on record; a refusal is JSON and on record as well."""
    return await answer_back_channel(request, ENDPOINT, provider=provider, now=now)


async def keep_pushed_request(
    form: Parameters,
    client: Client,
    *,
    auth_method: str,
    dpop_thumbprint: str | None,
    provider: Provider,
    origin: Origin,
    now: datetime,
) -> dict[str, Any]:
    """Judge the request of an authenticated client, keep it, and return the members of the answer (RFC 9126 §2.2).

    `dpop_thumbprint` names the key that the request proved possession of by DPoP: it binds the code (RFC 9449 §10.1). Raises ProtocolError.
    """
    policy = policy_of(client)
    if policy is None or auth_method not in policy.auth_methods:
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "authentication method outside the policy")
    if form.get("request_uri") is not None:
        # RFC 9126 §2.1: what is pushed is a request, never the name of one.
        raise TokenError(REQUEST_BY_TWO_WAYS, "request_uri at the PAR endpoint")
    signed = await open_request_object(form, client, provider=provider, now=now)
    parameters = _without_credentials(form, client) if signed is None else signed
    parameters = _bound(parameters, dpop_thumbprint)
    address = check_address(parameters, provider.clients)
    asked = parse_authorization_request(
        parameters,
        address,
        issuer=provider.issuer,
        now=now,
        is_pushed=True,
        is_signed=signed is not None,
        license_types=provider.license_types,
    )
    request_uri, lifetime = new_request_uri(provider.entropy), provider.limits.pushed_request_lifetime
    row = pushed_request_row(
        request_uri,
        client.client_id,
        parameters,
        is_signed=signed is not None,
        expires_at=now + lifetime,
        now=now,
    )
    entry = Entry(
        kind=f"oauth.{ENDPOINT}",
        at=now,
        outcome="allowed",
        actor=f"client:{client.client_id}",
        department=client.department_id,
        client=client.client_id,
        request_id=origin.request_id,
        details={"scope": join_scope(asked.scope), "is_signed": asked.is_signed},
    )
    await provider.ledger.append(entry, inserts=[row])
    return {"request_uri": request_uri, "expires_in": int(lifetime.total_seconds())}


def _without_credentials(form: Parameters, client: Client) -> Parameters:
    """Take out what authenticates the client: it is no part of the request, and must be kept nowhere."""
    values = {name: value for name, value in form.values.items() if name not in _CREDENTIALS}
    values.setdefault("client_id", client.client_id)
    return replace(form, values=values)


def _bound(parameters: Parameters, dpop_thumbprint: str | None) -> Parameters:
    """Name the DPoP key of the push in the request; a `dpop_jkt` of the client's own must agree with it (RFC 9449 §10.1)."""
    if dpop_thumbprint is None:
        return parameters
    if parameters.get("dpop_jkt") not in (None, dpop_thumbprint):
        raise TokenError(DPOP_KEY_DIFFERS, "dpop_jkt is not the key of the proof")
    return replace(parameters, values={**parameters.values, "dpop_jkt": dpop_thumbprint})
