"""JWK Sets of clients (RFC 7517 §5): read as untrusted documents, public keys alone, and chosen by algorithm, use and identifier.

Nothing here fetches. What a set holds beyond the key types known here is skipped, as RFC 7517 §5 asks; a private or symmetric key is never
taken, because a key that somebody published proves nothing.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from foundation.strict_json import MalformedJson, parse_strict_json
from foundation.values import value_type

MOST_KEYS = 100
"""Keys in one set; a document of 64 KiB could hold some thousands, each costing an import."""
SHORTEST_RSA_BITS, LONGEST_RSA_BITS = 2_048, 8_192

_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_SIGNING: dict[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
_ENCRYPTING: dict[str, frozenset[tuple[str, str | None]]] = {
    "RSA-OAEP": frozenset({("RSA", None)}),
    "RSA-OAEP-256": frozenset({("RSA", None)}),
    **{
        alg: frozenset({("EC", "P-256"), ("EC", "P-384"), ("EC", "P-521"), ("OKP", "X25519")})
        for alg in ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
    },
}
ENCRYPTING_ALGS = tuple(_ENCRYPTING)
"""Key management algorithms (RFC 7518 §4.1) with which something can be encrypted to a client."""
CONTENT_ENCRYPTION = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
"""Content encryption algorithms (RFC 7518 §5.1) supported with each of them."""
_KNOWN_KINDS = frozenset(_SIGNING.values()).union(*_ENCRYPTING.values())


class UnusableJwkSet(ValueError):
    """The document is not a JWK Set that may be used; the message names the fault and never repeats the document."""


@value_type
class PublishedKey:
    """One public key with what its owner says about it; `uses` is `sig`, `enc`, or both when nothing is said."""

    kind: tuple[str, str | None]
    kid: str | None
    alg: str | None
    uses: frozenset[str]
    key: Key


def parse_jwk_set(document: bytes | str) -> tuple[PublishedKey, ...]:
    """Read a fetched document; raises UnusableJwkSet when it is no JWK Set, skips keys that cannot be used."""
    try:
        members = parse_strict_json(document, max_depth=8)
    except MalformedJson as malformed:
        raise UnusableJwkSet(str(malformed)) from malformed
    keys = []
    for jwk in _members_of(members):
        try:
            keys.append(_read_key(jwk))
        except UnusableJwkSet:
            continue
    return tuple(keys)


def check_jwk_set(members: object) -> tuple[PublishedKey, ...]:
    """Read a set that somebody registers: every key must be usable and public; raises UnusableJwkSet (RFC 7591 §2, `jwks`)."""
    keys = tuple(_read_key(jwk) for jwk in _members_of(members))
    if not keys:
        raise UnusableJwkSet("holds no key")
    named = [key.kid for key in keys if key.kid is not None]
    if len(set(named)) != len(named):
        raise UnusableJwkSet("two keys have one kid")
    return keys


def verifying_keys(keys: Iterable[PublishedKey], *, kid: str | None, alg: str) -> list[Key]:
    """Return the keys that may have signed with `alg`; with a `kid` only those that carry it (RFC 7515 §4.1.4)."""
    kind = _SIGNING.get(alg)
    return [
        one.key
        for one in keys
        if one.kind == kind and "sig" in one.uses and one.alg in (None, alg) and (kid is None or one.kid == kid)
    ]


def encrypting_keys(keys: Iterable[PublishedKey], *, alg: str) -> list[Key]:
    """Return the keys to which `alg` can encrypt; those marked for encryption alone go first."""
    kinds = _ENCRYPTING.get(alg, frozenset())
    fit = [one for one in keys if one.kind in kinds and "enc" in one.uses and one.alg in (None, alg)]
    return [one.key for one in sorted(fit, key=lambda one: len(one.uses))]


def _members_of(document: object) -> list[Any]:
    if not isinstance(document, Mapping) or not isinstance(document.get("keys"), list):
        raise UnusableJwkSet("not an object with a list of keys")
    listed: list[Any] = document["keys"]
    if len(listed) > MOST_KEYS:
        raise UnusableJwkSet("too many keys")
    return listed


def _read_key(jwk: object) -> PublishedKey:
    if not isinstance(jwk, Mapping):
        raise UnusableJwkSet("a key is not an object")
    if _PRIVATE_MEMBERS & set(jwk):
        raise UnusableJwkSet("a key is private or symmetric")
    for member in ("kty", "crv", "kid", "alg", "use"):
        if not isinstance(jwk.get(member, ""), str):
            raise UnusableJwkSet(f"{member} of a key is not a string")
    kind = (jwk.get("kty"), jwk.get("crv"))
    if kind not in _KNOWN_KINDS:
        raise UnusableJwkSet("a key has an unknown type or curve")
    if kind[0] == "RSA" and not SHORTEST_RSA_BITS <= _bits(jwk.get("n")) <= LONGEST_RSA_BITS:
        raise UnusableJwkSet("an RSA key has fewer than 2,048 or more than 8,192 bits")
    try:
        # Only what is judged here reaches the library: x5u, x5c and the like would bring a second key.
        key = JWKRegistry.import_key({name: jwk[name] for name in _MEMBERS if name in jwk})
        key.public_key  # noqa: B018 - reading it builds the key, which fails for a point that is not on its curve
    except (JoseError, ValueError, TypeError, KeyError) as unusable:
        raise UnusableJwkSet("a key cannot be read") from unusable
    return PublishedKey(kind, jwk.get("kid"), jwk.get("alg"), _uses_of(jwk), key)


def _bits(modulus: object) -> int:
    """Return the length of a base64url number, 0 for anything else."""
    if not isinstance(modulus, str) or len(modulus) > 4 * LONGEST_RSA_BITS // 8:
        return 0
    try:
        octets = base64.urlsafe_b64decode(modulus.encode("ascii") + b"=" * (-len(modulus) % 4))
    except (ValueError, binascii.Error):
        return 0
    return int.from_bytes(octets, "big").bit_length()


def _uses_of(jwk: Mapping[str, Any]) -> frozenset[str]:
    uses = frozenset({"sig", "enc"}) if "use" not in jwk else frozenset({jwk["use"]})
    operations = jwk.get("key_ops")
    if isinstance(operations, list):
        wanted = {"verify": "sig", "encrypt": "enc", "wrapKey": "enc", "deriveKey": "enc", "deriveBits": "enc"}
        uses &= {wanted[name] for name in operations if isinstance(name, str) and name in wanted}
    return uses
