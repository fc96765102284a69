"""The form of an introspection answer: JSON, or a signed JWT that the resource can keep as evidence (RFC 9701)."""

from datetime import datetime
from typing import Any

from idp.provider.authorization.response_reasons import CLIENT_KEY_UNAVAILABLE
from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.policies import policy_of
from idp.provider.clients.registry import Client
from idp.provider.clients.signing_algorithms import signing_algorithm
from idp.provider.composition import Provider
from idp.provider.errors import TokenError
from idp.provider.tokens.claims_encoding import encode_claims
from idp.provider.tokens.jwt_encryption import encrypt_for

JWT_MEDIA_TYPE = "application/token-introspection+jwt"
TYPE = "token-introspection+jwt"
DEFAULT_ALG = "ES256"


async def answer_introspection(
    answered: OAuthResponse, request: BackChannelRequest, client: Client, *, provider: Provider, now: datetime
) -> OAuthResponse:
    """Return the answer in the form that the resource asked for.

    A resource whose policy signs every answer gets a JWT whatever it asks for. The token's own claims stand in `token_introspection` alone,
    so that nobody takes the answer for the token (RFC 9701 §5, §8.1). Raises TokenError when it cannot be encrypted as registered.
    """
    policy = policy_of(client)
    if not _asks_for_jwt(request.accept) and not (policy is not None and policy.requires_signed_response):
        return answered
    registered = client.metadata.algorithms
    claims: dict[str, Any] = {
        "iss": provider.issuer,
        "aud": client.client_id,
        "iat": int(now.timestamp()),
        "token_introspection": answered.body,
    }
    alg = signing_algorithm(registered.introspection_signed_response_alg or DEFAULT_ALG)
    text = provider.keys.sign_compact(encode_claims(claims), purpose="oidc", alg=alg, typ=TYPE, now=now)
    if registered.introspection_encrypted_response is not None:
        try:
            text = await encrypt_for(client, text, registered.introspection_encrypted_response, provider=provider)
        except ClientKeysUnavailable as unavailable:
            raise TokenError(CLIENT_KEY_UNAVAILABLE, unavailable.problem) from unavailable
    return OAuthResponse(answered.status, text, answered.headers, JWT_MEDIA_TYPE)


def _asks_for_jwt(accept: tuple[str, ...]) -> bool:
    """Tell whether an Accept header names the JWT form; a wildcard does not ask for it (RFC 9701 §4)."""
    ranges = (part.strip().split(";") for line in accept for part in line.split(","))
    return any(
        found[0].strip().lower() == JWT_MEDIA_TYPE and "q=0" not in [weight.strip() for weight in found[1:]]
        for found in ranges
    )
