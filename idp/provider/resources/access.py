"""The one door of every protected resource: a token from the header alone, verified, possessed, and challenged when not good.

RFC 6750 for bearer tokens, RFC 9449 §7 for those bound to a key, RFC 8705 §3 for those bound to a certificate. A bound token never passes as
a bearer token, and a bearer token never with the DPoP scheme, so that nobody can take the protection away from outside.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from foundation.values import value_type
from idp.provider.back_channel import NO_STORE, OAuthResponse
from idp.provider.composition import NOWHERE, Origin, Provider
from idp.provider.errors import InsufficientScope, InvalidToken, TokenError
from idp.provider.proof.client_certificates import certificate_thumbprint
from idp.provider.proof.dpop import PROOF_ALGORITHMS
from idp.provider.proof.reasons import InvalidTokenProof, UseDPoPNonce
from idp.provider.proof.sender_constraint import CERTIFICATE, KEY, Confirmation, confirm_request
from idp.provider.tokens.access_tokens import VerifiedAccessToken, check_reach
from idp.provider.tokens.reading import read_token

BEARER, DPOP = "bearer", "dpop"


@value_type
class ResourceRequest:
    """What a request to a protected resource shows; header values are raw and in order, `path` is as it was sent."""

    authorization: tuple[str, ...]
    method: str = "GET"
    path: str = ""
    dpop: tuple[str, ...] = ()
    certificate: bytes | None = None
    origin: Origin = NOWHERE


async def admit_request(
    request: ResourceRequest, *, audience: str, scope: str, provider: Provider, now: datetime
) -> VerifiedAccessToken:
    """Return the verified token when it is alive, possessed by the caller, for this audience, and carries the scope.

    Raises InvalidToken, InsufficientScope, or StorageUnavailable when revocations have not been heard lately. Not checked: whether the
    account is still open, which its revocation announces.
    """
    verified = await read_presented_token(request, provider=provider, now=now)
    check_reach(verified, audience=audience, scope=scope)
    return verified


async def read_presented_token(request: ResourceRequest, *, provider: Provider, now: datetime) -> VerifiedAccessToken:
    """Return the token of a request when it is ours, alive, and the caller proves to possess what it is bound to.

    Memory alone, but for the one use of a DPoP proof and the first sight of an opaque token. Raises InvalidToken. Audience and scope are the caller's to compare.
    """
    scheme, token = _read_authorization(request.authorization)
    verified = await read_token(token, provider=provider, now=now)
    bound_to = verified.confirmation
    if (bound_to is not None and bound_to.kind == KEY) != (scheme == DPOP):
        raise InvalidToken("the scheme is not that of the token")
    if bound_to is None:
        return verified
    if bound_to.kind == CERTIFICATE:
        if request.certificate is None or certificate_thumbprint(request.certificate) != bound_to.thumbprint:
            raise InvalidToken("not the certificate that the token is bound to")
        return verified
    proved = await _proved_key(request, token, verified, provider, now)
    if proved != bound_to:
        raise InvalidToken("not the key that the token is bound to")
    # Equal, but with the nonce for the answer.
    return replace(verified, confirmation=proved)


def answer_headers(verified: VerifiedAccessToken) -> Mapping[str, str]:
    """Return what every good answer carries besides its own: a fresh nonce when the one that was used grows old (RFC 9449 §8.2)."""
    if verified.confirmation is None or verified.confirmation.next_nonce is None:
        return {}
    return {"DPoP-Nonce": verified.confirmation.next_nonce}


def challenge_headers(
    refused: InvalidToken | InsufficientScope, request: ResourceRequest, *, resource_metadata: str | None = None
) -> dict[str, str]:
    """Return the headers of a refusal: the challenge of RFC 6750 §3 or RFC 9449 §7.1, with the resource's metadata (RFC 9728 §5.1)."""
    if isinstance(refused, InsufficientScope):
        members = {"error": "insufficient_scope", "scope": refused.scope}
    elif isinstance(refused, InvalidTokenProof):
        members = {"error": refused.error, "error_description": refused.error_code.title_en}
    else:
        members = {"error": "invalid_token", "error_description": refused.error_code.title_en}
    headers = {"WWW-Authenticate": challenge(members, request, resource_metadata=resource_metadata)}
    if isinstance(refused, InvalidTokenProof) and refused.nonce is not None:
        headers["DPoP-Nonce"] = refused.nonce
    return headers


def challenge(members: Mapping[str, str], request: ResourceRequest, *, resource_metadata: str | None = None) -> str:
    """Return one challenge in the scheme the caller used; whoever sends a DPoP proof is answered in that scheme."""
    shown = {"realm": "renzheng", **members}
    scheme = "Bearer"
    if request.dpop or any(header.partition(" ")[0].lower() == DPOP for header in request.authorization):
        scheme, shown = "DPoP", {**shown, "algs": " ".join(PROOF_ALGORITHMS)}
    if resource_metadata is not None:
        shown["resource_metadata"] = resource_metadata
    return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in shown.items())


def render_challenge(refused: InvalidToken | InsufficientScope, request: ResourceRequest) -> OAuthResponse:
    """Return the refusal of a protected resource that answers in OAuth's own form."""
    error = "insufficient_scope" if isinstance(refused, InsufficientScope) else "invalid_token"
    if isinstance(refused, InvalidTokenProof):
        error = refused.error
    body = {
        "error": error,
        "error_description": refused.error_code.title_en,
        "error_code": refused.code,
    }
    return OAuthResponse(refused.status, body, {**NO_STORE, **challenge_headers(refused, request)})


def _read_authorization(authorization: tuple[str, ...]) -> tuple[str, str]:
    """Return scheme and token of the one Authorization header (RFC 6750 §2.1, RFC 9449 §7.1), or raise InvalidToken.

    A query is never looked at: a token there ends up in logs and histories (RFC 6750 §2.3, RFC 9700 §4.3.2). A token in a form is
    refused by `form_token.py`.
    """
    if len(authorization) != 1:
        raise InvalidToken("no Authorization header, or several")
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() not in (BEARER, DPOP) or not token:
        raise InvalidToken("another scheme")
    return scheme.lower(), token


async def _proved_key(
    request: ResourceRequest, token: str, verified: VerifiedAccessToken, provider: Provider, now: datetime
) -> Confirmation | None:
    if not request.dpop:
        raise InvalidToken("no DPoP proof")
    client = provider.clients.find(verified.client_id)
    try:
        return await confirm_request(
            replace(request, certificate=None), provider=provider, now=now, client=client, access_token=token
        )
    except UseDPoPNonce as needed:
        raise InvalidTokenProof("nonce", error=needed.reason.error, nonce=needed.nonce) from needed
    except TokenError as refused:
        raise InvalidTokenProof(refused.detail) from refused
