"""In which shapes each plan is run: response type, response mode, client authentication, sender constraint, delivery."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

RENZHENG, NODE = "renzheng", "oidc-provider"
"""The providers that the port is run against."""
Constraint = Literal["dpop", "mtls"]


@dataclass(frozen=True)
class Variant:
    """One shape of one plan. `role` names the client that is used, by its key in `registrations.ROLES`."""

    plan: str
    role: str = "basic"
    response_type: str = "code"
    response_mode: str | None = None
    constraint: Constraint | None = None
    delivery: Literal["poll", "ping"] = "poll"

    @property
    def name(self) -> str:
        """The name in the test's id."""
        words = [self.plan]
        if self.response_type != "code":
            words.append(self.response_type.replace(" ", "+"))
        if self.role != self.plan and self.plan.startswith(("fapi2", "ciba")):
            words.append(self.role)
        return ":".join(words)

    @property
    def is_left_to_the_long_run(self) -> bool:
        """Whether another shape shows the same in every run: mixed proofs of FAPI, and forms beyond the first response type."""
        if self.plan.startswith("fapi2"):
            return self.role.endswith(("-jwt-mtls", "-tls-dpop"))
        return self.plan.startswith("formpost-") and self != _variants(self.plan)[0]

    @property
    def asks_code(self) -> bool:
        """Whether the answer carries a code."""
        return "code" in self.response_type.split(" ")

    @property
    def asks_id_token(self) -> bool:
        """Whether the answer itself carries an ID token."""
        return "id_token" in self.response_type.split(" ")

    @property
    def asks_token(self) -> bool:
        """Whether the answer itself carries an access token."""
        return "token" in self.response_type.split(" ")

    @property
    def expected_mode(self) -> str:
        """The response mode in which the answer has to come (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, §5)."""
        return self.response_mode or ("query" if self.response_type == "code" else "fragment")


HYBRID_TYPES = ("code id_token", "code token", "code id_token token")
IMPLICIT_TYPES = ("id_token", "id_token token")
_FAPI_SHAPES: tuple[tuple[str, Constraint], ...] = (
    ("jwt-dpop", "dpop"),
    ("jwt-mtls", "mtls"),
    ("tls-dpop", "dpop"),
    ("tls-mtls", "mtls"),
)


def _variants(plan: str) -> tuple[Variant, ...]:
    mode = "form_post" if plan.startswith("formpost-") else None
    if plan.endswith("hybrid"):
        return tuple(Variant(plan, "hybrid", kind, mode) for kind in HYBRID_TYPES)
    if plan.endswith("implicit"):
        return tuple(Variant(plan, "implicit", kind, mode) for kind in IMPLICIT_TYPES)
    if plan == "fapi2-security-profile":
        return tuple(Variant(plan, f"high-{shape}", constraint=how) for shape, how in _FAPI_SHAPES)
    if plan == "fapi2-message-signing":
        return tuple(
            Variant(plan, f"signed-{shape}", response_mode="jwt", constraint=how) for shape, how in _FAPI_SHAPES
        )
    if plan == "ciba":
        return (
            Variant(plan, "ciba-poll", constraint="mtls", delivery="poll"),
            Variant(plan, "ciba-ping", constraint="mtls", delivery="ping"),
        )
    return (Variant(plan, response_mode=mode),)


def variants_of(plan: str) -> tuple[Variant, ...]:
    """Return the shapes of a plan."""
    return _variants(plan)


def _by_dpop(variant: Variant) -> bool:
    return variant.constraint == "dpop"


def _by_assertion(variant: Variant) -> bool:
    return "-jwt-" in variant.role


_FAPI = "fapi2-security-profile-final-"
_SPEAKS_OF: Mapping[str, Callable[[Variant], bool]] = {
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": lambda variant: not variant.asks_id_token,
    "oidcc-ensure-request-without-nonce-fails": lambda variant: variant.asks_id_token,
    "oidcc-userinfo-get": lambda variant: variant.asks_code or variant.asks_token,
    "oidcc-userinfo-post-header": lambda variant: variant.asks_code or variant.asks_token,
    "oidcc-userinfo-post-body": lambda variant: variant.asks_code or variant.asks_token,
    **dict.fromkeys(
        (
            f"{_FAPI}check-dpop-proof-nbf-exp",
            f"{_FAPI}ensure-dpopproof-with-iat-10seconds-before-succeeds",
            f"{_FAPI}ensure-dpopproof-with-iat-10seconds-after-succeeds",
            f"{_FAPI}ensure-mismatched-dpop-jkt-fails",
            f"{_FAPI}ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt",
            f"{_FAPI}ensure-token-endpoint-fails-with-mismatched-dpop-jkt",
            f"{_FAPI}ensure-dpopproof-at-par-endpoint-binding-success",
            f"{_FAPI}ensure-dpop-auth-code-binding-success",
            f"{_FAPI}dpop-negative-tests",
        ),
        _by_dpop,
    ),
    **dict.fromkeys(
        (
            f"{_FAPI}ensure-signed-client-assertion-with-RS256-fails",
            f"{_FAPI}ensure-client-assertion-with-exp-is-5-minutes-in-past-fails",
            f"{_FAPI}ensure-client-assertion-with-wrong-aud-fails",
            f"{_FAPI}ensure-client-assertion-with-no-sub-fails",
            f"{_FAPI}par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted",
            f"{_FAPI}par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails",
            f"{_FAPI}par-test-array-as-audience-fails",
            f"{_FAPI}par-test-par-endpoint-url-as-audience-fails",
            f"{_FAPI}par-test-token-endpoint-url-as-audience-fails",
        ),
        _by_assertion,
    ),
    **dict.fromkeys(
        (
            "fapi-ciba-id1-ping-backchannel-notification-endpoint-response-has-body",
            "fapi-ciba-id1-ping-backchannel-notification-endpoint-response-401",
            "fapi-ciba-id1-ping-backchannel-notification-endpoint-response-403",
            "fapi-ciba-id1-ping-with-mtls-ciba-notification-endpoint-response-401-and-require-server-does-not-retry",
            "fapi-ciba-id1-ping-backchannel-notification-endpoint-return-redirect-request",
        ),
        lambda variant: variant.delivery == "ping",
    ),
}
"""Modules that the suite runs in some shapes of a plan only: a nonce may be left out where no ID token comes with the answer, and UserInfo
needs an access token."""


def speaks_of(module: str, variant: Variant) -> bool:
    """Tell whether the module has anything to say in this shape."""
    return module not in _SPEAKS_OF or _SPEAKS_OF[module](variant)
