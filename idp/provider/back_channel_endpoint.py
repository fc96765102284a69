"""One way through all back-channel endpoints:

Read, find the claimed client, limit, run the core, record refusals.
"""

import hashlib
from datetime import datetime
from typing import Literal

from idp.provider.back_channel import (
    BackChannelRequest,
    OAuthResponse,
    read_form,
    record_refusal,
    render_refusal,
)
from idp.provider.composition import Provider
from idp.provider.errors import ProtocolError, TokenError
from idp.provider.proof.client_auth import read_credentials
from idp.provider.tokens.reasons import TOO_MANY_TOKEN_REQUESTS

Endpoint = Literal["token", "introspection", "revocation", "par", "device_authorization", "ciba"]

_COUNTED = frozenset({"token", "par", "device_authorization", "ciba"})
"""Endpoints that keep something for every request that they take."""


async def answer_back_channel(
    request: BackChannelRequest, endpoint: Endpoint, *, provider: Provider, now: datetime
) -> OAuthResponse:
    """Answer one request.

    A refusal is returned, and on record; StorageUnavailable says that nothing happened.
    """
    client_id = None
    try:
        form = read_form(request, max_octets=provider.limits.max_form_octets)
        presented = read_credentials(request.authorization, form)
        client_id = presented.client_id
        if endpoint in _COUNTED:
            await _check_rate(endpoint, client_id, request.origin.network, provider)
        await provider.clients.refresh()
        await provider.clients.learn(client_id)
        return await provider.core.answer(endpoint, request, form, presented, provider=provider, now=now)
    except ProtocolError as refused:
        known = client_id if client_id is not None and provider.clients.find(client_id) else None
        await record_refusal(
            refused,
            kind=f"oauth.{endpoint}",
            client_id=known,
            provider=provider,
            origin=request.origin,
            now=now,
        )
        window = int(provider.limits.token_request_window.total_seconds())
        return render_refusal(refused, window_seconds=window)


async def _check_rate(endpoint: Endpoint, client_id: str, network: str, provider: Provider) -> None:
    """Refuse a client that asks one endpoint too often from one address; the counter fails closed with the store."""
    limit = provider.limits.token_requests_per_window
    if limit == 0:
        return
    counted = hashlib.sha256(f"{endpoint}\n{client_id}\n{network}".encode("utf-8", "replace")).hexdigest()
    result = await provider.store.hit_window(
        f"provider:token-rate:{counted}", limit, provider.limits.token_request_window
    )
    if not result.allowed:
        raise TokenError(TOO_MANY_TOKEN_REQUESTS)
