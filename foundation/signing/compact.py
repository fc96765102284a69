"""The strict reading of a JWS Compact Serialization (RFC 7515 §7.1) before any key is touched.

Our own tokens carry ``alg``, ``kid`` and ``typ`` in the header and nothing else. Everything else a header
may hold is a way to bring a key, change the meaning of the payload or reach out to the network (``jwk jku
x5u x5c crit b64 zip``), so the list is closed. One token has one spelling: padding, other alphabets, white
space and unused trailing bits are refused.
"""

import base64
import binascii
import re
from typing import NewType

from foundation.signing.errors import InvalidSignedToken
from foundation.strict_json import MalformedJson, parse_strict_json
from foundation.values import value_type

UnverifiedToken = NewType("UnverifiedToken", str)
"""A token as it arrived; only ``KeyRing.verify`` turns it into VerifiedClaims."""

LONGEST_TOKEN = 16 * 1024
_MEMBERS = frozenset(("alg", "kid", "typ"))
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@value_type
class CompactToken:
    """The parts of a well-formed token whose signature is not checked yet."""

    alg: str
    kid: str
    typ: str
    signing_input: bytes
    payload: bytes
    signature: bytes


def parse_compact(token: UnverifiedToken | str) -> CompactToken:
    """Return the parts, or raise InvalidSignedToken; neither signature nor payload is looked at."""
    if len(token) > LONGEST_TOKEN:
        raise InvalidSignedToken("token too long")
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidSignedToken("not a compact serialization")
    header = _parse_header(decode_base64url(parts[0]))
    return CompactToken(
        alg=header["alg"],
        kid=header["kid"],
        typ=header["typ"],
        signing_input=f"{parts[0]}.{parts[1]}".encode("ascii"),
        payload=decode_base64url(parts[1]),
        signature=decode_base64url(parts[2]),
    )


def decode_base64url(text: str) -> bytes:
    """Decode canonical base64url without padding (RFC 7515 §2), or raise InvalidSignedToken; the empty text
    is refused.
    """
    if not _BASE64URL.fullmatch(text):
        raise InvalidSignedToken("not base64url")
    try:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise InvalidSignedToken("not base64url") from None
    # The last character has unused bits in two of three cases; a decoder ignores them, so two texts would
    # mean one token.
    if encode_base64url(octets) != text:
        raise InvalidSignedToken("base64url is not canonical")
    return octets


def encode_base64url(octets: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _parse_header(octets: bytes) -> dict[str, str]:
    try:
        header = parse_strict_json(octets, max_depth=1)
    except MalformedJson as error:
        raise InvalidSignedToken(f"header: {error}") from None
    if not isinstance(header, dict) or header.keys() != _MEMBERS:
        raise InvalidSignedToken("the header holds other members than alg, kid and typ")
    if not all(isinstance(value, str) for value in header.values()):
        raise InvalidSignedToken("a header member is not a string")
    return header
