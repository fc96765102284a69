"""What of an available verification an app gets: exactly the elements it named, and only when every restriction it made is met. Pure.

Identity Assurance §6: a restriction that is not met inside `verification` takes the whole `verified_claims` element away, one on a claim
takes that claim away; what is unknown or not there is left out; nothing of this is an error.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from idp.provider.assurance.verification import parse_time

ALWAYS_TOLD = frozenset({"trust_framework", "type", "check_method"})
"""Members without which the element around them would not be valid, told whenever that element is."""

_RESTRICTIONS = ("value", "values", "max_age")


class NotMet(Exception):
    """A restriction is not met; whoever asked gets nothing of the element."""


def select_verified_claims(
    asked: Mapping[str, Any], *, verification: Mapping[str, Any], claims: Mapping[str, Any], now: datetime
) -> dict[str, Any] | None:
    """Return one `verified_claims` element, None when it has to be left out.

    `asked` is one entry of the request, `verification` and `claims` are all that is available.
    """
    try:
        chosen = _object(asked["verification"], verification, now)
    except NotMet:
        return None
    given = {
        name: claims[name]
        for name, wish in asked["claims"].items()
        if name in claims and _is_met(wish or {}, claims[name], now)
    }
    return {"verification": chosen, "claims": given} if given else None


def _object(template: Mapping[str, Any], available: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    chosen = {name: available[name] for name in ALWAYS_TOLD & available.keys()}
    for name, wish in template.items():
        if name in available:
            chosen[name] = _element(wish, available[name], now)
        elif _is_restricted(wish):
            raise NotMet(name)
    # In the order of what is available, so that equal answers are equal text.
    return {name: chosen[name] for name in available if name in chosen}


def _element(wish: Any, available: Any, now: datetime) -> Any:
    if isinstance(available, dict):
        if wish is None:
            return available
        return _object(wish, available, now) if isinstance(wish, dict) else _none(wish)
    if isinstance(available, list):
        if wish is None:
            return available
        return _entries(wish, available, now) if isinstance(wish, list) else _none(wish)
    if wish is not None and not (isinstance(wish, dict) and _is_met(wish, available, now)):
        raise NotMet
    return available


def _entries(templates: Sequence[Any], available: Sequence[Any], now: datetime) -> list[Any]:
    """Return each available entry that one of the templates fits, as the first such template shapes it (§6.2: filters joined by OR)."""
    chosen = []
    for entry in available:
        for template in templates:
            try:
                chosen.append(_element(template, entry, now))
                break
            except NotMet:
                continue
    if not chosen:
        raise NotMet
    return chosen


def _is_met(wish: Any, value: Any, now: datetime) -> bool:
    if not isinstance(wish, dict):
        return False
    if "value" in wish and wish["value"] != value:
        return False
    if "values" in wish and value not in wish["values"]:
        return False
    if "max_age" not in wish:
        return True
    try:
        return now - parse_time(value) <= timedelta(seconds=wish["max_age"])
    except (TypeError, ValueError):
        # What has no age can be no younger than asked.
        return False


def _is_restricted(wish: Any) -> bool:
    """Tell whether there is a restriction anywhere within what was asked for: it must never be ignored (§6.3.1)."""
    if isinstance(wish, dict):
        return any(name in wish for name in _RESTRICTIONS) or any(map(_is_restricted, wish.values()))
    return isinstance(wish, list) and any(map(_is_restricted, wish))


def _none(_wish: Any) -> Any:
    raise NotMet
