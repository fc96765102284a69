"""Token revocation (RFC 7009): a client gives back its own tokens.

Revoking a refresh token ends its grant and with it every access token; revoking an access token ends that
one. A token that is unknown, over or somebody else's is answered like a revoked one and nothing happens to
it.
"""

from dataclasses import dataclass
from datetime import datetime

from foundation.ledger import Entry
from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.back_channel_endpoint import answer_back_channel
from idp.provider.clients.registry import Client
from idp.provider.composition import Origin, Provider
from idp.provider.errors import InvalidToken
from idp.provider.tokens.granting import end_grants
from idp.provider.tokens.reading import read_token
from idp.provider.tokens.refreshing import parse_refresh_token
from idp.provider.tokens.revocations import revocation


@dataclass(frozen=True, slots=True)
class RevocableToken:
    """A live token of the asking client:

    `jti` is set for an access token, `grant_id` alone for a refresh token.
    """

    grant_id: str | None
    jti: str | None


async def revoke(request: BackChannelRequest, *, provider: Provider, now: datetime) -> OAuthResponse:
    """Answer one revocation request with an empty 200 (RFC 7009 §2.2)."""
    answered = await answer_back_channel(request, "revocation", provider=provider, now=now)
    return OAuthResponse(answered.status, answered.body or None, answered.headers)


async def find_revocable(token: str, client: Client, *, provider: Provider, now: datetime) -> RevocableToken | None:
    """Return the token when it is alive and the client's; the hint is not needed, since the forms differ."""
    presented = parse_refresh_token(token)
    if presented is not None:
        family = await provider.families.find(presented.family_id)
        if family is None or family.client_id != client.client_id or family.grant.ended_at is not None:
            return None
        return RevocableToken(family.grant.grant_id, None)
    try:
        verified = await read_token(token, provider=provider, now=now)
    except InvalidToken:
        return None
    if verified.client_id != client.client_id:
        return None
    return RevocableToken(verified.grant_id, verified.jti)


async def end_token(
    token: RevocableToken, client: Client, *, provider: Provider, origin: Origin, now: datetime
) -> None:
    """Revoke the token durably; when this returns, this worker refuses it and the others soon will."""
    is_access_token = token.jti is not None
    key = f"jti:{token.jti}" if is_access_token else f"grant:{token.grant_id}"
    change = revocation(key, lifetime=provider.limits.access_token_lifetime, now=now)
    details = {"token": "access_token" if is_access_token else "refresh_token"}
    if token.jti is not None:
        details["jti"] = token.jti
    if token.grant_id is not None:
        details["grant_id"] = token.grant_id
    entry = Entry(
        kind="oauth.token_revoked",
        at=now,
        outcome="done",
        actor=f"client:{client.client_id}",
        client=client.client_id,
        request_id=origin.request_id,
        details=details,
    )
    if is_access_token:
        await provider.ledger.append(entry, changes=[change])
        return
    async with provider.db.transaction() as connection:
        await end_grants(connection, grant_id=token.grant_id, now=now)
        await provider.ledger.append_in(connection, entry, changes=[change])
    provider.feed.apply([change])
