"""What the province center signs and tells about a person, right or, when a fault asks for it, wrong in
one point.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from adapters.simulators.world_entries import ProvincePerson

_LIFETIME_S = 300
_VERIFIED_DAYS_AGO_S = 40 * 86_400

Claims = dict[str, Any]

CLAIM_FAULTS: dict[str, Callable[[Claims], object]] = {
    "wrong_nonce": lambda claims: claims.update(nonce="another"),
    "no_nonce": lambda claims: claims.pop("nonce"),
    "wrong_iss": lambda claims: claims.update(iss=claims["iss"] + "/"),
    "wrong_aud": lambda claims: claims.update(aud="another-client"),
    "two_aud_without_azp": lambda claims: claims.update(aud=[claims["aud"], "another-client"]),
    "wrong_azp": lambda claims: claims.update(azp="another-client"),
    "expired": lambda claims: claims.update(exp=claims["iat"] - 60),
    "no_exp": lambda claims: claims.pop("exp"),
    "exp_as_text": lambda claims: claims.update(exp=str(claims["exp"])),
    "future": lambda claims: claims.update(iat=claims["iat"] + 3_600),
    "wrong_at_hash": lambda claims: claims.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "no_sub": lambda claims: claims.pop("sub"),
    "null_sub": lambda claims: claims.update(sub=None),
    "text_null_sub": lambda claims: claims.update(sub="null"),
    "number_sub": lambda claims: claims.update(sub=2**53 + 1),
    "list_sub": lambda claims: claims.update(sub=["p-370299-000017"]),
    "blank_sub": lambda claims: claims.update(sub=" "),
    "unknown_level": lambda claims: claims.update(acr="platinum"),
}
"""Faults of the claims, by the name that a fault's `detail` carries."""

SIGNATURE_FAULTS = ("alg_none", "hs256_with_public_key", "unknown_kid", "bad_signature", "not_a_token")
"""Faults of header and signature."""


class CenterKeys:
    """The center's signing keys; the newest one signs."""

    def __init__(self) -> None:
        self._keys: list[ECKey] = []
        self.rotate(keep_old=False)

    def rotate(self, *, keep_old: bool) -> None:
        """Make a new signing key; old ones stay published if they are kept."""
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
        key.ensure_kid()
        self._keys = [key, *(self._keys if keep_old else [])]

    @property
    def signing(self) -> ECKey:
        """The key that signs now."""
        return self._keys[0]

    def public(self) -> dict[str, Any]:
        """Return the JWK Set with public members only."""
        return dict(KeySet(list(self._keys)).as_dict(private=False))


def issue_id_token(
    keys: CenterKeys,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    person: ProvincePerson,
    sid: str,
    access_token: str,
    now: datetime,
    fault: str,
) -> str:
    """Return an ID token for the person; `fault` names the point in which it is to be wrong, or is empty."""
    issued_at = int(now.timestamp())
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    claims: Claims = {
        "iss": issuer,
        "sub": person.subject,
        "aud": client_id,
        "iat": issued_at,
        "exp": issued_at + _LIFETIME_S,
        "auth_time": issued_at,
        "nonce": nonce,
        "acr": person.level,
        "sid": sid,
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
    }
    if fault in CLAIM_FAULTS:
        CLAIM_FAULTS[fault](claims)
    return _sign(keys, claims, fault)


def render_userinfo(person: ProvincePerson, now: datetime, replaced: str) -> dict[str, Any]:
    """Return userinfo of a person; `replaced` is a JSON object of members to replace (null removes), or
    empty.
    """
    members: dict[str, Any] = {
        "sub": person.subject,
        "name": person.name,
        "document_type": person.document_type,
        "document_number": person.document_number,
        "phone_number": person.phone,
        "phone_number_verified": person.phone is not None,
        "real_name_method": "face",
        "real_name_verified_at": int(now.timestamp()) - _VERIFIED_DAYS_AGO_S,
    }
    if replaced:
        members |= json.loads(replaced)
    return {name: value for name, value in members.items() if value is not None}


def _sign(keys: CenterKeys, claims: Claims, fault: str) -> str:
    key = keys.signing
    header: dict[str, Any] = {"alg": "ES256", "kid": key.kid}
    if fault == "not_a_token":
        return "not-a-token"
    if fault == "unknown_kid":
        header["kid"] = "invented"
    if fault == "alg_none":
        parts = ({"alg": "none", "kid": key.kid}, claims)
        return ".".join(_encoded(json.dumps(part).encode()) for part in parts) + "."
    if fault == "hs256_with_public_key":
        # The classic confusion: the published key, taken as the secret of a symmetric algorithm.
        parts = ({"alg": "HS256", "kid": key.kid}, claims)
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        mac = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{_encoded(mac)}"
    token = jwt.encode(header, claims, key, algorithms=["ES256"])
    if fault == "bad_signature":
        head, payload, signature = token.split(".")
        flipped = "A" if signature[0] != "A" else "B"
        return f"{head}.{payload}.{flipped}{signature[1:]}"
    return token


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
