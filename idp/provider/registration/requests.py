"""Requests to the registration endpoints read strictly, and their refusals in the form of RFC 7591 §3.2.2."""

import hashlib
from datetime import datetime
from typing import Any

from foundation.ledger import Entry
from foundation.strict_json import MalformedJson, parse_strict_json
from idp.provider.back_channel import NO_STORE, BackChannelRequest, OAuthResponse, record_refusal
from idp.provider.composition import Provider
from idp.provider.errors import InvalidClientMetadata, ProtocolError, Reason, TokenError
from idp.provider.registration.reasons import (
    REGISTRATION_MALFORMED,
    SOFTWARE_STATEMENT_REFUSED,
    TOO_MANY_REGISTRATIONS,
)

JSON = "application/json"
DEEPEST = 8
LONGEST_TOKEN = 256

Refusal = ProtocolError | InvalidClientMetadata


def read_document(request: BackChannelRequest, *, max_octets: int) -> dict[str, Any]:
    """Return the JSON object of the body (RFC 7591 §3.1); raises TokenError for any other shape, and for a software statement."""
    if len(request.content_type) != 1 or request.content_type[0].partition(";")[0].strip().lower() != JSON:
        raise TokenError(REGISTRATION_MALFORMED, "another media type")
    if len(request.body) > max_octets:
        raise TokenError(REGISTRATION_MALFORMED, "too long")
    try:
        document = parse_strict_json(request.body, max_depth=DEEPEST)
    except MalformedJson as malformed:
        raise TokenError(REGISTRATION_MALFORMED, str(malformed)) from malformed
    if not isinstance(document, dict):
        raise TokenError(REGISTRATION_MALFORMED, "not an object")
    if document.get("software_statement") is not None:
        raise TokenError(SOFTWARE_STATEMENT_REFUSED)
    return document


def read_token(request: BackChannelRequest, reason: Reason) -> str:
    """Return the token of the one `Authorization: Bearer` header; raises TokenError with the endpoint's reason."""
    if len(request.authorization) != 1:
        raise TokenError(reason, "no Authorization header, or several")
    scheme, _, token = request.authorization[0].partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= LONGEST_TOKEN:
        raise TokenError(reason, "no bearer token")
    return token


async def check_rate(network: str, provider: Provider) -> None:
    """Refuse an address that asks too often, since a request here may cost a fetch; the bound is that of the token endpoint."""
    limits = provider.limits
    if limits.token_requests_per_window == 0:
        return
    counted = hashlib.sha256(network.encode("utf-8", "replace")).hexdigest()
    result = await provider.store.hit_window(
        f"provider:registration-rate:{counted}", limits.token_requests_per_window, limits.token_request_window
    )
    if not result.allowed:
        raise TokenError(TOO_MANY_REGISTRATIONS)


async def answer_refusal(
    refused: Refusal,
    *,
    kind: str,
    client_id: str | None,
    request: BackChannelRequest,
    provider: Provider,
    now: datetime,
) -> OAuthResponse:
    """Put the refusal on record and return its answer."""
    if isinstance(refused, ProtocolError):
        error, text = refused.reason.error, refused.reason.entry.title_en
        await record_refusal(refused, kind=kind, client_id=client_id, provider=provider, origin=request.origin, now=now)
    else:
        error, text = refused.error, refused.description_en
        entry = Entry(
            kind=kind,
            at=now,
            outcome="refused",
            code=refused.code,
            client=client_id,
            request_id=request.origin.request_id,
            details={"error": error, "member": refused.member[:64]},
        )
        await provider.ledger.append(entry)
    body = {
        "error": error,
        # RFC 6749 §5.2 allows printable ASCII without quotes and backslashes here.
        "error_description": "".join(one if " " <= one <= "~" and one not in '"\\' else "?" for one in text),
        "error_code": refused.code,
    }
    headers = dict(NO_STORE)
    if refused.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="renzheng", error="invalid_token"'
    if refused.status == 429:
        headers["Retry-After"] = str(int(provider.limits.token_request_window.total_seconds()))
    return OAuthResponse(refused.status, body, headers)
