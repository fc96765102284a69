"""Where npm `oidc-provider` and the port disagree, and why: a fault of the port would show here as a difference nobody can explain.

Each row is run and has to fail, so that a difference that has gone is noticed.
"""

from collections.abc import Mapping

from tests.conformance.variants import Variant

_FRAMES_GONE = "front-channel logout and session management were taken out of it, because browsers no longer send third-party cookies"

DIFFERENCES: Mapping[str, str] = {
    "oidcc-frontchannel-logout-discovery-endpoint-verification": _FRAMES_GONE,
    "oidcc-frontchannel-rp-initiated-logout": _FRAMES_GONE,
    "oidcc-session-management-discovery-endpoint-verification": _FRAMES_GONE,
    "oidcc-session-management-rp-initiated-logout": _FRAMES_GONE,
}
"""Module id, or `plan:module` → what `oidc-provider` does instead, and the passage that allows it."""


def difference_of(module: str, variant: Variant) -> str | None:
    """Return the explanation when `oidc-provider` is known to answer this module otherwise."""
    return (
        DIFFERENCES.get(f"{variant.plan}:{module}")
        or DIFFERENCES.get(f"{variant.name}:{module}")
        or DIFFERENCES.get(module)
    )
