"""Token introspection (RFC 7662): whether an access token is alive, told to the resource it was made for.

Answered from memory: signature, times and the list of revocations. Everything that is not alive, not ours
or not for the asking resource gets the same answer, `{"active": false}` (RFC 7662 §2.2, §4).
"""

from datetime import datetime
from typing import Any

from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.back_channel_endpoint import answer_back_channel
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.errors import InvalidToken
from idp.provider.scopes import join_scope
from idp.provider.tokens.access_tokens import act_claim
from idp.provider.tokens.reading import judge_token


async def introspect(request: BackChannelRequest, *, provider: Provider, now: datetime) -> OAuthResponse:
    """Answer one introspection request.

    Refusals are on record, answers disclose nothing and are not recorded.
    """
    return await answer_back_channel(request, "introspection", provider=provider, now=now)


def introspected_members(signed: str, client: Client, *, provider: Provider, now: datetime) -> dict[str, Any] | None:
    """Return the members of RFC 7662 §2.2 for a live token of a resource that the client serves, else None."""
    try:
        verified = judge_token(signed, provider=provider, now=now)
    except InvalidToken:
        return None
    if client.introspects.isdisjoint(verified.audience):
        return None
    members: dict[str, Any] = {
        "active": True,
        "scope": join_scope(sorted(verified.scope)),
        "client_id": verified.client_id,
        "token_type": "Bearer" if verified.confirmation is None else verified.confirmation.token_type,
        "exp": int(verified.expires_at.timestamp()),
        "iat": int(verified.issued_at.timestamp()),
        "sub": verified.subject,
        "aud": verified.audience[0] if len(verified.audience) == 1 else list(verified.audience),
        "iss": provider.issuer,
        "jti": verified.jti,
    }
    if verified.authorization_details:
        members["authorization_details"] = list(verified.authorization_details)
    if verified.actors:
        members["act"] = act_claim(verified.actors)
    if verified.confirmation is not None:
        # The resource checks the proof itself: this endpoint never sees it (RFC 9449 §6.2, RFC 8705 §3.2).
        members["cnf"] = verified.confirmation.as_claim()
    if verified.acr is not None:
        members["acr"] = verified.acr
    if verified.auth_time is not None:
        members["auth_time"] = int(verified.auth_time.timestamp())
    return members
