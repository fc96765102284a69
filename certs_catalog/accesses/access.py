"""One recorded use of a license, as it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from certs_catalog.catalog import Catalog
from foundation.problems import find_error_code


@dataclass(frozen=True, slots=True)
class Access:
    """One access row.

    Names of fields, never values; ``reason_*`` explain a refusal, empty when it was allowed.
    """

    access_id: str
    at: datetime
    position: int
    department_id: str
    department_name_zh: str
    department_name_en: str
    officer_label: str
    client_id: str | None
    channel: str
    grade: str
    type_code: str
    type_name_zh: str
    type_name_en: str
    fields: tuple[str, ...]
    field_labels_zh: tuple[str, ...]
    field_labels_en: tuple[str, ...]
    matter_code: str
    matter_name_zh: str
    matter_name_en: str
    case_number: str | None
    basis: str
    legal_basis: str | None
    grant_ref: str | None
    outcome: str
    code: str | None
    reason_zh: str
    reason_en: str
    source_mode: str | None
    request_id: str | None


def access_of(row: Row[Any], catalog: Catalog) -> Access:
    """Build the shown form of one row.

    Labels come from the catalogue, the type's Chinese name from the row itself.
    """
    labels = [catalog.field_labels(row.type_code, name) for name in row.fields]
    reason = find_error_code(row.code) if row.code else None
    return Access(
        access_id=row.access_id,
        at=row.at,
        position=row.position,
        department_id=row.department_id,
        department_name_zh=row.department_name_zh,
        department_name_en=row.department_name_en,
        officer_label=row.officer_label,
        client_id=row.client_id,
        channel=row.channel,
        grade=row.grade,
        type_code=row.type_code,
        type_name_zh=row.type_name_zh,
        type_name_en=catalog.name_en(row.type_code),
        fields=tuple(row.fields),
        field_labels_zh=tuple(zh for zh, _ in labels),
        field_labels_en=tuple(en for _, en in labels),
        matter_code=row.matter_code,
        matter_name_zh=row.matter_name_zh,
        matter_name_en=row.matter_name_en,
        case_number=row.case_number,
        basis=row.basis,
        legal_basis=row.legal_basis,
        grant_ref=row.grant_ref,
        outcome=row.outcome,
        code=row.code,
        reason_zh=reason.title_zh if reason else "",
        reason_en=reason.title_en if reason else "",
        source_mode=row.source_mode,
        request_id=row.request_id,
    )


@dataclass(frozen=True, slots=True)
class AccessPage:
    """One page, newest first.

    ``total`` counts everything of the holder or officer, ``matching`` what the choice admits.
    """

    items: Sequence[Access]
    next_cursor: str | None
    total: int
    matching: int
