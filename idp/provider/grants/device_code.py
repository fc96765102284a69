"""The device code grant (RFC 8628 §3.4)."""

from datetime import datetime

from idp.provider.clients.policies import DEVICE_CODE
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.decoupled.polling import redeem_decoupled
from idp.provider.parameters import Parameters
from idp.provider.tokens.granting import Grant

GRANT_TYPE = DEVICE_CODE


async def redeem_device_code(form: Parameters, client: Client, *, provider: Provider, now: datetime) -> Grant:
    """Return the grant of an approved device to its one winner, or raise TokenError."""
    return await redeem_decoupled("device", form, client, provider=provider, now=now)
