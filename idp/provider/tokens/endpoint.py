"""The token endpoint (RFC 6749 §3.2): codes, refresh tokens and client credentials become access tokens."""

from datetime import datetime

from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.back_channel_endpoint import answer_back_channel
from idp.provider.composition import Provider


async def token(request: BackChannelRequest, *, provider: Provider, now: datetime) -> OAuthResponse:
    """Answer one token request. What is returned is on record, refusals as well."""
    return await answer_back_channel(request, "token", provider=provider, now=now)
