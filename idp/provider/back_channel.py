"""Requests from servers to the token, introspection and revocation endpoints: read strictly, answered as
JSON.

RFC 6749 §3.2 and appendix B: a form in the body, every parameter once. A query is never looked at, and a
parameter found there is refused, because an address ends up in logs.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from foundation.ledger import Entry
from foundation.values import value_type
from idp.provider.composition import NOWHERE, Origin, Provider
from idp.provider.errors import InvalidClient, ProtocolError, TokenError
from idp.provider.parameters import Parameters, UnreadableParameters, parse_parameters
from idp.provider.proof.reasons import UseDPoPNonce
from idp.provider.tokens.reasons import TOKEN_REQUEST_MALFORMED, TOO_MANY_TOKEN_REQUESTS

FORM = "application/x-www-form-urlencoded"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@value_type
class BackChannelRequest:
    """One request as it arrived.

    Header values are raw and in order; `body` is already bounded by the HTTP layer.
    """

    authorization: tuple[str, ...]
    content_type: tuple[str, ...]
    query: bytes
    body: bytes
    origin: Origin = NOWHERE
    method: str = "POST"
    path: str = ""
    dpop: tuple[str, ...] = ()
    """Values of the DPoP header (RFC 9449 §4.1), in order."""
    certificate: bytes | None = None
    """The client's certificate, DER, as a trusted proxy verified the handshake; None without mutual TLS."""
    is_chain_trusted: bool = False
    """Whether the proxy vouches for the certificate's chain too, up to an authority of its own."""
    accept: tuple[str, ...] = ()
    """Values of the Accept header, in order."""


@value_type
class OAuthResponse:
    """An answer: JSON `body`, None for an empty one; a text is sent as it is, under its `media_type`."""

    status: int
    body: Mapping[str, Any] | str | None
    headers: Mapping[str, str] = field(default_factory=lambda: NO_STORE)
    media_type: str = "application/json"


def read_form(request: BackChannelRequest, *, max_octets: int) -> Parameters:
    """Return the form of the body; raises TokenError invalid_request for any other shape."""
    if request.query:
        raise TokenError(TOKEN_REQUEST_MALFORMED, "query present")
    if len(request.content_type) != 1:
        raise TokenError(TOKEN_REQUEST_MALFORMED, "content type missing or repeated")
    media_type, _, charset = request.content_type[0].partition(";")
    if media_type.strip().lower() != FORM or charset.strip().lower().replace('"', "") not in ("", "charset=utf-8"):
        raise TokenError(TOKEN_REQUEST_MALFORMED, "another media type or character set")
    try:
        form = parse_parameters(request.body, max_octets=max_octets)
    except UnreadableParameters as unreadable:
        raise TokenError(TOKEN_REQUEST_MALFORMED, str(unreadable)) from unreadable
    if form.repeated:
        raise TokenError(TOKEN_REQUEST_MALFORMED, "repeated parameter")
    return form


async def record_refusal(
    refused: ProtocolError, *, kind: str, client_id: str | None, provider: Provider, origin: Origin, now: datetime
) -> None:
    """Write the one ledger entry of a refused request.

    What recorded itself in its own transaction is left alone.
    """
    if refused.recorded:
        return
    entry = Entry(
        kind=kind,
        at=now,
        outcome="refused",
        code=refused.code,
        client=None if client_id is None else client_id[:64],
        request_id=origin.request_id,
        details={"error": refused.reason.error},
    )
    await provider.ledger.append(entry)


def render_refusal(refused: ProtocolError, *, window_seconds: int = 60) -> OAuthResponse:
    """Render RFC 6749 §5.2: `error` and `error_description`, and the challenge when Basic was tried."""
    body = {
        "error": refused.reason.error,
        "error_description": refused.reason.entry.title_en,
        "error_code": refused.code,
    }
    headers = dict(NO_STORE)
    if isinstance(refused, InvalidClient) and refused.basic_tried:
        headers["WWW-Authenticate"] = 'Basic realm="renzheng", charset="UTF-8"'
    if refused.reason is TOO_MANY_TOKEN_REQUESTS:
        headers["Retry-After"] = str(window_seconds)
    if isinstance(refused, UseDPoPNonce):
        headers["DPoP-Nonce"] = refused.nonce
    return OAuthResponse(refused.status, body, headers)
