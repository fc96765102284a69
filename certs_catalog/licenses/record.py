"""One license as its issuer reports it, and the checks it passes before it is stored.

The checks are those of the national quality control as far as they are established: identifier per GB/T
36904, registered type, name of the type equal to the registered one, holder codes per GB/T 36903 appendix
A, and face fields of the catalogue only.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime

from certs_catalog.catalog import Catalog, LicenseType
from certs_catalog.errors import LicenseInvalid
from certs_catalog.vocabulary import HolderCategory, LicenseStatus
from foundation.identifiers import (
    ELicenseIdentifier,
    InvalidIdentifier,
    IssuerForm,
    canonical_document_number,
    parse_e_license_identifier,
    parse_holder_code_type,
)
from foundation.values import value_type

FACE_TEXT_LIMIT = 2000
TRUST_GRADES = ("A", "B", "C", "D")
STANDARD_FIELDS = (
    "holder_name",
    "holder_number",
    "license_number",
    "issuer_name",
    "issue_date",
    "valid_from",
    "valid_to",
)


@value_type
class LicenseHolder:
    """One holder of a license: holder-code type, number and name as printed."""

    type: str
    code: str = field(repr=False)
    name: str = field(repr=False)


@value_type
class LicenseRecord:
    """What a department reports of one license.

    ``face`` holds the type's own fields by catalogue name; the standard ones (holder, number, issuer,
    dates) are derived. ``valid_to`` is the last valid day, None for 长期. ``source_updated_at`` orders
    reports about the same version: an older report never overwrites a newer one. ``name`` is the license
    name the issuer used, checked when given.
    """

    type_code: str
    issuer_code: str
    issuer_name: str
    serial: str
    version: int
    number: str = field(repr=False)
    holders: tuple[LicenseHolder, ...]
    issued_on: date | None
    valid_from: date | None
    valid_to: date | None
    status: LicenseStatus
    face: Mapping[str, str] = field(repr=False)
    provenance: str
    source_updated_at: datetime
    trust_grade: str = "A"
    name: str | None = None


@value_type
class CheckedRecord:
    """A record that passed every check, with its identifier and its holders' canonical numbers."""

    record: LicenseRecord
    identifier: ELicenseIdentifier
    license_type: LicenseType
    holders: tuple[LicenseHolder, ...]
    fields: Mapping[str, str] = field(repr=False)


def check_record(record: LicenseRecord, catalog: Catalog, *, issuer_form: IssuerForm, today: date) -> CheckedRecord:
    """Check one record against the catalogue; raises LicenseInvalid naming the rule, never the value."""
    license_type = catalog.find(record.type_code)
    if license_type is None:
        raise LicenseInvalid(f"license type code {record.type_code} is not in the catalogue")
    if license_type.library is not None:
        raise LicenseInvalid(f"license type {record.type_code} is served by a library above, not stored here")
    if record.name is not None and record.name != license_type.name_zh:
        raise LicenseInvalid(f"the license name is not the registered name of {record.type_code}")
    if record.trust_grade not in TRUST_GRADES:
        raise LicenseInvalid("the trust grade is A, B, C or D")
    if record.valid_from and record.valid_to and record.valid_to < record.valid_from:
        raise LicenseInvalid("the term ends before it begins")
    if not 1 <= len(record.number) <= 128:
        raise LicenseInvalid("the license number has 1 to 128 characters")
    return CheckedRecord(
        record=record,
        identifier=_check_identifier(record, issuer_form),
        license_type=license_type,
        holders=_check_holders(record, license_type, today),
        fields=_face_fields(record, license_type),
    )


def _check_identifier(record: LicenseRecord, issuer_form: IssuerForm) -> ELicenseIdentifier:
    try:
        composed = ELicenseIdentifier(record.type_code, record.issuer_code, record.serial, record.version)
        return parse_e_license_identifier(str(composed), issuer_form=issuer_form)
    except InvalidIdentifier as failure:
        raise LicenseInvalid(f"identifier: {failure.description_en}") from failure


def _check_holders(record: LicenseRecord, license_type: LicenseType, today: date) -> tuple[LicenseHolder, ...]:
    if not record.holders:
        raise LicenseInvalid("a license has at least one holder")
    checked = []
    for holder in record.holders:
        try:
            code_type = parse_holder_code_type(holder.type)
            number = canonical_document_number(holder.type, holder.code, today=today)
        except InvalidIdentifier as failure:
            raise LicenseInvalid(f"holder: {failure.description_en}") from failure
        category = HolderCategory.ORGANIZATION if code_type.is_organization else HolderCategory.PERSON
        if license_type.holder_category not in (HolderCategory.EITHER, category):
            raise LicenseInvalid(f"{license_type.code} is not held by a holder of type {holder.type}")
        if not 1 <= len(holder.name) <= 200:
            raise LicenseInvalid("a holder's name has 1 to 200 characters")
        checked.append(LicenseHolder(holder.type, number, holder.name))
    if len({(holder.type, holder.code) for holder in checked}) != len(checked):
        raise LicenseInvalid("a holder is named twice")
    return tuple(checked)


def _face_fields(record: LicenseRecord, license_type: LicenseType) -> dict[str, str]:
    unknown = [name for name in record.face if name not in license_type.fields or name in STANDARD_FIELDS]
    if unknown:
        raise LicenseInvalid(f"{license_type.code} has no own face field {unknown[0]}")
    if any(len(text) > FACE_TEXT_LIMIT for text in record.face.values()):
        raise LicenseInvalid(f"a face field is longer than {FACE_TEXT_LIMIT} characters")
    derived = {
        # GB/T 36903 joins several holders with a circumflex.
        "holder_name": "^".join(holder.name for holder in record.holders),
        "holder_number": "^".join(holder.code for holder in record.holders),
        "license_number": record.number,
        "issuer_name": record.issuer_name,
        "issue_date": record.issued_on.isoformat() if record.issued_on else "",
        "valid_from": record.valid_from.isoformat() if record.valid_from else "",
        "valid_to": record.valid_to.isoformat() if record.valid_to else "长期",
    }
    return {name: text for name, text in (derived | dict(record.face)).items() if name in license_type.fields}
