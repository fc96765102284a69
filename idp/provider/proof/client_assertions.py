"""Client assertions (RFC 7523 §2.2, §3; OpenID Connect Core §9 `private_key_jwt`): a client proves itself by its signature.

FAPI 2.0 Security Profile §5.3.2.1 and RFC 7523bis: the audience is one string, this issuer. Clients of the plain policies may still name the
token endpoint, or the endpoint they are talking to, as OpenID Connect Core has it.
"""

from datetime import UTC, datetime, timedelta

from joserfc.jwk import JWKRegistry, Key

from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.policies import BASELINE, policy_of
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.proof.client_jwts import (
    CLOCK_SKEW,
    ClientJwt,
    UnusableJwt,
    check_not_early,
    identifier_of,
    instant_of,
    is_signed_by,
    parse_client_jwt,
)
from idp.provider.proof.one_time import use_once

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = timedelta(minutes=5)
_TYPES = (None, "JWT", "jwt", "client-authentication+jwt")
_TOKEN_PATH = "/oauth/token"
# Published examples (RFC 7517 appendix A.1, RFC 8037 appendix A.2): signatures for clients that nobody knows are checked with these,
# because a client's existence must not show in the time of the refusal.
_DECOYS: dict[str, Key] = {
    "EC": JWKRegistry.import_key(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        }
    ),
    "RSA": JWKRegistry.import_key(
        {
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF"
            "V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0"
            "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF"
            "Cur-kEgU8awapJzKnqDKgw",
            "e": "AQAB",
        }
    ),
    "OKP": JWKRegistry.import_key({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
}
_DECOY_OF = {"ES256": "EC", "RS256": "RSA", "PS256": "RSA", "EdDSA": "OKP", "Ed25519": "OKP"}


def read_assertion(assertion: str) -> tuple[str, ClientJwt]:
    """Return the client that an assertion names and its parts; nothing is verified yet. Raises UnusableJwt."""
    jwt = parse_client_jwt(assertion)
    client_id = identifier_of(jwt.claims, "sub")
    # RFC 7523 §3, items 1 and 2.B: a client speaks for itself.
    if jwt.claims.get("iss") != client_id:
        raise UnusableJwt("iss and sub differ")
    return client_id, jwt


async def check_assertion(
    jwt: ClientJwt, client: Client | None, *, path: str, provider: Provider, now: datetime
) -> None:
    """Raise UnusableJwt unless the client made this assertion for us, now, and for the first time.

    `path` is the endpoint's. None for the client does the same work and is refused in the end: whatever is wrong, one signature is checked
    before the answer. The assertion is spent when this returns.
    """
    try:
        expires_at, jti = _check_claims(jwt, client, provider.issuer, path, now)
    except UnusableJwt:
        _check_decoy(jwt)
        raise
    if client is None or not await _is_signed_by_client(jwt, client, provider):
        raise UnusableJwt("signature")
    if not await use_once("assertion", f"{client.client_id}\n{jti}", expires_at=expires_at, provider=provider):
        raise UnusableJwt("used before")


def _check_claims(jwt: ClientJwt, client: Client | None, issuer: str, path: str, now: datetime) -> tuple[datetime, str]:
    """Check header and claims, and return `exp` and `jti`; raises UnusableJwt, at last for a client that nobody knows."""
    _check_algorithm(jwt, client)
    if jwt.typ not in _TYPES:
        raise UnusableJwt("typ")
    if jwt.claims.get("aud") not in _audiences(client, issuer, path):
        raise UnusableJwt("aud")
    expires_at = instant_of(jwt.claims, "exp")
    if expires_at is None or expires_at <= now.timestamp():
        raise UnusableJwt("exp missing or over")
    if expires_at > (now + LONGEST_LIFE + CLOCK_SKEW).timestamp():
        raise UnusableJwt("exp too far ahead")
    check_not_early(jwt.claims, now=now)
    jti = identifier_of(jwt.claims, "jti")
    if client is None:
        raise UnusableJwt("unknown client")
    return datetime.fromtimestamp(expires_at, UTC), jti


def _check_decoy(jwt: ClientJwt) -> None:
    """Do the work of checking a signature, for nothing."""
    is_signed_by(jwt, _DECOYS[_DECOY_OF.get(jwt.alg, "EC")])


def _check_algorithm(jwt: ClientJwt, client: Client | None) -> None:
    policy = (policy_of(client) if client is not None else None) or BASELINE
    registered = None if client is None else client.metadata.algorithms.token_endpoint_auth_signing_alg
    if jwt.alg not in policy.signing_algs or registered not in (None, jwt.alg):
        raise UnusableJwt("alg")


def _audiences(client: Client | None, issuer: str, path: str) -> tuple[str, ...]:
    policy = None if client is None else policy_of(client)
    if policy is not None and policy.requires_issuer_audience:
        return (issuer,)
    return (issuer, issuer + _TOKEN_PATH, issuer + path)


async def _is_signed_by_client(jwt: ClientJwt, client: Client, provider: Provider) -> bool:
    try:
        keys = await provider.client_keys.verification_keys(client, kid=jwt.kid, alg=jwt.alg)
    except ClientKeysUnavailable as unavailable:
        _check_decoy(jwt)
        raise UnusableJwt(unavailable.problem) from unavailable
    if not keys:
        _check_decoy(jwt)
    return any(is_signed_by(jwt, key) for key in keys)
