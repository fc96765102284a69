"""`/recover`: a new password for whoever holds the phone and knows the document number; also the first one of an account without."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.i18n import mark
from gateway.pages.forms import FieldError
from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, field_error, returned
from gateway.pages.rendering import render
from gateway.pages.signin.code_entry import CodeEntry, answer_code_page, show_code_page
from gateway.pages.signin.entry import go_on
from gateway.pages.signin.journeys import (
    FLOW_LOST,
    Goal,
    Journey,
    app_of,
    find_journey,
    next_page,
    remember_journey,
    start_again,
)
from gateway.pages.signin.phone_entry import PhoneEntry, answer_phone_page, show_phone_page
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.outcomes import PhoneConfirmed, Refused
from idp.signin.password_change import (
    confirm_recovery_code,
    recover_password,
    resend_recovery_code,
    send_recovery_code,
)


async def show_phone(request: Request) -> Response:
    """`GET /recover`."""
    return await show_phone_page(request, _PHONE)


async def send_code(request: Request) -> Response:
    """`POST /recover`: the answer is the same whether the number has an account or not."""
    return await answer_phone_page(request, _PHONE)


async def show_code(request: Request) -> Response:
    """`GET /recover/code`."""
    return await show_code_page(request, _CODE)


async def check_code(request: Request) -> Response:
    """`POST /recover/code`: the code, or the wish for another one."""
    return await answer_code_page(request, _CODE)


async def _to_password(request: Request, confirmed: PhoneConfirmed, journey: Journey) -> Response:
    await remember_journey(request, confirmed.flow_id, journey.goal, confirmed="yes")
    return next_page(PATHS.recover_password, confirmed.flow_id)


async def show_password(request: Request) -> Response:
    """`GET /recover/password`."""
    journey = await find_journey(request, request.query_params.get("flow", ""))
    if journey is None or "confirmed" not in journey.shown:
        return start_again()
    return await _password_page(request, journey)


async def set_password(request: Request) -> Response:
    """`POST /recover/password`: whose number it is, and the new password; every device is signed out by it."""
    parts, form = parts_of(request), form_of(request)
    journey = await find_journey(request, form.text("flow"))
    if journey is None or "confirmed" not in journey.shown:
        return start_again()
    number = form.text("document_number")
    if form.get("password", "") != form.get("password_again", ""):
        back = field_error("password_again", mark("两次输入的密码不一样"))
        return await _password_page(request, journey, back=back, number=number)
    outcome = await recover_password(
        journey.flow_id,
        number,
        form.get("password", ""),
        visit=visit_of(request),
        entrance=parts.entrance,
        now=parts.clock(),
    )
    if isinstance(outcome, Refused):
        if outcome.code == FLOW_LOST:
            return start_again(goal=journey.goal)
        back = returned(outcome, language=language_of(request), now=parts.clock(), at="document_number")
        return await _password_page(request, journey, back=_renamed(back), number=number)
    return await go_on(request, outcome, _onward(journey.goal), kind="citizen")


def _onward(goal: Goal) -> Goal:
    """Where nobody waits, the account page says that the password is changed."""
    return goal if goal.hidden() else Goal(next=f"{PATHS.account}?saved=password")


def _renamed(back: Returned) -> Returned:
    """Put the use case's field name onto the form's."""
    names = {"new_password": "password"}
    errors = [FieldError(names.get(error.field, error.field), error.message, error.values) for error in back.errors]
    return Returned(back.status, errors, back.throttle, back.headers)


async def _password_page(request: Request, journey: Journey, *, back: Returned = FRESH, number: str = "") -> Response:
    await app_of(request, journey.goal)
    return render(
        request,
        "recover_password.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.recover_password,
        back_href=journey.goal.address(PATHS.login),
        values={"document_number": number},
        errors=back.errors,
        hidden={"flow": journey.flow_id},
        throttle=back.throttle,
    )


_CODE: CodeEntry[PhoneConfirmed] = CodeEntry(
    template="recover_code.html",
    path=PATHS.recover_code,
    phone_path=PATHS.recover,
    restart_path=PATHS.login,
    resend=resend_recovery_code,
    confirm=confirm_recovery_code,
    go_on=_to_password,
)

_PHONE = PhoneEntry(template="recover_phone.html", path=PATHS.recover, send=send_recovery_code, code=_CODE)
