"""Rich authorization requests (RFC 9396): the registered type `electronic_license`, judged, shown, kept and narrowed.

An app names which licenses it wants to read, how far (grade and fields) and what for. For a citizen's session that is what the person
agrees to; for an officer's it narrows what the department's authorisation would allow, and never widens it. A member that is not of the
type is refused rather than ignored, because an ignored one would mean something else to the app than to the person (§5).
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from foundation.strict_json import MalformedJson, parse_strict_json
from idp.provider.clients.registry import Client
from idp.provider.ports import LicenseTypes, NamedLicenseType
from idp.provider.resources.audiences import license_audience

Detail = Mapping[str, Any]
"""One checked entry; its lists are in ascending order, so that equal entries are equal text."""

ELECTRONIC_LICENSE = "electronic_license"
AUTHORIZATION_DETAILS_TYPES = (ELECTRONIC_LICENSE,)
GRADES = {
    "verify": ("只核对，不看内容", "check only"),
    "masked": ("部分隐去", "masked"),
    "full": ("完整内容", "full content"),
    "original": ("证照原件", "original file"),
}
"""In ascending order, with the words in which people are told of a use of their licenses everywhere else."""

ITEM = "license:"
"""What a consent item of this kind begins with: `license:<grade>:<type codes>:<digest of the entry>`."""

MAX_OCTETS, MAX_DEPTH = 4_096, 4
MOST_ENTRIES, MOST_TYPES, MOST_FIELDS = 5, 10, 50
PURPOSE_LENGTHS = range(3, 201)

_REQUIRED = frozenset({"type", "actions", "license_types", "grade", "purpose"})
_MEMBERS = _REQUIRED | {"fields", "locations"}
_ACTIONS = frozenset({"verify", "read"})
_RANKS = {grade: rank for rank, grade in enumerate(GRADES)}
_TYPE_CODE = re.compile(r"[0-9A-Z]{21}", re.ASCII)


class UnusableDetails(ValueError):
    """The authorization details break a rule; the message names the member and repeats nothing of it."""


def parse_authorization_details(
    text: str | None, client: Client, *, license_types: LicenseTypes, issuer: str
) -> tuple[Detail, ...]:
    """Return the checked entries in their order, none when the parameter is absent; raises UnusableDetails (RFC 9396 §5)."""
    if text is None:
        return ()
    # They travel in access tokens, and those in headers.
    if len(text.encode("utf-8", "surrogatepass")) > MAX_OCTETS:
        raise UnusableDetails("too long")
    try:
        entries = parse_strict_json(text, max_depth=MAX_DEPTH)
    except MalformedJson as malformed:
        raise UnusableDetails("not JSON") from malformed
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_ENTRIES:
        raise UnusableDetails("not a short array")
    checked = tuple(_checked(entry, client, license_types, issuer) for entry in entries)
    if len({_digest(entry) for entry in checked}) != len(checked):
        raise UnusableDetails("an entry occurs twice")
    return checked


def details_items(details: Iterable[Detail]) -> dict[str, Detail]:
    """Return what the person is asked about, by consent item."""
    return {f"{ITEM}{entry['grade']}:{'+'.join(entry['license_types'])}:{_digest(entry)}": entry for entry in details}


def agreed_details(details: Iterable[Detail], items: Iterable[str]) -> tuple[Detail, ...]:
    """Return the entries that were agreed to."""
    agreed = frozenset(items)
    return tuple(entry for item, entry in details_items(details).items() if item in agreed)


def title_of_details(item: str, license_types: LicenseTypes) -> tuple[str, str]:
    """Return the Chinese and the English title of a consent item: how far which licenses are read."""
    _, grade, codes, _ = item.split(":")
    named = [(code, license_types.find(code)) for code in codes.split("+")]
    grade_zh, grade_en = GRADES[grade]
    names_zh = "、".join(code if found is None else found.name_zh for code, found in named)
    names_en = ", ".join(code if found is None else found.name_en for code, found in named)
    return f"电子证照（{grade_zh}）：{names_zh}", f"E-licenses ({grade_en}): {names_en}"


def field_labels(entry: Detail, license_types: LicenseTypes) -> dict[str, tuple[str, str]]:
    """Return the fields that an entry names, with their Chinese and English labels."""
    named = [found for code in entry["license_types"] if (found := license_types.find(code)) is not None]
    return {name: _label(name, named) for name in entry.get("fields", ())}


def narrowed_details(
    text: str | None, granted: Sequence[Detail], client: Client, *, license_types: LicenseTypes, issuer: str
) -> tuple[Detail, ...]:
    """Return the entries of a new token: those asked for now, each within a granted one, or all of them (RFC 9396 §6).

    Raises UnusableDetails, also when the client is no longer registered for a granted type: a token without the entry would reach further.
    """
    if not {entry["type"] for entry in granted} <= set(client.metadata.authorization_details_types):
        raise UnusableDetails("type lost meanwhile")
    if text is None:
        return tuple(granted)
    asked = parse_authorization_details(text, client, license_types=license_types, issuer=issuer)
    if not all(any(_is_within(entry, one) for one in granted) for entry in asked):
        raise UnusableDetails("beyond what was granted")
    return asked


def is_lookup_within(
    details: Iterable[Detail], *, license_types: Collection[str], grade: str, fields: Iterable[str]
) -> bool:
    """Tell whether one entry covers a lookup of these types at this grade; `fields` are those it reads, or compares when it verifies.

    Whoever cannot say which types are asked for keeps within nothing. An entry of grade `verify` names no fields and leaves them open.
    """
    action = "verify" if grade == "verify" else "read"
    wanted: Detail = {"actions": [action], "license_types": list(license_types), "grade": grade}
    compared = {**wanted, "fields": list(fields)}
    return bool(license_types) and any(
        _covers(wanted if action == "verify" and "fields" not in entry else compared, entry) for entry in details
    )


def _checked(entry: object, client: Client, license_types: LicenseTypes, issuer: str) -> Detail:
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise UnusableDetails("an entry has no type")
    if entry["type"] not in AUTHORIZATION_DETAILS_TYPES:
        raise UnusableDetails("type is unknown")
    if entry["type"] not in client.metadata.authorization_details_types:
        raise UnusableDetails("type is not registered for the client")
    if not _REQUIRED <= set(entry) <= _MEMBERS:
        raise UnusableDetails("a member is missing or unknown")
    actions = _listed(entry, "actions", most=len(_ACTIONS))
    codes = _listed(entry, "license_types", most=MOST_TYPES)
    grade, purpose = entry["grade"], entry["purpose"]
    if not set(actions) <= _ACTIONS:
        raise UnusableDetails("actions")
    if not isinstance(grade, str) or grade not in GRADES or ("read" if grade != "verify" else "verify") not in actions:
        raise UnusableDetails("grade, or an action that it needs")
    if not isinstance(purpose, str) or len(purpose) not in PURPOSE_LENGTHS or not purpose.isprintable():
        raise UnusableDetails("purpose")
    known = [license_types.find(code) for code in codes if _TYPE_CODE.fullmatch(code)]
    if len(known) != len(codes) or None in known:
        raise UnusableDetails("license_types")
    checked: dict[str, Any] = {
        "type": ELECTRONIC_LICENSE,
        "actions": actions,
        "license_types": codes,
        "grade": grade,
        "purpose": purpose,
    }
    if (grade in ("masked", "full")) != ("fields" in entry):
        raise UnusableDetails("fields are for masked and full")
    if "fields" in entry:
        checked["fields"] = _listed(entry, "fields", most=MOST_FIELDS)
        if not all(any(one and name in one.fields for one in known) for name in checked["fields"]):
            raise UnusableDetails("fields")
    if "locations" in entry:
        checked["locations"] = _listed(entry, "locations", most=1)
        if checked["locations"] != [license_audience(issuer)]:
            raise UnusableDetails("locations")
    return checked


def _listed(entry: Mapping[str, Any], member: str, *, most: int) -> list[str]:
    value = entry[member]
    if not isinstance(value, list) or not 0 < len(value) <= most or not all(isinstance(one, str) for one in value):
        raise UnusableDetails(member)
    if len(set(value)) != len(value):
        raise UnusableDetails(f"{member} holds a value twice")
    return sorted(value)


def _is_within(entry: Detail, granted: Detail) -> bool:
    return entry["type"] == granted["type"] and entry["purpose"] == granted["purpose"] and _covers(entry, granted)


def _covers(wanted: Detail, granted: Detail) -> bool:
    return (
        set(wanted["actions"]) <= set(granted["actions"])
        and set(wanted["license_types"]) <= set(granted["license_types"])
        and _RANKS[wanted["grade"]] <= _RANKS[granted["grade"]]
        and set(wanted.get("fields", ())) <= set(granted.get("fields", ()))
    )


def _digest(entry: Detail) -> str:
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _label(name: str, named: Iterable[NamedLicenseType]) -> tuple[str, str]:
    for found in named:
        if name in found.fields:
            return found.fields[name].label_zh, found.fields[name].label_en
    return name, name
