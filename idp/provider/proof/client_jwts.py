"""JWTs that clients sign (assertions, DPoP proofs, request objects): read strictly before any key is touched.

The same closed reading as for our own tokens (RFC 8725 §3): compact form alone, canonical base64url, I-JSON, and no header member that the
kind of JWT does not need, because each of the others brings a key, changes the meaning of the payload or reaches out to the network.
"""

import math
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

from foundation.signing import InvalidSignedToken
from foundation.signing.compact import LONGEST_TOKEN, decode_base64url
from foundation.strict_json import MalformedJson, parse_strict_json
from foundation.values import value_type

PLAIN_MEMBERS = frozenset({"alg", "kid", "typ"})
ASYMMETRIC = frozenset({"ES256", "RS256", "PS256", "EdDSA", "Ed25519"})
CLOCK_SKEW = timedelta(seconds=60)
"""FAPI 2.0 Security Profile §5.3.2.1: a client's clock may be 10 s ahead, and what is more than 60 s ahead is refused."""
_LATEST = 253_402_300_799
_LONGEST_IDENTIFIER = 512


class UnusableJwt(ValueError):
    """The JWT is malformed, signed otherwise, or not valid now; the message is for the log and repeats nothing of it."""


@value_type
class ClientJwt:
    """A well-formed JWT; neither its signature nor its claims were judged."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    alg: str
    kid: str | None
    typ: str | None
    signing_input: bytes
    signature: bytes


def parse_client_jwt(token: str, *, members: Collection[str] = PLAIN_MEMBERS) -> ClientJwt:
    """Return the parts of a JWS Compact Serialization whose header holds none but these members; raises UnusableJwt."""
    parts = token.split(".")
    if len(token) > LONGEST_TOKEN or len(parts) != 3:
        raise UnusableJwt("not a compact serialization")
    try:
        header = parse_strict_json(decode_base64url(parts[0]), max_depth=4)
        claims = parse_strict_json(decode_base64url(parts[1]))
        signature = decode_base64url(parts[2])
    except (InvalidSignedToken, MalformedJson) as malformed:
        raise UnusableJwt("malformed") from malformed
    if not isinstance(header, dict) or not isinstance(claims, dict) or not header.keys() <= set(members):
        raise UnusableJwt("another header or payload than this kind of JWT has")
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(alg, str) or not isinstance(kid, str | None) or not isinstance(typ, str | None):
        raise UnusableJwt("a header member is not a string")
    return ClientJwt(header, claims, alg, kid, typ, f"{parts[0]}.{parts[1]}".encode("ascii"), signature)


def is_signed_by(jwt: ClientJwt, key: Key) -> bool:
    """Tell whether the key made the signature with the algorithm of the header; the caller has judged the algorithm."""
    if jwt.alg not in ASYMMETRIC:
        return False
    # From joserfc's table, as the key ring does: get_alg warns on the name EdDSA.
    algorithm = JWSRegistry.algorithms[jwt.alg]
    try:
        algorithm.check_key(key)
        return bool(algorithm.verify(jwt.signing_input, jwt.signature, key))
    except (JoseError, ValueError, TypeError):
        return False


def identifier_of(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that is a short text and not empty, such as `jti`; raises UnusableJwt."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_IDENTIFIER:
        raise UnusableJwt(f"{name} missing or of another form")
    return value


def instant_of(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a NumericDate (RFC 7519 §2), None when the claim is absent; raises UnusableJwt for any other value."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnusableJwt(f"{name} is not a number")
    if not math.isfinite(value) or not 0 <= value <= _LATEST:
        raise UnusableJwt(f"{name} is out of range")
    return float(value)


def check_not_early(claims: Mapping[str, Any], *, now: datetime) -> None:
    """Raise UnusableJwt when `nbf` or `iat` lie further ahead than clocks differ (RFC 7519 §4.1.5, §4.1.6)."""
    for name in ("nbf", "iat"):
        at = instant_of(claims, name)
        if at is not None and at > (now + CLOCK_SKEW).timestamp():
            raise UnusableJwt(f"{name} lies in the future")
