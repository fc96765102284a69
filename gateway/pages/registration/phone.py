"""`/register` and `/register/code`: the phone is the first thing, and it is proved before anything else is asked."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.i18n import mark
from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, field_error, returned
from gateway.pages.rendering import render
from gateway.pages.signin.code_entry import CodeEntry, answer_code_page, show_code_page, to_code_page
from gateway.pages.signin.journeys import Goal, Journey, app_of, goal_from, next_page, remember_journey
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.outcomes import PhoneConfirmed, Refused
from idp.signin.registration import confirm_phone, register_phone, resend_registration_code


async def show_phone(request: Request) -> Response:
    """`GET /register`."""
    return await _phone_page(request, goal_from(request.query_params))


async def send_code(request: Request) -> Response:
    """`POST /register`: send a code to the phone, once the person has agreed to that use of it."""
    parts, form = parts_of(request), form_of(request)
    goal, phone = goal_from(form), form.text("phone")
    values = {"phone": phone, "agreed": form.text("agreed")}
    if form.text("agreed") != "yes":
        back = field_error("agreed", mark("请先同意为开立账户处理您的手机号"))
        return await _phone_page(request, goal, back=back, values=values)
    outcome = await register_phone(
        phone_text=phone, visit=visit_of(request), entrance=parts.entrance, now=parts.clock()
    )
    if isinstance(outcome, Refused):
        back = returned(outcome, language=language_of(request), now=parts.clock(), at="phone")
        return await _phone_page(request, goal, back=back, values=values)
    return await to_code_page(request, _CODE, outcome, goal)


async def show_code(request: Request) -> Response:
    """`GET /register/code`."""
    return await show_code_page(request, _CODE)


async def check_code(request: Request) -> Response:
    """`POST /register/code`: the code, or the wish for another one."""
    return await answer_code_page(request, _CODE)


async def _to_identity(request: Request, confirmed: PhoneConfirmed, journey: Journey) -> Response:
    await remember_journey(request, confirmed.flow_id, journey.goal, phone=journey.shown["phone"])
    return next_page(PATHS.register_identity, confirmed.flow_id)


async def _phone_page(
    request: Request, goal: Goal, *, back: Returned = FRESH, values: dict[str, str] | None = None
) -> Response:
    await app_of(request, goal)
    return render(
        request,
        "register_phone.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.register,
        login_href=goal.address(PATHS.login),
        values=values or {},
        errors=back.errors,
        hidden=goal.hidden(),
        throttle=back.throttle,
    )


_CODE: CodeEntry[PhoneConfirmed] = CodeEntry(
    template="register_code.html",
    path=PATHS.register_code,
    phone_path=PATHS.register,
    restart_path=PATHS.register,
    resend=resend_registration_code,
    confirm=confirm_phone,
    go_on=_to_identity,
)
