"""`/desk/history`: what the officer asked for, without what was found."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from certs_catalog.accesses.access import Access
from certs_catalog.accesses.history import list_officer_accesses
from gateway.i18n import Language, mark, translator
from gateway.pages.citizen.cards import access_event
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import for_staff, viewer_of
from gateway.requests import language_of, parts_of
from idp.signin.sessions import Session

PAGE_SIZE = 20


@for_staff
async def show_history(request: Request, session: Session) -> Response:
    """`GET /desk/history`."""
    room, language = parts_of(request).licenses, language_of(request)
    cursor = request.query_params.get("cursor") or None
    page = await list_officer_accesses(session.officer_id or "", room=room, cursor=cursor, size=PAGE_SIZE)
    pager = None
    if cursor or page.next_cursor:
        older = f"{PATHS.desk_history}?{urlencode({'cursor': page.next_cursor})}" if page.next_cursor else None
        words = translator(language).text(mark("每页 {count} 条"), count=PAGE_SIZE)
        pager = {"words": words, "newer_href": PATHS.desk_history if cursor else None, "older_href": older}
    return render(
        request,
        "desk_history.html",
        viewer=await viewer_of(request),
        total=page.total,
        rows=[_row(access, language) for access in page.items],
        filter=None,
        pager=pager,
        warning=None,
    )


def _row(access: Access, language: Language) -> dict[str, object]:
    event = access_event(access, language, {})
    return {
        "at": access.at,
        "case": access.case_number or "–",
        "matter": event["purpose"],
        "license": event["license"],
        "grade": access.grade,
        "fields": event["fields"],
        "outcome": access.outcome,
        "code": access.code,
        "number": access.access_id,
    }
