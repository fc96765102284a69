"""Lifetimes, quotas and limits of the license room.

The anchors of the defaults are in the limits table of docs.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LookupLimits(BaseModel):
    """Settings of lookups; all durations are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    officer_per_minute: int = Field(60, ge=1, description="Lookups one officer may ask for in a minute.")
    officer_per_day: int = Field(1000, ge=1, description="Lookups one officer may ask for in 24 hours.")
    miss_window: int = Field(50, ge=5, description="How many of an officer's last lookups the miss rule looks at.")
    miss_percent: int = Field(
        20, ge=0, le=100, description="Share of misses in that window above which the officer is blocked."
    )
    miss_block_seconds: int = Field(3600, ge=60, description="How long such a block lasts, in seconds.")
    case_cache_seconds: int = Field(
        30, ge=0, le=300, description="How long a positive answer of the case system is believed, in seconds."
    )
    library_deadline_seconds: float = Field(
        10.0, gt=0, le=10, description="Hard stop for one question to a license library, in seconds."
    )
    matters_deadline_seconds: float = Field(
        5.0, gt=0, le=10, description="Hard stop for one question to the case system, in seconds."
    )
    idempotency_seconds: int = Field(
        86400, ge=60, description="How long a repeated X-Request-Id gets the same answer, in seconds."
    )
    full_sign_in_age_seconds: int = Field(
        28800,
        ge=60,
        description="An officer's own token shows whole values only when the sign-in behind it is not older, in seconds.",
    )
    body_octets: int = Field(65536, ge=1024, description="Largest lookup body accepted, in octets.")
    json_depth: int = Field(32, ge=4, le=64, description="Deepest nesting of a lookup body accepted.")
    results: int = Field(50, ge=1, description="Most licenses one answer may hold.")
    issuer_mode: Literal["strict", "lenient"] = Field(
        "strict",
        description="Whether a license identifier must name its issuer by an 18-character USCC (strict).",
    )
    large_daily_volume: int = Field(
        5000, ge=1, description="Daily volume from which a grant needs two different people to validate it."
    )
