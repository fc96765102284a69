"""`/desk`: an officer looks a license up for an open case. Numbers travel in the form's body alone, never in an address."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from certs_catalog.accesses.history import count_officer_accesses_today
from certs_catalog.cases import CheckedCase
from certs_catalog.lookup.look_up import look_up_license
from certs_catalog.lookup.outcomes import Answer, Refusal
from certs_catalog.lookup.request import LookupRequest
from certs_catalog.ports import MattersUnavailable
from certs_catalog.statuses import beijing_date
from certs_catalog.vocabulary import Caller
from gateway.i18n import mark
from gateway.pages.errors import show_forbidden
from gateway.pages.forms import FieldError
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import for_staff, viewer_of
from gateway.pages.staff.desk_answer import answer_words, refusal_words, watermark
from gateway.pages.staff.desk_choices import no_choices, offer_of, offered_words
from gateway.pages.staff.desk_form import DeskForm, parse_desk_form, request_of
from gateway.requests import form_of, language_of, parts_of
from idp.signin.sessions import Session

EMPTY = DeskForm("choose", {}, (), {})
_NO_CASE = mark("没有这件办件，或它不属于本单位")
_CASES_DOWN = mark("办件系统没有应答，请稍后再试")


@for_staff
async def show_desk(request: Request, session: Session) -> Response:
    """`GET /desk`: an empty desk."""
    return await _desk_page(request, session, EMPTY)


@for_staff
async def use_desk(request: Request, session: Session) -> Response:
    """`POST /desk`: call a case up, look a license up, or clear the desk."""
    form = parse_desk_form(form_of(request))
    if form.action == "clear":
        return RedirectResponse(PATHS.desk, status_code=303)
    if form.action == "choose":
        return await _desk_page(request, session, form)
    parts = parts_of(request)
    today = beijing_date(parts.clock())
    asked = request_of(form, today=today, language=language_of(request))
    if isinstance(asked, list):
        return await _desk_page(request, session, form, errors=asked)
    caller = await _caller_of(request, session)
    if caller is None:
        right, granter = mark("窗口查证（工作人员登录）"), mark("本单位的系统管理员")
        return show_forbidden(request, right=right, granted_by=granter, viewer=await viewer_of(request))
    outcome = await look_up_license(
        asked, caller, room=parts.licenses, request_id=request.state.request_id, now=parts.clock()
    )
    return await _desk_page(request, session, form, asked=asked, outcome=outcome)


async def _caller_of(request: Request, session: Session) -> Caller | None:
    """Return who asks, from the session alone; None when the post or the department is gone."""
    directory = parts_of(request).directory
    officer = await directory.find_officer(session.officer_id or "")
    department = await directory.find_department(session.department_id or "")
    if officer is None or department is None or not officer.may_act:
        return None
    return Caller(
        channel="desk",
        department_id=department.department_id,
        department_uscc=department.uscc,
        department_name_zh=department.name_zh,
        department_name_en=department.name_en,
        officer_id=officer.officer_id,
        officer_label=officer.label_zh,
        client_id=None,
        acr=session.acr,
        strength=int(session.strength),
        network=request.state.network,
    )


async def _desk_page(
    request: Request,
    session: Session,
    form: DeskForm,
    *,
    errors: list[FieldError] | None = None,
    asked: LookupRequest | None = None,
    outcome: Answer | Refusal | None = None,
) -> Response:
    parts, language, problems = parts_of(request), language_of(request), list(errors or [])
    room, now = parts.licenses, parts.clock()
    officer = await parts.directory.find_officer(session.officer_id or "")
    department = await parts.directory.find_department(session.department_id or "")
    case = await _case(request, form, department.uscc if department else "", problems, quiet=outcome is not None)
    values, choices, shown_case = form.shown(), no_choices(language), None
    if case is not None:
        grants = await room.grants.of_department(session.department_id or "")
        wanted = form.values.get("license_type", "")
        offer = offer_of(grants, matter_code=case.matter_code, wanted_type=wanted, now=now)
        if offer is None and outcome is None:
            problems.append(FieldError("case", mark("本单位没有办理这一事项的用证授权")))
        if offer is not None:
            choices = offered_words(offer, room.catalog, language, frozenset(form.fields))
            values |= {"license_type": offer.chosen_type, "purpose": case.matter_code}
            name = case.matter_name_en if language == "en" else case.matter_name_zh
            shown_case = {"number": case.number, "matter": name, "open": case.open, "holder": ""}
    status = 422 if problems else 200
    if isinstance(outcome, Refusal):
        status = outcome.reason.status
    return render(
        request,
        "desk.html",
        status_code=status,
        viewer=await viewer_of(request),
        today_count=await count_officer_accesses_today(session.officer_id or "", room=room, now=now),
        values=values,
        errors=problems,
        case_options=[],
        case=shown_case,
        result=answer_words(request, outcome, asked.grade) if isinstance(outcome, Answer) and asked else None,
        refusal=refusal_words(outcome, language) if isinstance(outcome, Refusal) else None,
        watermark=watermark(department, officer, now),
        **choices,
    )


async def _case(
    request: Request, form: DeskForm, uscc: str, problems: list[FieldError], *, quiet: bool
) -> CheckedCase | None:
    """Return the case that was typed when it is this department's; a lookup's own outcome needs no second word about it."""
    number = form.values.get("case", "")
    if not number:
        if form.values and not any(problem.field == "case" for problem in problems):
            problems.append(FieldError("case", mark("请输入办件编号")))
        return None
    parts = parts_of(request)
    try:
        case = await parts.licenses.cases.find(number, now=parts.clock())
    except MattersUnavailable:
        if not quiet:
            problems.append(FieldError("case", _CASES_DOWN))
        return None
    if case is None or case.department_uscc != uscc:
        if not quiet:
            problems.append(FieldError("case", _NO_CASE))
        return None
    return case
