"""Bearer tokens at a protected resource (RFC 6750):

Read from the header alone, verified, and challenged when not good.
"""

from datetime import datetime

from idp.provider.access_tokens import VerifiedAccessToken, check_reach, read_access_token
from idp.provider.back_channel import NO_STORE, OAuthResponse
from idp.provider.composition import Provider
from idp.provider.errors import InsufficientScope, InvalidToken

SCHEME = "bearer"


def read_bearer(authorization: tuple[str, ...]) -> str:
    """Return the token of the one `Authorization: Bearer` header (RFC 6750 §2.1), or raise InvalidToken.

    Form and query are never looked at: a token there ends up in logs and histories (RFC 6750 §2.3, RFC 9700
    §4.3.2).
    """
    if len(authorization) != 1:
        raise InvalidToken("no Authorization header, or several")
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != SCHEME or not token:
        raise InvalidToken("another scheme")
    return token


def verify_access_token(
    token: str, *, audience: str, scope: str, provider: Provider, now: datetime
) -> VerifiedAccessToken:
    """Return the verified token when it is alive, for this audience, and carries the scope.

    Memory alone. Raises InvalidToken, InsufficientScope, or StorageUnavailable when revocations have not
    been heard lately. Not checked: whether the account is still open, which its revocation announces.
    """
    verified = read_access_token(
        token,
        issuer=provider.issuer,
        keys=provider.keys,
        sealer=provider.sealer,
        revocations=provider.revocations,
        now=now,
    )
    check_reach(verified, audience=audience, scope=scope)
    return verified


def challenge_for(refused: InvalidToken | InsufficientScope) -> str:
    """Return the `WWW-Authenticate` value of RFC 6750 §3."""
    if isinstance(refused, InsufficientScope):
        return f'Bearer realm="renzheng", error="insufficient_scope", scope="{refused.scope}"'
    return 'Bearer realm="renzheng", error="invalid_token", error_description="Access token not valid"'


def render_challenge(refused: InvalidToken | InsufficientScope) -> OAuthResponse:
    """Return the refusal of a protected resource that answers in OAuth's own form."""
    body = {
        "error": "insufficient_scope" if isinstance(refused, InsufficientScope) else "invalid_token",
        "error_description": refused.error_code.title_en,
        "error_code": refused.code,
    }
    return OAuthResponse(refused.status, body, {**NO_STORE, "WWW-Authenticate": challenge_for(refused)})
