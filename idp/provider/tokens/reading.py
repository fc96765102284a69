"""Reading an access token as it is presented, whichever form the client was given: every door begins here."""

from datetime import datetime

from idp.provider.composition import Provider
from idp.provider.tokens.access_tokens import VerifiedAccessToken, read_access_token


async def read_token(text: str, *, provider: Provider, now: datetime) -> VerifiedAccessToken:
    """Check everything about a presented token but audience, scope and possession, which are the caller's to compare.

    Raises InvalidToken, or StorageUnavailable when revocations have not been heard lately or an opaque token cannot be looked up. A JWT
    costs no SQL, nor does an opaque token that this worker knows.
    """
    return read_access_token(
        await provider.opaque_tokens.signed_form(text),
        issuer=provider.issuer,
        keys=provider.keys,
        sealer=provider.sealer,
        revocations=provider.revocations,
        now=now,
    )
