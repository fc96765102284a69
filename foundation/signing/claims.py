"""Claims of a token whose signature was checked, and the checks of RFC 7519 §4.1 on them.

``VerifiedClaims`` can only be made by the verifier: the type is the proof that the signature came first
(RFC 8725 §3).
"""

import math
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any, Final

from foundation.signing.errors import ExpiredSignedToken, InvalidSignedToken
from foundation.values import value_type

_LATEST_NUMERIC_DATE = 253_402_300_799  # 9999-12-31T23:59:59Z, the last instant a datetime can hold
_MADE_BY_VERIFIER: Final = object()


@value_type
class VerifiedClaims:
    """Claims signed by one of our own keys; ``claims`` is read-only and its values must not be altered by
    the receiver.
    """

    claims: Mapping[str, Any]
    kid: str
    alg: str
    typ: str
    _maker: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._maker is not _MADE_BY_VERIFIER:
            raise TypeError("VerifiedClaims are made by KeyRing.verify alone")


def admit_claims(claims: Mapping[str, Any], *, kid: str, alg: str, typ: str) -> VerifiedClaims:
    """Wrap claims after their signature was checked; for the key ring alone."""
    return VerifiedClaims(claims=claims, kid=kid, alg=alg, typ=typ, _maker=_MADE_BY_VERIFIER)


def check_times(claims: Mapping[str, Any], *, now: datetime, leeway: timedelta, require_exp: bool) -> None:
    """RFC 7519 §4.1.4–4.1.6: ``exp`` lies ahead, ``nbf`` and ``iat`` do not; raises InvalidSignedToken.

    Values are finite JSON numbers within year 9999; true, strings and negative numbers are refused. A token
    whose ``exp`` equals ``now`` is over. ``leeway`` widens each bound.
    """
    instant, slack = now.timestamp(), leeway.total_seconds()
    for name in ("nbf", "iat"):
        if name in claims and _numeric_date(claims, name) > instant + slack:
            raise InvalidSignedToken(f"{name} lies in the future")
    if "exp" in claims:
        if instant >= _numeric_date(claims, "exp") + slack:
            raise ExpiredSignedToken("exp")
    elif require_exp:
        raise InvalidSignedToken("exp is missing")


def check_parties(claims: Mapping[str, Any], *, issuer: str | None, audience: str | None) -> None:
    """RFC 8725 §3.8 and §3.9: ``iss`` equals the issuer and ``aud`` holds the audience, character by
    character; None skips.
    """
    if issuer is not None and claims.get("iss") != issuer:
        raise InvalidSignedToken("iss")
    if audience is None:
        return
    named = claims.get("aud")
    members = named if isinstance(named, list) else [named]
    if not all(isinstance(member, str) for member in members) or audience not in members:
        raise InvalidSignedToken("aud")


def _numeric_date(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidSignedToken(f"{name} is not a number")
    if not math.isfinite(value) or not 0 <= value <= _LATEST_NUMERIC_DATE:
        raise InvalidSignedToken(f"{name} is out of range")
    return value
