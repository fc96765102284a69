"""Signing keys with publish-before-use rotation, and the strict signing and verifying of compact tokens.

Keys are made by ``ensure_keys`` and used through a ``KeyRing``. Purposes never mix: a receipt key verifies
no token.
"""

from foundation.signing.claims import VerifiedClaims
from foundation.signing.compact import UnverifiedToken
from foundation.signing.errors import ExpiredSignedToken, InvalidSignedToken, NoSigningKey
from foundation.signing.generation import ensure_keys
from foundation.signing.key_ring import KeyRing
from foundation.signing.keys import Algorithm, Purpose, SigningKey, choose_signing_key
from foundation.signing.rotation import (
    ErasePrivateKey,
    MakeKey,
    PurposePolicy,
    RotationPolicy,
    plan_rotation,
)
from foundation.signing.store import revoke_signing_key

__all__ = [
    "Algorithm",
    "ErasePrivateKey",
    "ExpiredSignedToken",
    "InvalidSignedToken",
    "KeyRing",
    "MakeKey",
    "NoSigningKey",
    "Purpose",
    "PurposePolicy",
    "RotationPolicy",
    "SigningKey",
    "UnverifiedToken",
    "VerifiedClaims",
    "choose_signing_key",
    "ensure_keys",
    "plan_rotation",
    "revoke_signing_key",
]
