"""DPoP proofs (RFC 9449 §4): one request's proof that its sender holds a private key.

The checks of §4.3 in its order, on memory alone; that a proof counts once is for the caller to record. Server nonces (§8, §9) are sealed
instants: every node reads those of every other, nothing is stored, and nobody can make one.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from foundation.sealing import SealBroken, Sealer
from foundation.values import value_type
from idp.provider.proof.client_jwts import (
    CLOCK_SKEW,
    UnusableJwt,
    identifier_of,
    instant_of,
    is_signed_by,
    parse_client_jwt,
)

PROOF_TYPE = "dpop+jwt"
PROOF_ALGORITHMS: tuple[str, ...] = ("ES256", "PS256", "EdDSA", "Ed25519")
NONCE_LIFE = timedelta(minutes=5)
"""A nonce is good for so long; a fresh one is offered when half of it is over."""
REMEMBERED_KEYS = 4_096

_MEMBERS = frozenset({"alg", "typ", "jwk", "kid"})
_NONCE_CONTEXT = "dpop.nonce"
_LONGEST_NONCE = 200
_KINDS = {"ES256": ("EC", "P-256"), "PS256": ("RSA", None), "EdDSA": ("OKP", "Ed25519"), "Ed25519": ("OKP", "Ed25519")}
_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_RSA_BITS = range(2_048, 4_097)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@value_type
class ProvingKey:
    """A public key out of a proof, and its thumbprint (RFC 7638)."""

    key: Key
    thumbprint: str


@value_type
class DPoPProof:
    """A proof whose signature is its own key's, for this method and address and this time."""

    jkt: str
    jti: str
    nonce: str | None
    ath: str | None
    issued_at: datetime

    @property
    def over_at(self) -> datetime:
        """When the proof is refused for its age, whatever else it is."""
        return self.issued_at + CLOCK_SKEW + timedelta(seconds=1)


def read_proof(headers: tuple[str, ...], *, method: str, addresses: tuple[str, ...], now: datetime) -> DPoPProof:
    """Check the proof of a request to one of these addresses, URIs without query, and return it; raises UnusableJwt.

    Not checked: nonce, access token (`ath`), and whether the proof was used before.
    """
    if len(headers) != 1:
        raise UnusableJwt("DPoP header repeated")
    jwt = parse_client_jwt(headers[0], members=_MEMBERS)
    if jwt.typ != PROOF_TYPE:
        raise UnusableJwt("typ")
    if jwt.alg not in PROOF_ALGORITHMS:
        raise UnusableJwt("alg")
    key = _read_key(jwt.header.get("jwk"), jwt.alg)
    if not is_signed_by(jwt, key.key):
        raise UnusableJwt("signature")
    claims = jwt.claims
    if claims.get("htm") != method:
        raise UnusableJwt("htm")
    if not any(_is_address(claims.get("htu"), address) for address in addresses):
        raise UnusableJwt("htu")
    issued_at = instant_of(claims, "iat")
    if issued_at is None or abs(issued_at - now.timestamp()) > CLOCK_SKEW.total_seconds():
        raise UnusableJwt("iat")
    return DPoPProof(
        jkt=key.thumbprint,
        jti=identifier_of(claims, "jti"),
        nonce=_text(claims, "nonce"),
        ath=_text(claims, "ath"),
        issued_at=datetime.fromtimestamp(issued_at, UTC),
    )


def check_token_hash(proof: DPoPProof, access_token: str) -> None:
    """Raise UnusableJwt unless the proof was made for this access token (RFC 9449 §4.3, item 12)."""
    digest = hashlib.sha256(access_token.encode("utf-8", "surrogatepass")).digest()
    if proof.ath is None or not hmac.compare_digest(_base64url(digest).encode(), proof.ath.encode("utf-8", "replace")):
        raise UnusableJwt("ath")


def make_nonce(sealer: Sealer, *, now: datetime) -> str:
    """Return a server nonce of this instant."""
    instant = int(now.timestamp()).to_bytes(6, "big")
    return _base64url(sealer.seal(instant, context=_NONCE_CONTEXT))


def age_of_nonce(nonce: str, sealer: Sealer, *, now: datetime) -> timedelta | None:
    """Return how old one of our nonces is, None when it is over or not ours."""
    if len(nonce) > _LONGEST_NONCE:
        return None
    try:
        sealed = base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))
        made_at = int.from_bytes(sealer.open(sealed, context=_NONCE_CONTEXT), "big")
    except (SealBroken, binascii.Error, ValueError):
        return None
    age = now - datetime.fromtimestamp(made_at, UTC)
    # Another node's clock may be a little ahead.
    return age if -CLOCK_SKEW <= age < NONCE_LIFE else None


def _read_key(jwk: object, alg: str) -> ProvingKey:
    """RFC 9449 §4.2: the public key in the header, and nothing of a private one."""
    if not isinstance(jwk, Mapping) or _PRIVATE_MEMBERS & jwk.keys():
        raise UnusableJwt("jwk missing or not public")
    public = tuple((name, jwk[name]) for name in _PUBLIC_MEMBERS if name in jwk)
    if not all(isinstance(value, str) for _, value in public):
        raise UnusableJwt("a member of jwk is not a string")
    kind = (jwk.get("kty"), jwk.get("crv"))
    if kind != _KINDS[alg]:
        raise UnusableJwt("jwk of another kind than alg")
    if kind[0] == "RSA" and not _is_usual_modulus(jwk.get("n")):
        raise UnusableJwt("jwk of unusual size")
    return _import_key(public)


@lru_cache(maxsize=REMEMBERED_KEYS)
def _import_key(public: tuple[tuple[str, str], ...]) -> ProvingKey:
    """Import a public key by its members: a client sends the same one with each of its requests, and importing costs as much as verifying."""
    try:
        key = JWKRegistry.import_key(dict(public))
        native = key.public_key
    except (JoseError, ValueError, TypeError, KeyError) as unusable:
        raise UnusableJwt("jwk unreadable") from unusable
    if isinstance(native, RSAPublicKey):
        exponent = native.public_numbers().e
        if native.key_size not in _RSA_BITS or exponent < 3 or exponent.bit_length() > 32:
            raise UnusableJwt("jwk of unusual size")
    return ProvingKey(key, key.thumbprint())


def _is_usual_modulus(text: object) -> bool:
    """Judge by its length before it is imported: the library warns of short ones, and long ones are dear."""
    return isinstance(text, str) and len(text) * 6 // 8 * 8 in range(_RSA_BITS.start, _RSA_BITS.stop + 16)


def _is_address(htu: object, address: str) -> bool:
    """RFC 9449 §4.3, items 8 and 9: equal without query and fragment; scheme and host in any case, default port or none (RFC 3986 §6.2)."""
    return isinstance(htu, str) and len(htu) <= 2_048 and _normalized(htu) == _normalized(address) is not None


def _normalized(uri: str) -> tuple[str, str, int, str] | None:
    # urlsplit takes white space and control characters away; nobody's address holds any.
    if not uri.isascii() or not uri.isprintable() or any(character in uri for character in ' "<>\\^`{|}'):
        return None
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme], parts.path


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is not None and not isinstance(value, str):
        raise UnusableJwt(f"{name} is not a string")
    return value


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
