"""`/register/password` and `/register/done`: the password opens the account and the first session."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.browser_state import follow_session
from gateway.i18n import mark
from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, field_error, returned
from gateway.pages.rendering import render
from gateway.pages.signed_in import for_citizens, viewer_of
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
from gateway.requests import form_of, language_of, parts_of, set_session_cookie, visit_of
from idp.signin.outcomes import Refused
from idp.signin.registration import set_password_and_open_account
from idp.signin.sessions import Session


async def show_password(request: Request) -> Response:
    """`GET /register/password`."""
    journey = await find_journey(request, request.query_params.get("flow", ""))
    if journey is None or "name" not in journey.shown:
        return start_again(PATHS.register)
    return _password_page(request, journey)


async def set_password(request: Request) -> Response:
    """`POST /register/password`: open the account and sign in."""
    parts, form = parts_of(request), form_of(request)
    journey = await find_journey(request, form.text("flow"))
    if journey is None or "name" not in journey.shown:
        return start_again(PATHS.register)
    if form.get("password", "") != form.get("password_again", ""):
        return _password_page(request, journey, back=field_error("password_again", mark("两次输入的密码不一样")))
    outcome = await set_password_and_open_account(
        flow_id=journey.flow_id,
        password=form.get("password", ""),
        visit=visit_of(request),
        entrance=parts.entrance,
        now=parts.clock(),
    )
    if isinstance(outcome, Refused):
        if outcome.code == FLOW_LOST:
            return start_again(PATHS.register, journey.goal)
        back = returned(outcome, language=language_of(request), now=parts.clock(), at="password")
        return _password_page(request, journey, back=back)
    shown = {**journey.shown, "level": str(int(outcome.session.level))}
    await remember_journey(request, journey.flow_id, journey.goal, **shown)
    response = next_page(PATHS.register_done, journey.flow_id)
    set_session_cookie(response, outcome)
    follow_session(request, response, outcome.session)
    return response


@for_citizens
async def show_done(request: Request, _session: Session) -> Response:
    """`GET /register/done`."""
    journey = await find_journey(request, request.query_params.get("flow", ""))
    if journey is None or "level" not in journey.shown:
        return start_again(PATHS.home)
    goal = journey.goal
    app = await app_of(request, goal)
    onward = Goal(transaction=goal.transaction).address(PATHS.sign_in_continue) if app else goal.next or PATHS.home
    return render(
        request,
        "register_done.html",
        viewer=await viewer_of(request),
        name=journey.shown["name"],
        number=journey.shown["number"],
        phone=journey.shown["phone"],
        level=int(journey.shown["level"]),
        next_href=onward,
        next_label=app["name"] if app else None,
    )


def _password_page(request: Request, journey: Journey, *, back: Returned = FRESH) -> Response:
    return render(
        request,
        "register_password.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.register_password,
        name=journey.shown["name"],
        errors=back.errors,
        hidden={"flow": journey.flow_id},
    )
