"""The form of a userinfo answer: JSON, or a JWT as the client registered (OpenID Connect Core §5.3.2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from idp.provider.back_channel import NO_STORE, OAuthResponse
from idp.provider.clients.registry import Client
from idp.provider.clients.signing_algorithms import signing_algorithm
from idp.provider.composition import Provider
from idp.provider.tokens.claims_encoding import encode_claims
from idp.provider.tokens.jwt_encryption import encrypt_for

JWT_MEDIA_TYPE = "application/jwt"
TYPE = "JWT"


async def answer_claims(
    claims: Mapping[str, Any], client: Client, *, provider: Provider, now: datetime
) -> OAuthResponse:
    """Return the answer with these claims, `sub` among them: plain, signed, encrypted, or signed and then encrypted.

    A signed answer names issuer and audience, so that it cannot be passed on as another app's. It has no `exp`: it says what was true when
    it was asked for. Raises NoSigningKey, and ClientKeysUnavailable for a client whose answers are encrypted.
    """
    registered = client.metadata.algorithms
    alg, wanted = registered.userinfo_signed_response_alg, registered.userinfo_encrypted_response
    signed = None
    if alg is not None:
        payload = encode_claims({**claims, "iss": provider.issuer, "aud": client.client_id})
        signed = provider.keys.sign_compact(payload, purpose="oidc", alg=signing_algorithm(alg), typ=TYPE, now=now)
    if wanted is not None:
        content = encode_claims(claims) if signed is None else signed
        signed = await encrypt_for(client, content, wanted, provider=provider)
    if signed is None:
        return OAuthResponse(200, claims, NO_STORE)
    return OAuthResponse(200, signed, NO_STORE, JWT_MEDIA_TYPE)
