"""The life of signing keys: a pure plan in which relying parties always know a key before it signs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from foundation.signing import (
    ErasePrivateKey,
    MakeKey,
    PurposePolicy,
    RotationPolicy,
    SigningKey,
    choose_signing_key,
    plan_rotation,
)

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = RotationPolicy((PurposePolicy("oidc", ("ES256",)),))


def _made(action: MakeKey, now: datetime) -> SigningKey:
    return SigningKey(
        kid=f"{action.purpose}-{action.alg}-{action.generation}",
        purpose=action.purpose,
        alg=action.alg,
        generation=action.generation,
        public_jwk={},
        created_at=now,
        published_at=action.published_at,
        active_from=action.active_from,
        retires_at=action.retires_at,
        withdrawn_at=action.withdrawn_at,
    )


def _run(keys: list[SigningKey], now: datetime) -> list[SigningKey]:
    made = [_made(action, now) for action in plan_rotation(keys, POLICY, now) if isinstance(action, MakeKey)]
    return keys + made


def test_first_key_signs_at_once() -> None:
    """An empty database cannot wait a day for its first token."""
    keys = _run([], NOW)
    assert choose_signing_key(keys, "oidc", "ES256", NOW) is keys[0]
    assert plan_rotation(keys, POLICY, NOW) == ()


def test_a_year_of_rotation_never_leaves_a_gap_and_always_publishes_first() -> None:
    """OpenID Connect Core §10.1.1: at every hour one key signs, known for a full day unless it is the very
    first.
    """
    keys: list[SigningKey] = []
    now = NOW
    while now < NOW + 365 * DAY:
        keys = _run(keys, now)
        signer = choose_signing_key(keys, "oidc", "ES256", now)
        assert signer is not None
        if signer.generation > 1:
            assert now - signer.published_at >= timedelta(hours=23)
        # What any key signed up to its last second stays verifiable for ten minutes of token life and a
        # cached key set.
        for key in keys:
            if key.retires_at <= now < key.retires_at + timedelta(hours=1):
                assert key.is_published(now)
        now += timedelta(hours=1)
    assert 6 <= len(keys) <= 8


def test_retired_keys_lose_their_private_half() -> None:
    """A key that will never sign again need not be stealable."""
    keys = _run([], NOW)
    later = keys[0].retires_at
    assert ErasePrivateKey(keys[0].kid) in plan_rotation(keys, POLICY, later)


def test_revocation_of_the_only_key_makes_another_at_once() -> None:
    """After a compromise signing goes on with a new key, and the revoked one is neither used nor published."""
    (first,) = _run([], NOW)
    revoked = replace(first, revoked_at=NOW + DAY)
    keys = _run([revoked], NOW + DAY)
    signer = choose_signing_key(keys, "oidc", "ES256", NOW + DAY)
    assert signer is not None
    assert signer.generation == 2
    assert not revoked.is_published(NOW + DAY)


def test_node_that_slept_past_a_rotation_signs_again_at_once() -> None:
    """When nobody rotated in time, being able to sign outweighs the time of publication."""
    keys = _run([], NOW)
    late = keys[0].retires_at + 30 * DAY
    signer = choose_signing_key(_run(keys, late), "oidc", "ES256", late)
    assert signer is not None
    assert signer.active_from == late


@pytest.mark.parametrize(
    ("lead", "life"), [(timedelta(), 60 * DAY), (60 * DAY, 60 * DAY), (DAY, 91 * DAY), (-DAY, DAY)]
)
def test_policies_that_cannot_work_are_refused(lead: timedelta, life: timedelta) -> None:
    """A key signs for at most 90 days and is published for some time before."""
    with pytest.raises(ValueError, match="publish_lead"):
        PurposePolicy("oidc", ("ES256",), publish_lead=lead, signing_life=life)
