"""What an application asks for, in the words of a page: which items need a tick of their own, and which answers count."""

from collections.abc import Sequence
from typing import Any

from foundation.identifiers import parse_holder_code_type
from gateway.i18n import mark
from gateway.pages.forms import FieldError
from idp.provider.authorization.outcomes import AskedClaim, AskedItem, ConsentView
from idp.provider.scopes import OFFLINE_ACCESS, SCOPES

LEVELS_ZH = {"0": "未认证", "1": "初级", "2": "中级", "3": "高级"}
LEVELS_EN = {"0": "not verified", "1": "basic", "2": "medium", "3": "high"}
# What a thing to agree to means when no claim of the person says it.
_MEANINGS = {
    OFFLINE_ACCESS: (
        "您不在线时，它也能取得您同意提供的信息，直到您撤回",
        "It gets what you agree to while you are away as well, until you withdraw",
    ),
}
_UNSPOKEN = frozenset({"updated_at", "phone_number_verified"})


def items_missing(view: ConsentView, ticked: frozenset[str]) -> list[AskedItem]:
    """Return what needs a tick of its own and has none: without it nothing may be given."""
    return [item for item in view.items if is_sensitive(item) and item.item not in ticked]


def items_agreed(view: ConsentView, ticked: frozenset[str]) -> frozenset[str]:
    """Return what a yes with these ticks agrees to."""
    return frozenset(item.item for item in view.items if item.item in ticked or not needs_tick(item))


def is_sensitive(item: AskedItem) -> bool:
    """Tell whether the item needs a tick of its own before anything is given (PIPL Art. 29)."""
    return not item.agreed_before and not item.optional and _tells_sensitive(item)


def needs_tick(item: AskedItem) -> bool:
    """Tell whether the item is given only when it is ticked."""
    return not item.agreed_before and (item.optional or is_sensitive(item))


def missing_errors(missing: Sequence[AskedItem]) -> list[FieldError]:
    """Return the errors of the form that came back."""
    return [FieldError(f"claims-{item.item}", mark("请勾选，表示您单独同意；不同意请选“拒绝”")) for item in missing]


def asked_words(view: ConsentView, *, english: bool, ticked: frozenset[str]) -> dict[str, Any]:
    """Return the lists `required`, `sensitive` and `optional` of what was not agreed to before, as the templates take them."""
    fresh = [item for item in view.items if not item.agreed_before]
    return {
        "required": [item_words(item, english, ticked) for item in fresh if not needs_tick(item)],
        "sensitive": [item_words(item, english, ticked) for item in fresh if is_sensitive(item)],
        "optional": [item_words(item, english, ticked) for item in fresh if item.optional],
    }


def item_words(item: AskedItem, english: bool, ticked: frozenset[str] = frozenset()) -> dict[str, object]:
    """Return one item with its masked values as people say them."""
    labels = ", ".join(claim.label_en for claim in item.claims)
    if not english:
        labels = "、".join(claim.label_zh for claim in item.claims)
    if item.item in _MEANINGS:
        labels = _MEANINGS[item.item][english]
    return {
        "key": item.item,
        "label": item.title_en if english else item.title_zh,
        "value": "　".join(filter(None, (_value_words(claim, english) for claim in item.claims))),
        "why": labels,
        "is_sensitive": _tells_sensitive(item),
        "purpose": item.purpose,
        "checked": item.item in ticked,
    }


def _tells_sensitive(item: AskedItem) -> bool:
    scope = SCOPES.get(item.item)
    return scope is None or scope.sensitive


def _value_words(claim: AskedClaim, english: bool) -> str:
    """Return the masked value as people say it: a level or a type by its name, a flag or a time not at all."""
    if claim.name == "realname_level":
        names = LEVELS_EN if english else LEVELS_ZH
        return names.get(claim.value, claim.value)
    if claim.name == "document_type" and claim.value:
        kind = parse_holder_code_type(claim.value)
        return kind.name_en if english else kind.name_zh
    return "" if claim.name in _UNSPOKEN else claim.value
