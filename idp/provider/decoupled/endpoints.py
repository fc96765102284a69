"""The two endpoints where an app begins without a browser, as the HTTP layer calls them."""

from datetime import datetime

from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.back_channel_endpoint import answer_back_channel
from idp.provider.composition import Provider


async def authorize_device(request: BackChannelRequest, *, provider: Provider, now: datetime) -> OAuthResponse:
    """Answer one device authorization request (RFC 8628 §3.1). What is returned is on record, refusals as well."""
    return await answer_back_channel(request, "device_authorization", provider=provider, now=now)


async def authenticate_on_other_device(
    request: BackChannelRequest, *, provider: Provider, now: datetime
) -> OAuthResponse:
    """Answer one backchannel authentication request (CIBA Core §7). What is returned is on record, refusals as well."""
    return await answer_back_channel(request, "ciba", provider=provider, now=now)
