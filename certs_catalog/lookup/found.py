"""A license as found, in one shape whether it came from our own index or from a library above."""

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Literal

from certs_catalog.catalog import LicenseType
from certs_catalog.holders import reference_of_canonical
from certs_catalog.licenses.face import open_face
from certs_catalog.licenses.store import StoredLicense
from certs_catalog.ports import LibraryLicense, LibraryMalformed
from certs_catalog.statuses import status_on
from certs_catalog.vocabulary import HolderRef, LicenseStatus
from foundation.identifiers import (
    InvalidIdentifier,
    IssuerForm,
    canonical_document_number,
    parse_e_license_identifier,
)
from foundation.sealing import BlindIndex, Sealer
from foundation.values import value_type

# 20250307, 2025-03-07, 2025年3月7日
_DATE = re.compile(r"([0-9]{4})(?:-|/|年)?([0-9]{1,2})(?:-|/|月)?([0-9]{1,2})日?", re.ASCII)


@value_type
class FoundLicense:
    """One license with its face opened, ready for release; it never leaves this room as such."""

    identifier: str
    license_type: LicenseType
    status: LicenseStatus
    fields: Mapping[str, str] = field(repr=False)
    holders: tuple[HolderRef, ...]
    disputed: frozenset[str]
    source: str
    updated: datetime
    as_of: datetime
    mode: Literal["live", "index"]


def found_in_index(stored: StoredLicense, license_type: LicenseType, *, sealer: Sealer, today: date) -> FoundLicense:
    """Open one stored license. Raises SealBroken when its face was altered."""
    face = open_face(stored.face_sealed, license_id=stored.license_id, sealer=sealer)
    return FoundLicense(
        identifier=stored.identifier,
        license_type=license_type,
        status=status_on(today, recorded=stored.status, valid_from=stored.valid_from, valid_to=stored.valid_to),
        fields=face.fields,
        holders=face.holders,
        disputed=face.disputed,
        source=stored.provenance,
        updated=stored.source_updated_at,
        as_of=stored.synced_at,
        mode="index",
    )


def found_in_library(
    license_: LibraryLicense,
    license_type: LicenseType,
    *,
    library: str,
    blind_index: BlindIndex,
    today: date,
) -> FoundLicense:
    """Translate one license of a library by the catalogue's ``source`` names.

    Raises LibraryMalformed for another type than asked, a broken identifier or holders whose numbers are
    not valid: such an answer cannot be attributed to anybody.
    """
    try:
        identifier = parse_e_license_identifier(license_.identifier, issuer_form=IssuerForm.LENIENT)
        holders = tuple(
            reference_of_canonical(
                holder.type,
                canonical_document_number(holder.type, holder.code, today=today),
                blind_index=blind_index,
            )
            for holder in license_.holders
        )
    except InvalidIdentifier as failure:
        raise LibraryMalformed(library, f"identifier or holder: {failure.code}") from failure
    if identifier.type_code != license_type.code or license_.type_code != license_type.code:
        raise LibraryMalformed(library, "another license type than asked for")
    fields = _fields_of(license_, license_type)
    return FoundLicense(
        identifier=license_.identifier,
        license_type=license_type,
        status=status_on(
            today,
            recorded=license_.status,
            valid_from=parse_day(fields.get("valid_from", "")),
            valid_to=parse_day(fields.get("valid_to", "")),
        ),
        fields=fields,
        holders=holders,
        disputed=frozenset(),
        source=library,
        updated=license_.as_of,
        as_of=license_.as_of,
        mode="live",
    )


def parse_day(text: str) -> date | None:
    """Read the date forms of the wires; 长期, empty and unreadable texts are None."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _fields_of(license_: LibraryLicense, license_type: LicenseType) -> dict[str, str]:
    known = {
        "certificate_holder_name": "^".join(holder.name for holder in license_.holders),
        "certificate_holder_code": "^".join(holder.code for holder in license_.holders),
        "certificate_number": license_.number,
        "certificate_issuing_authority_name": license_.issuer_name,
    } | dict(license_.face)
    fields = {}
    for face_field in license_type.face.fields:
        text = known.get(face_field.source, "")
        day = parse_day(text) if face_field.data_type == "date" else None
        fields[face_field.name] = day.isoformat() if day else text
    return fields
