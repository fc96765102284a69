"""`/accesses`: who looked at my licenses, every time, refused ones too; and the same as a file."""

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from certs_catalog.accesses.access import Access
from certs_catalog.accesses.history import (
    AccessChoices,
    AccessFilter,
    access_choices,
    count_by_month,
    list_accesses,
)
from certs_catalog.room import LicenseRoom
from certs_catalog.vocabulary import HolderRef
from gateway.i18n import Language, mark, translator
from gateway.pages.citizen.cards import access_event, holder_of, legal_texts
from gateway.pages.formats import BEIJING, Formats, local_day
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import for_citizens, viewer_of
from gateway.requests import language_of, parts_of
from idp.signin.sessions import Session

PAGE_SIZE = 20
EXPORT_PAGE = 100
EXPORT_LIMIT = 10_000
RETENTION_DAYS = 180
MONTHS = 6
_FILTER_FORMS = {
    "month": re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])", re.ASCII),
    "license": re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII),
    "office": re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII),
}
_GRADES = {
    "verify": mark("只核对，不看内容"),
    "masked": mark("部分隐去"),
    "full": mark("完整内容"),
    "original": mark("证照原件"),
}
_OUTCOMES = {"allowed": mark("已提供"), "refused": mark("已拒绝"), "failed": mark("未完成")}
# A spreadsheet takes these for the beginning of a formula.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@for_citizens
async def show_accesses(request: Request, session: Session) -> Response:
    """`GET /accesses`: filters and cursor stand in the address, so a view can be kept and shared with oneself."""
    parts = parts_of(request)
    room, now, language = parts.licenses, parts.clock(), language_of(request)
    holder = await holder_of(request, session)
    if holder is None:
        raise HTTPException(404)
    chosen = _chosen(request)
    cursor = request.query_params.get("cursor") or None
    page = await list_accesses(holder, room=room, choice=_filter(chosen), cursor=cursor, size=PAGE_SIZE)
    months = await count_by_month(holder, room=room, months=MONTHS, now=now)
    choices = await access_choices(holder, room=room)
    query = {name: value for name, value in chosen.items() if value}
    older = f"{PATHS.accesses}?{urlencode({**query, 'cursor': page.next_cursor})}" if page.next_cursor else None
    newest = f"{PATHS.accesses}?{urlencode(query)}" if query else PATHS.accesses
    words = translator(language)
    return render(
        request,
        "accesses.html",
        viewer=await viewer_of(request),
        as_of=now,
        retention_days=RETENTION_DAYS,
        months=[
            {"month": date.fromisoformat(f"{entry.month}-01"), "count": entry.total, "at_desk": entry.at_desk}
            for entry in months
        ],
        deferred_count=0,
        total=page.total,
        matching=page.matching,
        filter=chosen,
        month_options=[("", words.text(mark("全部月份"))), *_months(choices, language)],
        license_options=[("", words.text(mark("全部证照"))), *_types(choices, language)],
        office_options=[("", words.text(mark("全部单位"))), *_departments(choices, language)],
        days=_days(page.items, language, await legal_texts(page.items, room=room)),
        pager=_pager(older, newest if cursor else None, language),
        export_href=f"{PATHS.accesses}/export?{urlencode(query)}" if query else f"{PATHS.accesses}/export",
    )


@for_citizens
async def export_accesses(request: Request, session: Session) -> Response:
    """`GET /accesses/export`: the filtered list as CSV in UTF-8 with a byte order mark, which spreadsheets need."""
    parts = parts_of(request)
    holder = await holder_of(request, session)
    if holder is None:
        raise HTTPException(404)
    rows = _csv_rows(holder, _filter(_chosen(request)), room=parts.licenses, language=language_of(request))
    headers = {"Content-Disposition": 'attachment; filename="renzheng-accesses.csv"'}
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


async def _csv_rows(
    holder: HolderRef, choice: AccessFilter, *, room: LicenseRoom, language: Language
) -> AsyncIterator[bytes]:
    words = translator(language)
    head = [mark("时间（北京时间）"), mark("单位"), mark("经办"), mark("证照"), mark("内容"), mark("程度")]
    head += [mark("用途"), mark("办件编号"), mark("依据"), mark("结果"), mark("原因"), mark("记录编号")]
    yield b"\xef\xbb\xbf" + _csv_line([str(words.text(text)) for text in head])
    cursor: str | None = None
    for _ in range(EXPORT_LIMIT // EXPORT_PAGE):
        page = await list_accesses(holder, room=room, choice=choice, cursor=cursor, size=EXPORT_PAGE)
        legal = await legal_texts(page.items, room=room)
        for access in page.items:
            yield _csv_line(_csv_cells(access, language, legal))
        cursor = page.next_cursor
        if cursor is None:
            return


def _csv_cells(access: Access, language: Language, legal: Mapping[str, str]) -> list[str]:
    event = access_event(access, language, legal)
    words = translator(language)
    at = access.at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    fields = access.field_labels_en if language == "en" else access.field_labels_zh
    names = ("office", "post", "license")
    grade = str(words.text(_GRADES.get(access.grade, access.grade)))
    outcome = str(words.text(_OUTCOMES.get(access.outcome, access.outcome)))
    cells = [at, *(str(event[name]) for name in names), "；".join(fields), grade, str(event["purpose"])]
    tail = [str(event["basis"]), outcome, str(event["reason"]), str(event["number"])]
    return [*cells, access.case_number or "", *tail]


def _csv_line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    safe = [f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell for cell in cells]
    csv.writer(text).writerow(safe)
    return text.getvalue().encode()


def _chosen(request: Request) -> dict[str, str]:
    """Return the filters as asked; one that is of no possible form counts as not chosen."""
    asked = {name: request.query_params.get(name, "") for name in _FILTER_FORMS}
    return {name: value if _FILTER_FORMS[name].fullmatch(value) else "" for name, value in asked.items()}


def _filter(chosen: dict[str, str]) -> AccessFilter:
    return AccessFilter(
        month=chosen["month"] or None,
        type_code=chosen["license"] or None,
        department_id=chosen["office"] or None,
    )


def _days(items: Sequence[Access], language: Language, legal: Mapping[str, str]) -> list[dict[str, object]]:
    days = []
    for day, members in groupby(items, key=lambda access: local_day(access.at)):
        events = [access_event(access, language, legal) for access in members]
        days.append({"day": day, "count": len(events), "accesses": events})
    return days


def _pager(older: str | None, newest: str | None, language: Language) -> dict[str, object] | None:
    if older is None and newest is None:
        return None
    words = translator(language).text(mark("每页 {count} 条"), count=PAGE_SIZE)
    return {"words": words, "newer_href": newest, "older_href": older}


def _months(choices: AccessChoices, language: Language) -> list[tuple[str, str]]:
    formats = Formats(language)
    return [(month, formats.month(date.fromisoformat(f"{month}-01"))) for month in choices.months]


def _types(choices: AccessChoices, language: Language) -> list[tuple[str, str]]:
    return [(code, en if language == "en" else zh) for code, zh, en in choices.types]


def _departments(choices: AccessChoices, language: Language) -> list[tuple[str, str]]:
    return [(department_id, en if language == "en" else zh) for department_id, zh, en in choices.departments]
