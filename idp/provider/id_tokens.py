"""ID tokens (OpenID Connect Core §2, §3.1.3.6): who signed in, to one app."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from foundation.signing import Algorithm, InvalidSignedToken, KeyRing
from idp.provider.claims_encoding import encode_claims

TYPE = "JWT"
ALGORITHM: Algorithm = "ES256"
HINT_ACCEPTED_AFTER_EXPIRY = timedelta(days=90)
"""An id_token_hint may be expired (RP-Initiated Logout §2); after this time its key is gone anyway."""


@dataclass(frozen=True, slots=True)
class IdTokenFacts:
    """Everything that goes into one ID token; `claims` are those asked for by name and agreed to."""

    subject: str
    client_id: str
    sid: str
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    nonce: str | None
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """An ID token of ours that a client handed back: the signature was checked, the time was not."""

    subject: str
    client_id: str
    sid: str


def sign_id_token(
    facts: IdTokenFacts,
    *,
    access_token: str,
    lifetime: timedelta,
    issuer: str,
    keys: KeyRing,
    now: datetime,
) -> str:
    """Return the signed token, bound to the access token by `at_hash`; raises NoSigningKey."""
    issued_at = int(now.timestamp())
    claims: dict[str, Any] = {
        **facts.claims,
        "iss": issuer,
        "sub": facts.subject,
        "aud": facts.client_id,
        "exp": issued_at + int(lifetime.total_seconds()),
        "iat": issued_at,
        "auth_time": int(facts.auth_time.timestamp()),
        "acr": facts.acr,
        "amr": list(facts.amr),
        "sid": facts.sid,
        "at_hash": half_hash(access_token),
    }
    if facts.nonce is not None:
        claims["nonce"] = facts.nonce
    return keys.sign_compact(encode_claims(claims), purpose="oidc", alg=ALGORITHM, typ=TYPE, now=now)


def read_id_token_hint(hint: str, *, issuer: str, keys: KeyRing, now: datetime) -> IdTokenHint | None:
    """Return what the hint says when this provider issued it, else None; an expired hint is accepted."""
    try:
        claims = keys.verify(
            hint,
            purpose="oidc",
            algs=(ALGORITHM,),
            typ=TYPE,
            now=now,
            issuer=issuer,
            leeway=HINT_ACCEPTED_AFTER_EXPIRY,
        ).claims
    except InvalidSignedToken:
        return None
    # Only ID tokens are signed under this type and purpose; each has these members.
    return IdTokenHint(claims["sub"], claims["aud"], claims["sid"])


def half_hash(token: str) -> str:
    """Return the left half of the SHA-256 of the token, base64url (OpenID Connect Core §3.1.3.6)."""
    digest = hashlib.sha256(token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode("ascii")
