"""Noticing an app that sends one PKCE challenge again and again.

A challenge has to be made for one authorization (RFC 9700 §2.1.1); an app that reuses it has a constant where PKCE needs a secret, so a
stolen code could be redeemed by whoever once saw the verifier. It is served all the same, since a reload repeats an honest request, but
what goes beyond that is on record with the authorization, and in the log once.
"""

import hashlib
from datetime import timedelta

import structlog

from foundation.problems import ServiceUnavailable
from idp.provider.authorization.request import AuthorizationRequest
from idp.provider.composition import Provider

log = structlog.get_logger(__name__)

WINDOW = timedelta(days=1)


async def count_reused_challenge(request: AuthorizationRequest, *, provider: Provider) -> int | None:
    """Return how many authorizations of the app carried this challenge in a day, when they are more than an honest app needs.

    None says that there is nothing to tell: few of them, no challenge, or a store that cannot count just now, which delays nobody's sign-in.
    """
    if not request.code_challenge:
        return None
    # Hashed: the store's keys are no place for what an app sent.
    named = hashlib.sha256(f"{request.client_id} {request.code_challenge}".encode()).hexdigest()
    try:
        uses = await provider.store.increment(f"pkce:{named}", WINDOW)
    except ServiceUnavailable as failure:
        log.info("challenge_reuse.not_counted", code=failure.code)
        return None
    if uses <= provider.limits.challenge_uses:
        return None
    if uses == provider.limits.challenge_uses + 1:
        log.warning("challenge_reuse.noticed", client=request.client_id, uses=uses)
    return uses
