"""The plans of the OpenID Foundation's conformance suite that are ported here, and what is known of each module.

`modules.txt` holds the module ids by plan. A module's test is the function named after it. What is not tested has its reason here, so that
nothing is left out unseen: `NOT_APPLICABLE` is settled, `PENDING` waits for a feature of the product.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

MODULES_FILE = Path(__file__).parent / "modules.txt"

TITLES: Mapping[str, str] = {
    "basic": "OpenID Connect Core: Basic OP",
    "config": "OpenID Connect Core: Config OP",
    "rp-initiated-logout": "RP-Initiated Logout OP",
    "back-channel-logout": "Back-Channel Logout OP (initiated by the relying party)",
    "front-channel-logout": "Front-Channel Logout OP (initiated by the relying party)",
    "session-management": "Session Management OP",
    "formpost-basic": "Form Post OP: Basic",
    "dynamic": "OpenID Connect Core: Dynamic OP",
    "hybrid": "OpenID Connect Core: Hybrid OP",
    "implicit": "OpenID Connect Core: Implicit OP",
    "formpost-hybrid": "Form Post OP: Hybrid",
    "formpost-implicit": "Form Post OP: Implicit",
    "third-party-login": "Third-Party-Initiated Login OP",
    "fapi2-security-profile": "FAPI 2.0 Security Profile Final",
    "fapi2-message-signing": "FAPI 2.0 Message Signing Final",
    "ciba": "FAPI-CIBA, poll and ping",
    "identity-assurance": "OpenID Connect for Identity Assurance",
}
_FORM_POST = {"formpost-basic": "basic", "formpost-hybrid": "hybrid", "formpost-implicit": "implicit"}

ANOTHER_COUNTRY = (
    "belongs to the profile of another country or sector, which asks for what the general profile does not"
)
_COUNTRY_WORDS = ("brazil", "australia-connectid", "-connectid-")
NOT_APPLICABLE: Mapping[str, str] = {
    "fapi2-security-profile-final-ensure-server-handles-non-matching-intent-id": ANOTHER_COUNTRY,
    "fapi2-security-profile-final-test-essential-acr-sca-claim": ANOTHER_COUNTRY,
}

PENDING: Mapping[str, str] = {}
"""Module id, or `plan:module`, and what it waits for."""


def _read_modules() -> dict[str, tuple[str, ...]]:
    plans: dict[str, list[str]] = {}
    current: list[str] = []
    for line in MODULES_FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            current = plans.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            current.append(line)
    plans |= {name: plans[source] for name, source in _FORM_POST.items()}
    return {name: tuple(plans[name]) for name in TITLES}


PLANS: Mapping[str, tuple[str, ...]] = _read_modules()


def function_name(module: str) -> str:
    """Return the name of the test of a module."""
    return "test_" + module.replace("-", "_").replace(".", "_")


def plans_of(module: str) -> Iterator[str]:
    """Yield the plans that have the module."""
    return (plan for plan, modules in PLANS.items() if module in modules)


def why_not_applicable(module: str) -> str | None:
    """Return why the module says nothing about this product, None when it does."""
    if any(word in module for word in _COUNTRY_WORDS):
        return ANOTHER_COUNTRY
    return NOT_APPLICABLE.get(module)


def why_pending(plan: str, module: str) -> str | None:
    """Return what the module waits for in this plan, None when it is tested."""
    return PENDING.get(f"{plan}:{module}") or PENDING.get(f"{plan}:*") or PENDING.get(module)


MODULE_OF_FUNCTION: Mapping[str, str] = {
    function_name(module): module for modules in PLANS.values() for module in modules
}
