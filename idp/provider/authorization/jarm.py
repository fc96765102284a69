"""Signed answers to authorization requests (JWT Secured Authorization Response Mode for OAuth 2.0, JARM)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from idp.provider.authorization.response_reasons import CLIENT_KEY_UNAVAILABLE
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.registry import Client
from idp.provider.clients.signing_algorithms import signing_algorithm
from idp.provider.composition import Provider
from idp.provider.errors import ShownError
from idp.provider.tokens.claims_encoding import encode_claims
from idp.provider.tokens.jwt_encryption import encrypt_for

TYPE = "JWT"
LIFETIME = timedelta(minutes=5)
"""JARM §2.1 recommends at most ten minutes; a redirect takes seconds."""


async def sign_answer(client: Client, parameters: Mapping[str, str], *, provider: Provider, now: datetime) -> str:
    """Return the parameters as a JWT for the client alone, nested in a JWE when it registered for that (JARM §2.1, §2.2).

    `iss` stands inside and takes the place of the parameter of RFC 9207 (§2.4 there). Raises ShownError when the client's key cannot be had,
    and NoSigningKey.
    """
    registered = client.metadata.algorithms
    expires_at = int((now + LIFETIME).timestamp())
    claims = {"iss": provider.issuer, "aud": client.client_id, "exp": expires_at, **parameters}
    algorithm = signing_algorithm(registered.authorization_signed_response_alg)
    signed = provider.keys.sign_compact(encode_claims(claims), purpose="oidc", alg=algorithm, typ=TYPE, now=now)
    wanted = registered.authorization_encrypted_response
    if wanted is None:
        return signed
    try:
        return await encrypt_for(client, signed, wanted, provider=provider)
    except ClientKeysUnavailable as unavailable:
        raise ShownError(CLIENT_KEY_UNAVAILABLE, unavailable.problem, client_id=client.client_id) from unavailable
