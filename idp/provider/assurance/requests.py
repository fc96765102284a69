"""The `verified_claims` member of the `claims` parameter (Identity Assurance §6): read, bounded, and cut down to what may be given at all.

It is kept as the JSON that it is, because its shape follows what is available, not what we expect. What remains of `claims` are names that
are verified here and that the client is entitled to; the rest is left out without an error (§6.5.1).
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from idp.provider.assurance.vocabulary import VERIFIABLE_CLAIMS
from idp.provider.authorization.reasons import INVALID_CLAIMS
from idp.provider.errors import RedirectableError
from idp.provider.scopes import CLAIM_LABELS, SCOPE_OF_CLAIM

MEMBER = "verified_claims"
ITEM = "verified:"
"""What a consent item of this kind begins with: `verified:<claim>`, and with a purpose `verified:<claim>:<digest of the purpose>`."""

MOST_ELEMENTS = 4
MOST_VALUES = 20
LONGEST_AGE = 100 * 366 * 24 * 3_600
PURPOSE_LENGTHS = range(3, 301)

VerifiedClaimsWish = Mapping[str, Any]
"""One element: `verification` with a `trust_framework`, and `claims` by name."""


def parse_verified_claims(section: Mapping[str, Any] | None, scopes: frozenset[str]) -> tuple[VerifiedClaimsWish, ...]:
    """Return the elements of one section (`id_token` or `userinfo`) that may lead to something.

    `scopes` are the client's entitlements. Raises RedirectableError for what is not well-formed, also for a purpose that is too short or
    too long (§6.1).
    """
    asked = None if section is None else section.get(MEMBER)
    if asked is None:
        return ()
    elements = asked if isinstance(asked, list) else [asked]
    _refuse_unless(len(elements) <= MOST_ELEMENTS, "too many verified_claims elements")
    wishes = [_parse_element(element, scopes) for element in elements]
    return tuple(wish for wish in wishes if wish["claims"])


def items_of(wishes: Iterable[VerifiedClaimsWish]) -> dict[str, str | None]:
    """Return what the person is asked about: consent items with the purpose that the app gave, None when it gave none."""
    return {
        item_of(name, purpose_of(wish)): purpose_of(wish)
        for element in wishes
        for name, wish in sorted(element["claims"].items())
    }


def voluntary_items(wishes: Iterable[VerifiedClaimsWish]) -> frozenset[str]:
    """Return those consent items that the app can do without: no element says `essential` beside the claim (OpenID Connect Core §5.5.1)."""
    kinds = [
        (item_of(name, purpose_of(wish)), wish is not None and wish.get("essential", False))
        for element in wishes
        for name, wish in element["claims"].items()
    ]
    return frozenset(item for item, _ in kinds) - {item for item, essential in kinds if essential}


def agreed_wishes(wishes: Iterable[VerifiedClaimsWish], items: Iterable[str]) -> tuple[VerifiedClaimsWish, ...]:
    """Return the elements with those claims alone that were agreed to, for the purpose that was shown."""
    agreed = frozenset(items)
    reduced = [
        {
            **element,
            "claims": {
                name: wish for name, wish in element["claims"].items() if item_of(name, purpose_of(wish)) in agreed
            },
        }
        for element in wishes
    ]
    return tuple(element for element in reduced if element["claims"])


def item_of(name: str, purpose: str | None) -> str:
    """Return the consent item of one claim: another purpose is another question (PIPL Art. 14)."""
    if purpose is None:
        return ITEM + name
    return f"{ITEM}{name}:{hashlib.sha256(purpose.encode()).hexdigest()[:16]}"


def claim_of_item(item: str) -> str:
    """Return the name of the claim that a consent item of this kind is about."""
    return item.removeprefix(ITEM).partition(":")[0]


def purpose_of(wish: Any) -> str | None:
    """Return the purpose that stands beside one claim."""
    return None if wish is None else wish.get("purpose")


def title_of(item: str) -> tuple[str, str]:
    """Return the Chinese and the English title of a consent item of this kind."""
    name = claim_of_item(item)
    label_zh, label_en = CLAIM_LABELS.get(name, (name, name))
    return f"经核验的{label_zh}及核验情况", f"{label_en}, verified, and how it was verified"


def _parse_element(element: Any, scopes: frozenset[str]) -> dict[str, Any]:
    _refuse_unless(isinstance(element, dict), "verified_claims is not an object")
    verification, claims = element.get("verification"), element.get("claims", {})
    _refuse_unless(isinstance(verification, dict), "verification is missing")
    _refuse_unless("trust_framework" in verification, "trust_framework is missing")
    _refuse_unless(claims is None or isinstance(claims, dict), "claims is not an object")
    verification = {name: wish for name, wish in verification.items() if name != "evidence" or wish}
    _check(verification)
    _check(claims)
    entitled = {
        name: wish
        for name, wish in (claims or {}).items()
        if name in VERIFIABLE_CLAIMS and SCOPE_OF_CLAIM[name] in scopes
    }
    for wish in entitled.values():
        _refuse_unless(wish is None or isinstance(wish, dict), "a claim is neither null nor an object")
    return {"verification": verification, "claims": entitled}


def _check(wish: Any) -> None:
    """Look at every restriction and purpose within, whatever element it belongs to; unknown elements are allowed (§6.5.1)."""
    if isinstance(wish, list):
        for entry in wish:
            _check(entry)
    if not isinstance(wish, dict):
        return
    for name, member in wish.items():
        if name == "purpose":
            _refuse_unless(isinstance(member, str) and len(member) in PURPOSE_LENGTHS, "purpose of 3 to 300 characters")
        elif name == "essential":
            _refuse_unless(isinstance(member, bool), "essential is no flag")
        elif name == "values":
            _refuse_unless(isinstance(member, list) and 0 < len(member) <= MOST_VALUES, "values is no short list")
        elif name == "max_age":
            is_number = isinstance(member, int) and not isinstance(member, bool)
            _refuse_unless(is_number and 0 <= member <= LONGEST_AGE, "max_age is no number of seconds")
        elif name != "value":
            _check(member)


def _refuse_unless(holds: bool, detail: str) -> None:
    if not holds:
        raise RedirectableError(INVALID_CLAIMS, detail)
