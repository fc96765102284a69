"""`/licenses` and `/licenses/{id}`: the citizen's own licenses."""

import re
from itertools import groupby

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from certs_catalog.accesses.history import AccessFilter, list_accesses
from certs_catalog.holdings import HeldLicense, find_license, list_licenses
from gateway.i18n import Language
from gateway.pages.citizen.cards import access_line, days_left, holder_of, license_card, shown_value
from gateway.pages.rendering import render
from gateway.pages.signed_in import for_citizens, viewer_of
from gateway.requests import language_of, parts_of
from idp.signin.sessions import Session

_LONGEST_SEARCH = 64
_SHOWN_ACCESSES = 5
_LICENSE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
# Face fields that stand on the page in words of their own.
SHOWN_ELSEWHERE = frozenset({"issuer_name", "issue_date", "valid_from", "valid_to"})


@for_citizens
async def show_licenses(request: Request, session: Session) -> Response:
    """`GET /licenses`: grouped by kind, searched by name or issuer."""
    parts = parts_of(request)
    holder = await holder_of(request, session)
    licenses = await list_licenses(holder, room=parts.licenses, now=parts.clock()) if holder else ()
    asked = request.query_params.get("q", "").strip()[:_LONGEST_SEARCH]
    language = language_of(request)
    found = [license for license in licenses if _matches(license, asked)]
    found.sort(key=lambda license: (license.category_zh, license.type_code))
    groups = [
        {
            "name": category,
            "licenses": [license_card(license, language, parts.clock()) for license in members],
        }
        for category, members in groupby(found, key=lambda license: _category(license, language))
    ]
    return render(
        request,
        "licenses.html",
        viewer=await viewer_of(request),
        groups=groups,
        total=len(licenses),
        q=asked,
        licenses_missing=None if licenses else "none",
        sources=[],
    )


@for_citizens
async def show_license(request: Request, session: Session) -> Response:
    """`GET /licenses/{license_id}`: one license; somebody else's is not found."""
    parts = parts_of(request)
    holder = await holder_of(request, session)
    license_id = request.path_params["license_id"]
    license = None
    if holder is not None and _LICENSE_ID.fullmatch(license_id):
        license = await find_license(holder, license_id, room=parts.licenses, now=parts.clock())
    if holder is None or license is None:
        raise HTTPException(404)
    language = language_of(request)
    choice = AccessFilter(type_code=license.type_code)
    uses = await list_accesses(holder, room=parts.licenses, choice=choice, cursor=None, size=_SHOWN_ACCESSES)
    return render(
        request,
        "license.html",
        viewer=await viewer_of(request),
        license=_details(license, language) | {"days_left": days_left(license, parts.clock())},
        fields=[
            {
                "label": entry.label_en if language == "en" else entry.label_zh,
                "value": shown_value(entry.value),
                "masked": entry.masked,
                "disputed": entry.disputed,
            }
            for entry in license.fields
            if entry.name not in SHOWN_ELSEWHERE
        ],
        accesses=[access_line(access, language) for access in uses.items],
        reveal_href=None,
        dispute_href=None,
    )


def _matches(license: HeldLicense, asked: str) -> bool:
    texts = (license.type_name_zh, license.type_name_en, license.issuer_name)
    return any(asked.casefold() in text.casefold() for text in texts)


def _category(license: HeldLicense, language: Language) -> str:
    return license.category_en if language == "en" else license.category_zh


def _details(license: HeldLicense, language: Language) -> dict[str, object]:
    return {
        "name": license.type_name_en if language == "en" else license.type_name_zh,
        "issuer": license.issuer_name,
        "status": license.status_today,
        "identifier": license.identifier,
        "type_code": license.type_code,
        "lines": [],
        "issued_on": license.issued_on,
        "valid_from": license.valid_from,
        "valid_to": license.valid_to,
        "synced_at": license.synced_at,
        "source": license.issuer_name,
        "status_reason": None,
        "replaced_by_href": None,
    }
