"""Licenses and their uses as the templates take them: names in the reader's language, numbers in part."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request

from certs_catalog.accesses.access import Access
from certs_catalog.holders import holder_ref
from certs_catalog.holdings import HeldLicense
from certs_catalog.room import LicenseRoom
from certs_catalog.statuses import beijing_date
from certs_catalog.vocabulary import HolderRef
from gateway.i18n import Language, mark, translator
from gateway.pages.formats import BEIJING, Formats
from gateway.pages.paths import PATHS
from gateway.requests import language_of, parts_of
from idp.signin.sessions import Session

Card = dict[str, object]


async def holder_of(request: Request, session: Session) -> HolderRef | None:
    """Return the holder that the signed-in person is; the number goes no further than the blind index."""
    parts = parts_of(request)
    facts = await parts.people.load(session.person_id)
    if facts is None:
        return None
    today = beijing_date(parts.clock())
    return holder_ref(facts.document_type, facts.document_number, blind_index=parts.blind_index, today=today)


def license_cards(request: Request, licenses: Sequence[HeldLicense]) -> list[Card]:
    """Return the cards of licenses, in their order."""
    return [license_card(license, language_of(request), parts_of(request).clock()) for license in licenses]


def license_card(license: HeldLicense, language: Language, now: datetime) -> Card:
    """Return one license as a card; the two lines are what tells licenses of one type apart."""
    words, formats = translator(language), Formats(language)
    term = words.text(mark("长期")) if license.valid_to is None else formats.date(license.valid_to)
    return {
        "name": license.type_name_en if language == "en" else license.type_name_zh,
        "issuer": license.issuer_name,
        "status": license.status_today,
        "days_left": days_left(license, now),
        "lines": [
            (words.text(mark("证号")), license.number_masked),
            (words.text(mark("有效期至")), term),
        ],
        "synced_at": license.synced_at,
        "href": license_address(license.license_id),
    }


def days_left(license: HeldLicense, now: datetime) -> int | None:
    """Return the days until the last valid day, None without an end."""
    return None if license.valid_to is None else (license.valid_to - beijing_date(now)).days


def license_address(license_id: str) -> str:
    """Return the page of one license."""
    return f"{PATHS.licenses}/{license_id}"


def access_line(access: Access, language: Language) -> Card:
    """Return one use as a line of the home page; it opens the month it lies in."""
    event = access_event(access, language, {})
    month = access.at.astimezone(BEIJING).strftime("%Y-%m")
    return {
        "at": access.at,
        "office": event["office"],
        "license": event["license"],
        "purpose": event["purpose"],
        "basis": _kind_of_basis(access, language),
        "outcome": access.outcome,
        "href": f"{PATHS.accesses}?{urlencode({'month': month})}",
    }


async def legal_texts(accesses: Iterable[Access], *, room: LicenseRoom) -> dict[str, str]:
    """Return the law that the departments' grants name, by the code under which a use recorded it."""
    texts: dict[str, str] = {}
    for department_id in {access.department_id for access in accesses if access.legal_basis}:
        for grant in await room.grants.of_department(department_id):
            texts |= {purpose.legal_basis: purpose.legal_basis_text for purpose in grant.purposes.values()}
    return texts


def access_event(access: Access, language: Language, legal: Mapping[str, str]) -> Card:
    """Return one use in full, as the timeline shows it; a law that is in no grant any more keeps its code."""
    words = translator(language)
    english = language == "en"
    code = access.legal_basis or ""
    basis = _kind_of_basis(access, language)
    return {
        "at": access.at,
        "office": access.department_name_en if english else access.department_name_zh,
        "post": access.officer_label,
        "license": (access.type_name_en if english else access.type_name_zh) or words.text(mark("未指明证照")),
        "fields": list(access.field_labels_en if english else access.field_labels_zh),
        "grade": access.grade,
        "purpose": (access.matter_name_en if english else access.matter_name_zh) or access.matter_code,
        "case": access.case_number,
        "basis": f"{basis} {legal.get(code, code)}".strip(),
        "outcome": access.outcome,
        "reason": access.reason_en if english else access.reason_zh,
        "number": access.access_id,
        "dispute_href": None,
    }


def _kind_of_basis(access: Access, language: Language) -> str:
    words = translator(language)
    return str(words.text(mark("依职能用证") if access.basis == "statutory" else mark("经您授权")))


def shown_value(value: str | None) -> str:
    """Return a face field for the eye: several holders stand in one field, parted by `^` (GB/T 36903)."""
    return "、".join(part for part in (value or "").split("^") if part) or "–"
