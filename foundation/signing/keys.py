"""Keys as data: their life in five instants, and which one is used now.

A key is *published* before it signs (*active*), stops signing when it *retires*, and stays in the published
set until it is *withdrawn*, when nothing it signed can still be valid. ``revoked_at`` cuts all of this
short. The life is laid down when the key is made, so every node knows at every instant, without talking to
another, which key signs.

A key of purpose ``encryption`` signs nothing: others encrypt to it. It is offered while a signing key would sign,
and decrypts until it is withdrawn.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Purpose = Literal["oidc", "receipt", "checkpoint", "encryption"]
Algorithm = Literal["ES256", "RS256", "PS256", "EdDSA"]
EncryptionAlgorithm = Literal["RSA-OAEP-256", "ECDH-ES"]
KeyAlgorithm = Algorithm | EncryptionAlgorithm


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The public half and the life of one key; ``generation`` counts within (purpose, algorithm).

    ``withdrawn_at`` is None for keys whose signatures are checked for ever: receipts and checkpoints.
    """

    kid: str
    purpose: Purpose
    alg: KeyAlgorithm
    generation: int
    public_jwk: Mapping[str, Any]
    created_at: datetime
    published_at: datetime
    active_from: datetime
    retires_at: datetime
    withdrawn_at: datetime | None
    revoked_at: datetime | None = None

    def is_published(self, now: datetime) -> bool:
        """Whether the key is in the published set, that is, whether its signatures are accepted."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return False
        return self.published_at <= now and (self.withdrawn_at is None or now < self.withdrawn_at)

    def may_sign(self, now: datetime) -> bool:
        """Whether the key signs at this instant."""
        return self.is_published(now) and self.active_from <= now < self.retires_at

    def is_offered(self, now: datetime) -> bool:
        """Whether the key set shows the key.

        A key to encrypt to is shown from when every node holds it, and no longer than others should begin to use it.
        """
        return self.may_sign(now) if self.purpose == "encryption" else self.is_published(now)

    @property
    def private_until(self) -> datetime:
        """When the private half has done its work: to sign, or to decrypt what is still on its way."""
        return self.withdrawn_at or self.retires_at if self.purpose == "encryption" else self.retires_at


def choose_signing_key(
    keys: Iterable[SigningKey], purpose: Purpose, alg: Algorithm, now: datetime
) -> SigningKey | None:
    """Return the key that signs now, the latest activated one when lives overlap; None when there is none."""
    candidates = [key for key in keys if key.purpose == purpose and key.alg == alg and key.may_sign(now)]
    return max(candidates, key=lambda key: (key.active_from, key.generation), default=None)
