"""Response types (OAuth 2.0 Multiple Response Type Encoding Practices): what the authorization endpoint itself hands out."""

from collections.abc import Mapping

from idp.provider.authorization.reasons import CLIENT_NOT_ALLOWED, UNSUPPORTED_RESPONSE_TYPE
from idp.provider.authorization.response_reasons import NONCE_MISSING
from idp.provider.clients.policies import CODE, HYBRID, ID_TOKEN, IMPLICIT, TOKEN, needs_bound_tokens
from idp.provider.clients.registry import Client
from idp.provider.errors import RedirectableError

NONE = "none"
FRONT_CHANNEL = IMPLICIT | HYBRID
"""Tokens travel through the browser."""
RESPONSE_TYPES = frozenset({CODE, NONE}) | FRONT_CHANNEL

_BY_PARTS: Mapping[frozenset[str], str] = {frozenset(name.split(" ")): name for name in RESPONSE_TYPES}


def parse_response_type(text: str | None) -> str:
    """Return the response type in the spelling of this module: the order of its values means nothing (§3, RFC 6749 §3.1.1).

    Raises RedirectableError for one that is unknown, missing, or names a value twice.
    """
    parts = (text or "").split(" ")
    known = _BY_PARTS.get(frozenset(parts))
    if known is None or len(set(parts)) != len(parts):
        raise RedirectableError(UNSUPPORTED_RESPONSE_TYPE)
    return known


def gives(response_type: str, part: str) -> bool:
    """Tell whether the answer carries a `code`, an `id_token` or a `token`."""
    return part in response_type.split(" ")


def is_front_channel(response_type: str) -> bool:
    """Tell whether tokens travel through the browser: then never in a query (OpenID Connect Core §3.2.2.5, §3.3.2.5)."""
    return gives(response_type, TOKEN) or gives(response_type, ID_TOKEN)


def check_front_channel(response_type: str, *, nonce: str | None, client: Client) -> None:
    """Raise RedirectableError when what the answer would carry lacks its protection.

    An ID token in the answer needs the client's nonce (OpenID Connect Core §3.2.2.1, §3.3.2.11). An access token there is held by whoever
    sees it, so a client whose tokens must be bound never gets one (FAPI 2.0 Security Profile §5.3.2.1).
    """
    if gives(response_type, ID_TOKEN) and nonce is None:
        raise RedirectableError(NONCE_MISSING)
    if gives(response_type, TOKEN) and needs_bound_tokens(client):
        raise RedirectableError(CLIENT_NOT_ALLOWED, "a token in the answer cannot be bound")
