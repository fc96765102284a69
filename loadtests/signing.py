"""What a client of policy `high` signs in every operation: assertions (RFC 7523) and DPoP proofs (RFC 9449).

Signed with the cryptography library directly: the generator shares its cores with nobody, but a slow one would still be measured.
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE_S = 60


@dataclass(frozen=True, slots=True)
class SigningClient:
    """A client that proves itself by its key; `secret_exponent` is the private key of P-256 in hexadecimal.

    Its policy wants https for `redirect_uri`; nobody listens there.
    """

    client_id: str
    secret_exponent: str
    redirect_uri: str

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as it is registered."""
        return dict(_public_jwk(self.secret_exponent))


def assertion(client: SigningClient, issuer: str) -> dict[str, str]:
    """Return the parameters of private_key_jwt for one request."""
    now = int(time.time())
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": issuer,
        "iat": now,
        "exp": now + _LIFE_S,
        "jti": uuid.uuid4().hex,
    }
    return {
        "client_id": client.client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": _sign({"alg": "ES256", "typ": "JWT"}, claims, client.secret_exponent),
    }


def proof(client: SigningClient, method: str, address: str, *, access_token: str | None = None) -> dict[str, str]:
    """Return the DPoP header of one request to an address."""
    claims = {"htm": method, "htu": address, "iat": int(time.time()), "jti": uuid.uuid4().hex}
    if access_token is not None:
        claims["ath"] = _base64url(hashlib.sha256(access_token.encode()).digest())
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": client.jwk}
    return {"dpop": _sign(header, claims, client.secret_exponent)}


def _sign(header: Mapping[str, Any], claims: Mapping[str, Any], secret_exponent: str) -> str:
    signing_input = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    r, s = decode_dss_signature(_key(secret_exponent).sign(signing_input.encode(), ECDSA(SHA256())))
    return f"{signing_input}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@lru_cache(maxsize=4)
def _key(secret_exponent: str) -> EllipticCurvePrivateKey:
    return derive_private_key(int(secret_exponent, 16), SECP256R1())


@lru_cache(maxsize=4)
def _public_jwk(secret_exponent: str) -> tuple[tuple[str, str], ...]:
    numbers = _key(secret_exponent).public_key().public_numbers()
    x, y = (_base64url(part.to_bytes(32, "big")) for part in (numbers.x, numbers.y))
    return (("kty", "EC"), ("crv", "P-256"), ("x", x), ("y", y))


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
