"""Release: from what was found to what the permit lets out, and nothing else.

Released fields are the permit's (asked ∩ granted ∩ catalogue), masked by the catalogue's rule in grade
masked. Verify compares and tells only what matches and the status: its results are the same whatever else
the face holds.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from certs_catalog.catalog import FaceField
from certs_catalog.lookup.decision import TypePermit
from certs_catalog.lookup.found import FoundLicense, parse_day
from certs_catalog.lookup.outcomes import AnswerSource, FieldValue, LicenseResult, Quality
from certs_catalog.lookup.request import ByIdentifier, LookupRequest
from certs_catalog.masking import mask
from certs_catalog.ports import LicenseLibrary
from certs_catalog.vocabulary import Grade
from foundation.identifiers import name_matching_key

OWN_INDEX = ("本区证照库", "District license index")


def release(
    found: Sequence[FoundLicense],
    permits: Mapping[str, TypePermit],
    request: LookupRequest,
    *,
    now: datetime,
) -> tuple[LicenseResult, ...]:
    """Return the results of one answer; ``permits`` are by type code and cover every license found."""
    if request.grade is Grade.VERIFY:
        return _verified(found, request)
    return tuple(_shown(one, permits[one.license_type.code], request, now) for one in found)


def source_of(found: Sequence[FoundLicense], libraries: Mapping[str, LicenseLibrary], *, now: datetime) -> AnswerSource:
    """Say where the answer came from: our own index, or the library above by its own name."""
    oldest = min(one.as_of for one in found)
    names: dict[str, tuple[str, str]] = {}
    for one in found:
        library = libraries.get(one.source) if one.mode == "live" else None
        names[one.source] = (library.display_name_zh, library.display_name_en) if library else OWN_INDEX
    return AnswerSource(
        mode="live" if any(one.mode == "live" for one in found) else "index",
        age_s=max(0, int((now - oldest).total_seconds())),
        from_zh="、".join(dict.fromkeys(zh for zh, _ in names.values())),
        from_en=", ".join(dict.fromkeys(en for _, en in names.values())),
    )


def is_same(face_field: FaceField, stated: str, held: str) -> bool:
    """Compare a stated fact with a held value, forgiving only what two registers may write differently.

    Names by their matching key, dates by the day they mean, everything else as composed text without outer
    spaces. Of several holders joined with a circumflex one is enough.
    """
    if not held:
        return False
    if face_field.data_type == "date":
        day = parse_day(stated)
        return stated.strip() == held if day is None else day == parse_day(held)
    fold = name_matching_key if face_field.mask == "name" else _composed
    wanted = fold(stated)
    return any(fold(part) == wanted for part in {held, *held.split("^")})


def _verified(found: Sequence[FoundLicense], request: LookupRequest) -> tuple[LicenseResult, ...]:
    """One verdict for each type:

    That of the license which matches best, so that not even the number of licenses is told.
    """
    best: dict[str, LicenseResult] = {}
    for one in found:
        fields = one.license_type.fields
        facts = {
            name: name in fields and is_same(fields[name], stated, one.fields.get(name, ""))
            for name, stated in request.facts.items()
        }
        result = _result_of(one, facts=facts, named=isinstance(request.by, ByIdentifier))
        present = best.get(one.license_type.code)
        if present is None or _rank(result) > _rank(present):
            best[one.license_type.code] = result
    return tuple(best[code] for code in sorted(best))


def _rank(result: LicenseResult) -> tuple[int, bool]:
    return sum(result.facts.values()), result.status == "valid"


def _shown(one: FoundLicense, permit: TypePermit, request: LookupRequest, now: datetime) -> LicenseResult:
    masked = request.grade is Grade.MASKED
    stale = _is_stale(one, request, now)
    fields = {}
    for name in permit.fields:
        face_field = one.license_type.fields[name]
        held = one.fields.get(name, "")
        hides = masked and face_field.mask != "none" and bool(held)
        fields[name] = FieldValue(
            label_zh=face_field.label_zh,
            label_en=face_field.label_en,
            value=(mask(face_field.mask, held) if hides else held) or None,
            source=one.source,
            updated=one.updated,
            quality=_quality(name, held, one, stale),
            masked=hides,
        )
    return _result_of(one, fields=fields)


def _quality(name: str, held: str, one: FoundLicense, stale: bool) -> Quality:
    if not held:
        return "unavailable"
    if name in one.disputed:
        return "disputed"
    return "stale" if stale else "ok"


def _is_stale(one: FoundLicense, request: LookupRequest, now: datetime) -> bool:
    bound = one.license_type.max_staleness_seconds
    if request.max_age is not None:
        bound = min(bound, request.max_age)
    return now - one.as_of > timedelta(seconds=bound)


def _result_of(
    one: FoundLicense,
    *,
    fields: Mapping[str, FieldValue] | None = None,
    facts: Mapping[str, bool] | None = None,
    named: bool = True,
) -> LicenseResult:
    return LicenseResult(
        identifier=one.identifier if named else None,
        type_code=one.license_type.code,
        type_name_zh=one.license_type.name_zh,
        type_name_en=one.license_type.name_en,
        schema=one.license_type.schema,
        status=one.status.value,
        fields=fields or {},
        facts=facts or {},
    )


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).upper()
