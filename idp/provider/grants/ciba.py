"""The CIBA grant (OpenID Client-Initiated Backchannel Authentication Core §10.1, poll and ping)."""

from datetime import datetime

from idp.provider.clients.policies import CIBA
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.decoupled.polling import redeem_decoupled
from idp.provider.parameters import Parameters
from idp.provider.tokens.granting import Grant

GRANT_TYPE = CIBA


async def redeem_auth_req_id(form: Parameters, client: Client, *, provider: Provider, now: datetime) -> Grant:
    """Return the grant of a confirmed request to its one winner, or raise TokenError."""
    return await redeem_decoupled("ciba", form, client, provider=provider, now=now)
