"""`/register` and `/register/code`: the phone is the first thing, and it is proved before anything else is asked."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.i18n import mark
from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, field_error, returned
from gateway.pages.rendering import render
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
from gateway.pages.signin.sms import CODE_SPENT, FLOW_LOST, code_facts, code_words
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.outcomes import CodeSent, Refused
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
    await remember_journey(request, outcome.flow_id, goal, **code_facts(outcome))
    return next_page(PATHS.register_code, outcome.flow_id)


async def show_code(request: Request) -> Response:
    """`GET /register/code`."""
    journey = await find_journey(request, request.query_params.get("flow", ""))
    return start_again(PATHS.register) if journey is None else await _code_page(request, journey)


async def check_code(request: Request) -> Response:
    """`POST /register/code`: the code, or the wish for another one."""
    parts, form = parts_of(request), form_of(request)
    journey = await find_journey(request, form.text("flow"))
    if journey is None:
        return start_again(PATHS.register)
    visit, entrance, now = visit_of(request), parts.entrance, parts.clock()
    if form.text("resend"):
        sent = await resend_registration_code(flow_id=journey.flow_id, visit=visit, entrance=entrance, now=now)
        if isinstance(sent, CodeSent):
            await remember_journey(request, sent.flow_id, journey.goal, **code_facts(sent))
            return next_page(PATHS.register_code, sent.flow_id)
        return await _code_page(request, journey, refused=sent)
    outcome = await confirm_phone(
        flow_id=journey.flow_id, code_text=form.text("code"), visit=visit, entrance=entrance, now=now
    )
    if isinstance(outcome, Refused):
        return await _code_page(request, journey, refused=outcome)
    await remember_journey(request, outcome.flow_id, journey.goal, phone=journey.shown["phone"])
    return next_page(PATHS.register_identity, outcome.flow_id)


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


async def _code_page(request: Request, journey: Journey, refused: Refused | None = None) -> Response:
    if refused is not None and refused.code == FLOW_LOST:
        return start_again(PATHS.register, journey.goal)
    parts = parts_of(request)
    back = returned(refused, language=language_of(request), now=parts.clock(), at="code")
    tries = parts.settings.signin.code_tries
    left = tries if refused is None or refused.tries_left is None else refused.tries_left
    return render(
        request,
        "register_code.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.register_code,
        resend_action=PATHS.register_code,
        back_href=journey.goal.address(PATHS.register),
        values={},
        errors=back.errors,
        hidden={"flow": journey.flow_id},
        code=code_words(journey, left, now=parts.clock()),
        locked=refused is not None and refused.code == CODE_SPENT,
    )
