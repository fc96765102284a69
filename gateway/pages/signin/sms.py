"""`/login/sms`: signing in with a code sent to the registered phone."""

from datetime import datetime
from math import ceil

from starlette.requests import Request
from starlette.responses import Response

from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, returned
from gateway.pages.rendering import render
from gateway.pages.signin.entry import go_on
from gateway.pages.signin.journeys import (
    Goal,
    Journey,
    app_of,
    find_journey,
    goal_from,
    next_page,
    remember_journey,
    start_again,
)
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.code_sign_in import (
    confirm_identity_for_phone,
    resend_sign_in_code,
    send_sign_in_code,
    sign_in_with_code,
)
from idp.signin.outcomes import CodeSent, Refused

FLOW_LOST = "22007"
CODE_SPENT = "22004"


async def show_phone(request: Request) -> Response:
    """`GET /login/sms`."""
    return await _phone_page(request, goal_from(request.query_params))


async def send_code(request: Request) -> Response:
    """`POST /login/sms`: the answer is the same whether the number has an account or not."""
    parts, form = parts_of(request), form_of(request)
    goal, phone = goal_from(form), form.text("phone")
    outcome = await send_sign_in_code(
        phone_text=phone, visit=visit_of(request), entrance=parts.entrance, now=parts.clock()
    )
    if isinstance(outcome, Refused):
        back = returned(outcome, language=language_of(request), now=parts.clock(), at="phone")
        return await _phone_page(request, goal, back=back, phone=phone)
    await remember_journey(request, outcome.flow_id, goal, **code_facts(outcome))
    return next_page(PATHS.login_sms_code, outcome.flow_id)


async def show_code(request: Request) -> Response:
    """`GET /login/sms/code`."""
    journey = await find_journey(request, request.query_params.get("flow", ""))
    return start_again() if journey is None else await _code_page(request, journey)


async def check_code(request: Request) -> Response:
    """`POST /login/sms/code`: the code, or the wish for another one."""
    parts, form = parts_of(request), form_of(request)
    journey = await find_journey(request, form.text("flow"))
    if journey is None:
        return start_again()
    visit, entrance, now = visit_of(request), parts.entrance, parts.clock()
    if form.text("resend"):
        sent = await resend_sign_in_code(flow_id=journey.flow_id, visit=visit, entrance=entrance, now=now)
        if isinstance(sent, CodeSent):
            await remember_journey(request, sent.flow_id, journey.goal, **code_facts(sent))
            return next_page(PATHS.login_sms_code, sent.flow_id)
        return await _code_page(request, journey, refused=sent)
    outcome = await sign_in_with_code(
        flow_id=journey.flow_id, code_text=form.text("code"), visit=visit, entrance=entrance, now=now
    )
    if isinstance(outcome, Refused):
        return await _code_page(request, journey, refused=outcome)
    return await go_on(request, outcome, journey.goal, kind="citizen", phone=journey.shown["phone"])


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


def code_facts(sent: CodeSent) -> dict[str, str]:
    """Return what the page of a sent code shows, as a journey keeps it."""
    return {
        "phone": sent.phone_masked,
        "prefix": sent.prefix,
        "resend_at": sent.resend_at.isoformat(),
        "expires_at": sent.expires_at.isoformat(),
    }


def code_words(journey: Journey, tries_left: int, *, now: datetime) -> dict[str, object]:
    """Return the data of a code page from what its journey kept."""
    shown = journey.shown
    valid = (datetime.fromisoformat(shown["expires_at"]) - now).total_seconds()
    pause = (datetime.fromisoformat(shown["resend_at"]) - now).total_seconds()
    return {
        "phone": shown["phone"],
        "prefix": shown["prefix"],
        "tries_left": tries_left,
        "valid_minutes": max(0, ceil(valid / 60)),
        "resend_after": max(0, ceil(pause)),
    }


async def _phone_page(request: Request, goal: Goal, *, back: Returned = FRESH, phone: str = "") -> Response:
    return render(
        request,
        "login_sms.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.login_sms,
        back_href=goal.address(PATHS.login),
        values={"phone": phone},
        errors=back.errors,
        hidden=goal.hidden(),
        throttle=back.throttle,
        app=await app_of(request, goal),
    )


async def _code_page(request: Request, journey: Journey, refused: Refused | None = None) -> Response:
    if refused is not None and refused.code == FLOW_LOST:
        return start_again(goal=journey.goal)
    parts = parts_of(request)
    back = returned(refused, language=language_of(request), now=parts.clock(), at="code")
    tries = parts.settings.signin.code_tries
    left = tries if refused is None or refused.tries_left is None else refused.tries_left
    await app_of(request, journey.goal)
    return render(
        request,
        "login_sms_code.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.login_sms_code,
        resend_action=PATHS.login_sms_code,
        back_href=journey.goal.address(PATHS.login_sms),
        values={},
        errors=back.errors,
        hidden={"flow": journey.flow_id},
        code=code_words(journey, left, now=parts.clock()),
        locked=refused is not None and refused.code == CODE_SPENT,
    )


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
