"""Reading an access token as it is presented, whichever form the client was given: every door begins here."""

from datetime import datetime

from idp.provider.composition import Provider
from idp.provider.errors import InvalidToken
from idp.provider.tokens.access_tokens import VerifiedAccessToken, read_access_token


async def read_token(text: str, *, provider: Provider, now: datetime) -> VerifiedAccessToken:
    """Check everything about a presented token but audience, scope and possession, which are the caller's to compare.

    Raises InvalidToken, or StorageUnavailable when revocations have not been heard lately or an opaque token cannot be looked up. A JWT
    costs no SQL, nor does an opaque token that this worker knows.
    """
    return judge_token(await provider.opaque_tokens.signed_form(text), provider=provider, now=now)


async def find_signed_form(text: str | None, *, provider: Provider) -> str | None:
    """Return the signed token that a presented one stands for, itself mostly; None without one or for an unknown reference.

    Raises StorageUnavailable when an opaque token cannot be looked up.
    """
    try:
        return None if text is None else await provider.opaque_tokens.signed_form(text)
    except InvalidToken:
        return None


def judge_token(signed: str, *, provider: Provider, now: datetime) -> VerifiedAccessToken:
    """Check a token in its signed form as `read_token` does, from memory alone; raises what that does."""
    return read_access_token(
        signed,
        issuer=provider.issuer,
        keys=provider.keys,
        sealer=provider.sealer,
        revocations=provider.revocations,
        now=now,
    )
