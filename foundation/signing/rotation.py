"""When a key has to be made: a pure plan over the keys that exist, laid out per purpose.

Publish before use: a successor is made ``publish_lead`` before its predecessor retires and becomes active
exactly then, so every relying party that honours the cache lifetime of the key set has it in time (OpenID
Connect Core §10.1.1). Only when no key can sign at all, on an empty database or after a revocation, does a
key sign at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from foundation.signing.keys import KeyAlgorithm, Purpose, SigningKey


@dataclass(frozen=True, slots=True)
class PurposePolicy:
    """The life of the keys of one purpose.

    ``publish_lead`` ≥ cache lifetime of the published set; ``signing_life`` ≤ 90 days; ``overlap`` ≥
    longest token life plus that cache lifetime, or None when signatures are checked for ever.
    """

    purpose: Purpose
    algorithms: tuple[KeyAlgorithm, ...]
    publish_lead: timedelta = timedelta(hours=24)
    signing_life: timedelta = timedelta(days=60)
    overlap: timedelta | None = timedelta(days=2)

    def __post_init__(self) -> None:
        if not timedelta() < self.publish_lead < self.signing_life <= timedelta(days=90):
            raise ValueError("0 < publish_lead < signing_life <= 90 days must hold")


@dataclass(frozen=True, slots=True)
class RotationPolicy:
    """The policies of all purposes."""

    purposes: tuple[PurposePolicy, ...] = (
        PurposePolicy("oidc", ("ES256", "RS256", "PS256", "EdDSA")),
        PurposePolicy("receipt", ("EdDSA",), overlap=None),
        PurposePolicy("checkpoint", ("EdDSA",), overlap=None),
        PurposePolicy("encryption", ("RSA-OAEP-256", "ECDH-ES")),
    )


@dataclass(frozen=True, slots=True)
class MakeKey:
    """Make the next generation of (purpose, algorithm) with this life."""

    purpose: Purpose
    alg: KeyAlgorithm
    generation: int
    published_at: datetime
    active_from: datetime
    retires_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class ErasePrivateKey:
    """Forget the private half of a key that will never sign or decrypt again."""

    kid: str


def plan_rotation(
    keys: Iterable[SigningKey], policy: RotationPolicy, now: datetime
) -> tuple[MakeKey | ErasePrivateKey, ...]:
    """Return what is due now, in the order of the policy; nothing due gives an empty tuple, so it may run
    as often as liked.
    """
    known = tuple(keys)
    actions: list[MakeKey | ErasePrivateKey] = []
    for purpose_policy in policy.purposes:
        for alg in purpose_policy.algorithms:
            line = [key for key in known if key.purpose == purpose_policy.purpose and key.alg == alg]
            if (due := _next_key(line, purpose_policy, alg, now)) is not None:
                actions.append(due)
    actions += [ErasePrivateKey(key.kid) for key in known if key.private_until <= now or _is_revoked(key, now)]
    return tuple(actions)


def _next_key(line: list[SigningKey], policy: PurposePolicy, alg: KeyAlgorithm, now: datetime) -> MakeKey | None:
    usable = [key for key in line if not _is_revoked(key, now) and now < key.retires_at]
    if not any(key.may_sign(now) for key in usable):
        active_from = now
    else:
        last_retires_at = max(key.retires_at for key in usable)
        if now < last_retires_at - policy.publish_lead:
            return None
        # A rotation that ran late still gives the successor its full time of publication when the old key
        # lives long enough.
        active_from = last_retires_at
    retires_at = active_from + policy.signing_life
    return MakeKey(
        purpose=policy.purpose,
        alg=alg,
        generation=max((key.generation for key in line), default=0) + 1,
        published_at=now,
        active_from=active_from,
        retires_at=retires_at,
        withdrawn_at=None if policy.overlap is None else retires_at + policy.overlap,
    )


def _is_revoked(key: SigningKey, now: datetime) -> bool:
    return key.revoked_at is not None and key.revoked_at <= now
