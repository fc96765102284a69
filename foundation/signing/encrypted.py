"""The strict reading of a JWE Compact Serialization (RFC 7516 §7.1) that somebody encrypted to us.

What the header may hold is a closed list, as for signed tokens: nothing that compresses (``zip``, a small token could become a huge one),
brings a key, or names a password. Every failure is one error, so that an answer tells nothing about the plaintext (RFC 7516 §11.5).
"""

from collections.abc import Collection, Iterable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, decrypt_compact
from joserfc.jwk import ECKey, OKPKey, RSAKey

from foundation.signing.compact import decode_base64url
from foundation.signing.errors import InvalidSignedToken
from foundation.signing.keys import EncryptionAlgorithm
from foundation.strict_json import MalformedJson, parse_strict_json
from foundation.values import value_type

LONGEST_ENCRYPTED = 32 * 1024
_MEMBERS = frozenset(("alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv", "iss", "aud", "sub", "client_id"))
_EPK_MEMBERS = frozenset(("kty", "crv", "x", "y"))


@value_type
class EncryptedToken:
    """A well-formed JWE that nobody has decrypted yet; ``key_alg`` is the algorithm of the keys that can."""

    token: str
    alg: str
    enc: str
    kid: str | None
    key_alg: EncryptionAlgorithm


def parse_encrypted(token: str, *, algs: Collection[str], encs: Collection[str]) -> EncryptedToken:
    """Return the token with what its header says, or raise InvalidSignedToken; no key is touched."""
    if len(token) > LONGEST_ENCRYPTED:
        raise InvalidSignedToken("token too long")
    parts = token.split(".")
    if len(parts) != 5:
        raise InvalidSignedToken("not a compact serialization")
    header = _parse_header(decode_base64url(parts[0]))
    alg, enc, kid = header.get("alg"), header.get("enc"), header.get("kid")
    if not isinstance(alg, str) or alg not in algs or not isinstance(enc, str) or enc not in encs:
        raise InvalidSignedToken("alg or enc is not in the allow-list")
    if not isinstance(kid, str | None):
        raise InvalidSignedToken("kid is not a string")
    # With direct key agreement the encrypted key is empty (RFC 7516 §5.2 step 10).
    for part in parts[2:] if alg == "ECDH-ES" else parts[1:]:
        decode_base64url(part)
    return EncryptedToken(token, alg, enc, kid, "RSA-OAEP-256" if alg.startswith("RSA") else "ECDH-ES")


def decrypt_with(keys: Iterable[ECKey | OKPKey | RSAKey], encrypted: EncryptedToken) -> bytes:
    """Return what the first fitting key makes of it, or raise InvalidSignedToken."""
    registry = JWERegistry(algorithms=[encrypted.alg, encrypted.enc], strict_check_header=False)
    for key in keys:
        try:
            plaintext = decrypt_compact(encrypted.token, key, registry=registry).plaintext
        except (JoseError, ValueError, TypeError, AssertionError, KeyError, InvalidTag, InvalidUnwrap):
            continue
        if plaintext is not None:
            return plaintext
    raise InvalidSignedToken("cannot be decrypted")


def _parse_header(octets: bytes) -> dict[str, Any]:
    try:
        header = parse_strict_json(octets, max_depth=2)
    except MalformedJson as error:
        raise InvalidSignedToken(f"header: {error}") from None
    if not isinstance(header, dict) or not header.keys() <= _MEMBERS:
        raise InvalidSignedToken("the header holds other members than it may")
    epk = header.get("epk")
    if epk is not None and (not isinstance(epk, dict) or not epk.keys() <= _EPK_MEMBERS):
        raise InvalidSignedToken("epk")
    return header
