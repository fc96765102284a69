"""The words that people, sign-in and provider share: how sure we are who somebody is, and how they signed in.

Both dimensions travel in one `acr` value (OpenID Connect Core §2), because relying parties ask for both together.
"""

import re
from enum import IntEnum
from typing import Literal


class RealNameLevel(IntEnum):
    """实名等级: how firmly a person is tied to an identity document."""

    NONE = 0
    BASIC = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def label_zh(self) -> str:
        """The official Chinese word for the level."""
        return ("未认证", "初级", "中级", "高级")[self]

    @property
    def label_en(self) -> str:
        """The English word for the level."""
        return ("not verified", "basic", "medium", "high")[self]


class SignInStrength(IntEnum):
    """How many independent factors were shown at the last sign-in or step-up."""

    ONE_FACTOR = 1
    TWO_FACTOR = 2


SessionKind = Literal["citizen", "staff"]
"""A citizen's own session, or an officer's session at work; one browser never holds both in one session."""

_ACR = re.compile(r"urn:renzheng:acr:l([0-3]):f([12])", re.ASCII)


def acr_of(level: RealNameLevel, strength: SignInStrength) -> str:
    """Return the `acr` value of a level and a strength, for example `urn:renzheng:acr:l2:f1`."""
    return f"urn:renzheng:acr:l{int(level)}:f{int(strength)}"


def parse_acr(acr: str) -> tuple[RealNameLevel, SignInStrength] | None:
    """Return level and strength of one of our own `acr` values, or None for any other text."""
    match = _ACR.fullmatch(acr)
    if match is None:
        return None
    return RealNameLevel(int(match[1])), SignInStrength(int(match[2]))


def is_at_least(acr: str, wanted: str) -> bool:
    """Tell whether `acr` reaches `wanted` in both dimensions; an `acr` that is not ours reaches nothing."""
    reached, asked = parse_acr(acr), parse_acr(wanted)
    if reached is None or asked is None:
        return False
    return reached[0] >= asked[0] and reached[1] >= asked[1]


ALL_ACR_VALUES = tuple(acr_of(level, strength) for level in RealNameLevel for strength in SignInStrength)
"""Every `acr` value this provider can answer with, weakest first (`acr_values_supported`)."""
