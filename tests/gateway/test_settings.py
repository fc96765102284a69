"""Settings: which addresses may do without TLS, and how long signing keys may live."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from foundation.signing import RotationPolicy
from gateway.api.oauth import JWKS_SECONDS
from gateway.key_lives import KeyLives
from gateway.settings import Settings, is_loopback
from idp.provider.limits import ProviderLimits


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:8000", "http://127.8.0.1", "http://localhost:9", "http://[::1]:8000"]
)
def test_this_machine_itself_may_do_without_tls(issuer: str) -> None:
    """A demo and a test run on loopback addresses."""
    assert is_loopback(issuer)
    assert Settings(issuer=issuer).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://localhost@example.com",
        "http://10.0.0.1",
    ],
)
def test_a_host_that_only_begins_like_this_machine_needs_tls(issuer: str) -> None:
    """Cookies, codes and tokens would travel in clear to another machine."""
    with pytest.raises(ValidationError):
        Settings(issuer=issuer)


def test_key_lives_default_to_the_plan_of_the_product() -> None:
    """What is not set is as the rotation plan itself has it."""
    assert Settings().key_lives.policy() == RotationPolicy()


@pytest.mark.parametrize("extreme", ["least", "most"])
def test_every_permitted_life_of_a_key_makes_a_plan(extreme: str) -> None:
    """The bounds of the settings lie within those of the plan, so that no permitted value stops the product."""
    bounds = {
        name: next(
            value
            for mark in info.metadata
            if (value := getattr(mark, "ge" if extreme == "least" else "le", None)) is not None
        )
        for name, info in KeyLives.model_fields.items()
    }
    tokens, receipts, _, encryption = KeyLives(**bounds).policy().purposes
    assert tokens.publish_lead >= 4 * timedelta(seconds=JWKS_SECONDS)
    longest = ProviderLimits.model_fields["id_token_lifetime"].metadata[-1].le
    assert tokens.overlap is not None
    assert tokens.overlap >= longest + timedelta(seconds=JWKS_SECONDS)
    assert receipts.overlap is None
    assert encryption.overlap is not None
    assert encryption.overlap > timedelta(seconds=JWKS_SECONDS)


def test_a_key_may_not_sign_for_longer_than_ninety_days() -> None:
    """Neither may a successor sign before anybody has it."""
    for name, value in (("token_signing_life", "P91D"), ("proof_signing_life", "P91D"), ("publish_lead", "PT10M")):
        with pytest.raises(ValidationError):
            KeyLives.model_validate({name: value})
