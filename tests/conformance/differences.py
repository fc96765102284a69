"""Where npm `oidc-provider` and the port disagree, and why: a fault of the port would show here as a difference nobody can explain.

Each row is run and has to fail, so that a difference that has gone is noticed.
"""

from collections.abc import Mapping

from tests.conformance.variants import Variant

_FRAMES_GONE = "front-channel logout and session management were taken out of it, because browsers no longer send third-party cookies"

_KEYS_FIXED = "its keys are part of its configuration: new ones come with a new process"
_BY_REFERENCE_GONE = (
    "request objects by reference were taken out of it, but for pushed ones (OpenID Connect Core §6.2 is optional)"
)

DIFFERENCES: Mapping[str, str] = {
    "oidcc-server-rotate-keys": _KEYS_FIXED,
    "oidcc-request-uri-signed-rs256": _BY_REFERENCE_GONE,
    "fapi-ciba-id1-auth-req-id-expired": "its in-memory store forgets what has expired, so it answers `invalid_grant` instead of `expired_token`",
    "oidcc-3rd_party-init-login": "it keeps `initiate_login_uri`, and whoever embeds it sends people there",
    "oidcc-frontchannel-logout-discovery-endpoint-verification": _FRAMES_GONE,
    "oidcc-frontchannel-rp-initiated-logout": _FRAMES_GONE,
    "oidcc-session-management-discovery-endpoint-verification": _FRAMES_GONE,
    "oidcc-session-management-rp-initiated-logout": _FRAMES_GONE,
}
"""Module id, or `plan:module` → what `oidc-provider` does instead, and the passage that allows it."""


ABSENT_PLANS: Mapping[str, str] = {"identity-assurance": "it has no verified claims"}
"""Plans that `oidc-provider` is not run through at all."""


def difference_of(module: str, variant: Variant) -> str | None:
    """Return the explanation when `oidc-provider` is known to answer this module otherwise."""
    return (
        DIFFERENCES.get(f"{variant.plan}:{module}")
        or DIFFERENCES.get(f"{variant.name}:{module}")
        or DIFFERENCES.get(module)
    )
