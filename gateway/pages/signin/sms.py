"""`/login/sms`: signing in with a code sent to the registered phone."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, returned
from gateway.pages.rendering import render
from gateway.pages.signin.code_entry import CodeEntry, answer_code_page, show_code_page
from gateway.pages.signin.entry import go_on
from gateway.pages.signin.journeys import FLOW_LOST, Journey, app_of, find_journey, start_again
from gateway.pages.signin.phone_entry import PhoneEntry, answer_phone_page, show_phone_page
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.code_sign_in import (
    confirm_identity_for_phone,
    resend_sign_in_code,
    send_sign_in_code,
    sign_in_with_code,
)
from idp.signin.outcomes import IdentityCheckNeeded, Refused, SecondFactorNeeded, SignedIn


async def show_phone(request: Request) -> Response:
    """`GET /login/sms`."""
    return await show_phone_page(request, _PHONE)


async def send_code(request: Request) -> Response:
    """`POST /login/sms`: the answer is the same whether the number has an account or not."""
    return await answer_phone_page(request, _PHONE)


async def show_code(request: Request) -> Response:
    """`GET /login/sms/code`."""
    return await show_code_page(request, _CODE)


async def check_code(request: Request) -> Response:
    """`POST /login/sms/code`: the code, or the wish for another one."""
    return await answer_code_page(request, _CODE)


async def show_identity(request: Request) -> Response:
    """`GET /login/identity`: a number that was long unused may have a new owner."""
    journey = await find_journey(request, request.query_params.get("flow", ""))
    return start_again() if journey is None else await _identity_page(request, journey)


async def check_identity(request: Request) -> Response:
    """`POST /login/identity`: the document number of the account's owner."""
    parts, form = parts_of(request), form_of(request)
    journey = await find_journey(request, form.text("flow"))
    if journey is None:
        return start_again()
    outcome = await confirm_identity_for_phone(
        flow_id=journey.flow_id,
        document_number=form.text("document_number"),
        visit=visit_of(request),
        entrance=parts.entrance,
        now=parts.clock(),
    )
    if isinstance(outcome, Refused):
        if outcome.code == FLOW_LOST:
            return start_again(goal=journey.goal)
        back = returned(outcome, language=language_of(request), now=parts.clock(), at="document_number")
        return await _identity_page(request, journey, back=back)
    return await go_on(request, outcome, journey.goal, kind="citizen")


async def _enter(
    request: Request, outcome: SignedIn | SecondFactorNeeded | IdentityCheckNeeded, journey: Journey
) -> Response:
    return await go_on(request, outcome, journey.goal, kind="citizen", phone=journey.shown["phone"])


async def _identity_page(request: Request, journey: Journey, *, back: Returned = FRESH) -> Response:
    await app_of(request, journey.goal)
    return render(
        request,
        "login_identity.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.login_identity,
        back_href=journey.goal.address(PATHS.login),
        phone=journey.shown.get("phone", ""),
        values={},
        errors=back.errors,
        hidden={"flow": journey.flow_id},
        throttle=back.throttle,
    )


_CODE: CodeEntry[SignedIn | SecondFactorNeeded | IdentityCheckNeeded] = CodeEntry(
    template="login_sms_code.html",
    path=PATHS.login_sms_code,
    phone_path=PATHS.login_sms,
    restart_path=PATHS.login,
    resend=resend_sign_in_code,
    confirm=sign_in_with_code,
    go_on=_enter,
    may_leave=True,
)

_PHONE = PhoneEntry(template="login_sms.html", path=PATHS.login_sms, send=send_sign_in_code, code=_CODE)
