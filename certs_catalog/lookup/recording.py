"""The record of one lookup: its ledger entry and its access rows, written in one group commit.

The entry's body names officer, department, client, types, grade, fields and reason, and nothing personal;
holder, case and hashes are sealed beside it. Access rows (用证留痕) are what holders and officers see: one for
each license type and each holder concerned, refused lookups included.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from certs_catalog.cases import CheckedCase
from certs_catalog.catalog import Catalog
from certs_catalog.grants.content import PurposeGrant
from certs_catalog.lookup.decision import Permit
from certs_catalog.lookup.request import LookupRequest
from certs_catalog.statuses import BEIJING
from certs_catalog.tables import accesses
from certs_catalog.vocabulary import Basis, Caller, HolderRef
from foundation.entropy import Entropy
from foundation.ledger import POSITION, Entry, Insert
from foundation.problems import ErrorCode
from foundation.values import value_type

Outcome = Literal["allowed", "refused", "failed"]
LOOKUP_KIND = "license.lookup"
_MATTER_NOT_GRANTED = PurposeGrant("", "未获授权的事项", "A matter without grant", "", "")


@value_type
class LookupRecord:
    """Everything that is recorded of one lookup. ``holders`` are those concerned, the one asked about first.

    ``reason`` is the true reason; what the caller is told may be less (``answered``). ``purpose`` is the one the
    department holds for the matter it named, whatever else was refused; None when it holds none.
    """

    lookup_id: str
    request: LookupRequest
    caller: Caller
    outcome: Outcome
    holders: tuple[HolderRef, ...]
    at: datetime
    request_id: str | None = None
    reason: ErrorCode | None = None
    answered: ErrorCode | None = None
    is_miss: bool = False
    permit: Permit | None = None
    purpose: PurposeGrant | None = None
    case: CheckedCase | None = None
    source_mode: str | None = None
    found: int = 0
    response_digest: bytes | None = None


def entry_of(record: LookupRecord, *, catalog: Catalog) -> Entry:
    """Return the ledger entry of a lookup."""
    request, caller, permit = record.request, record.caller, record.permit
    # Only words that the catalogue or a grant knows enter the body: a number typed into the wrong member
    # must not.
    details: dict[str, Any] = {
        "lookup": record.lookup_id,
        "types": [code for code in request.license_types if code in catalog.types],
        "grade": request.grade.word,
        "fields": [name for name in request.asked_fields if catalog.knows_field(name)],
        "channel": caller.channel,
        "found": record.found,
    }
    if caller.via:
        details["via"] = list(caller.via)
    if permit is not None:
        details["grants"] = [grant.ref for grant in permit.grants]
        details["policy"] = [grant.content_digest for grant in permit.grants]
        details["matter"] = permit.purpose.matter_code
        details["legal_basis"] = permit.purpose.legal_basis
    if record.source_mode is not None:
        details["source"] = record.source_mode
    if record.answered is not None and record.answered is not record.reason:
        details["answered"] = record.answered.code
    personal: dict[str, Any] = {"request_sha256": request.digest.hex(), "matter": request.purpose.matter}
    if record.holders:
        personal["holders"] = [f"{holder.type}:{holder.index.hex()}" for holder in record.holders]
    if request.purpose.case is not None:
        personal["case"] = request.purpose.case
    if record.response_digest is not None:
        personal["response_sha256"] = record.response_digest.hex()
    return Entry(
        kind=LOOKUP_KIND,
        at=record.at,
        outcome=record.outcome,
        code=record.reason.code if record.reason else None,
        actor=f"officer:{caller.officer_id}",
        department=caller.department_id,
        client=caller.client_id,
        request_id=record.request_id,
        details=details,
        personal=personal,
    )


def access_rows(record: LookupRecord, *, catalog: Catalog, entropy: Entropy) -> list[Insert]:
    """Return the access rows of a lookup; the first one leads, the one that counts for the officer."""
    concerned: Sequence[HolderRef | None] = record.holders or (None,)
    common = _common_row(record)
    rows: list[Insert] = []
    for code in [code for code in record.request.license_types if code in catalog.types] or [""]:
        fields = list(_fields_of_type(record, code, catalog))
        for holder in concerned:
            rows.append(
                Insert(
                    accesses,
                    {
                        **common,
                        "access_id": entropy.identifier(),
                        "holder_index": holder.index if holder else None,
                        "holder_type": holder.type if holder else None,
                        "is_leading": not rows,
                        "type_code": code,
                        "type_name_zh": catalog.name_zh(code) if code else "",
                        "fields": fields,
                    },
                )
            )
    return rows


def _common_row(record: LookupRecord) -> dict[str, Any]:
    request, caller, permit, case = record.request, record.caller, record.permit, record.case
    stated = record.purpose or _MATTER_NOT_GRANTED
    return {
        "lookup_id": record.lookup_id,
        "position": POSITION,
        "at": record.at,
        "month": f"{record.at.astimezone(BEIJING):%Y-%m}",
        "department_id": caller.department_id,
        "department_name_zh": caller.department_name_zh,
        "department_name_en": caller.department_name_en,
        "officer_id": caller.officer_id,
        "officer_label": caller.officer_label,
        "client_id": caller.client_id,
        "channel": caller.channel,
        "grade": request.grade.word,
        "matter_code": stated.matter_code,
        "matter_name_zh": stated.matter_name_zh,
        "matter_name_en": stated.matter_name_en,
        # Only a case that was confirmed for this department is shown to the holder as one.
        "case_number": case.number if case is not None else None,
        "basis": Basis.STATUTORY.value,
        "legal_basis": permit.purpose.legal_basis if permit is not None else None,
        "grant_ref": permit.grant_ref[:48] if permit is not None else None,
        "outcome": record.outcome,
        "code": record.reason.code if record.reason else None,
        "is_miss": record.is_miss,
        "source_mode": record.source_mode,
        "request_id": record.request_id,
    }


def _fields_of_type(record: LookupRecord, code: str, catalog: Catalog) -> Sequence[str]:
    license_type = catalog.find(code)
    if license_type is None:
        return ()
    return [name for name in record.request.asked_fields if name in license_type.fields]
