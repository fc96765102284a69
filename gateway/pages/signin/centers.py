"""`/sign-in/centers/…`: out to an upper user center and back, and the question at the first arrival."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foundation.problems import INTERNAL_FAULT, find_error_code
from gateway.i18n import mark, translator
from gateway.pages.apps import AppWords
from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, returned, words_of
from gateway.pages.rendering import render
from gateway.pages.signin.entry import go_on
from gateway.pages.signin.journeys import FLOW_LOST, Goal, Journey, app_of, find_journey, goal_from, start_again
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.arrival import begin_center_sign_in, confirm_arrival, finish_center_sign_in
from idp.signin.outcomes import GoToCenter, Refused


async def go_to_center(request: Request) -> Response:
    """`POST /sign-in/centers/{name}`: send the browser to the center."""
    parts = parts_of(request)
    goal, name = goal_from(form_of(request)), request.path_params["name"]
    outcome = await begin_center_sign_in(
        name,
        redirect_uri=_callback_address(request, name),
        carry=goal.hidden(),
        visit=visit_of(request),
        entrance=parts.entrance,
        now=parts.clock(),
    )
    if isinstance(outcome, GoToCenter):
        return RedirectResponse(outcome.url, status_code=303)
    return await _refused(request, outcome, goal)


async def come_back(request: Request) -> Response:
    """`GET /sign-in/centers/{name}/callback`: the browser's return; a repeated parameter makes it invalid."""
    parts, name = parts_of(request), request.path_params["name"]
    pairs = request.query_params.multi_items()
    callback = dict(pairs) if len(dict(pairs)) == len(pairs) else {}
    arrived = await finish_center_sign_in(
        name,
        callback,
        visit=visit_of(request),
        entrance=parts.entrance,
        now=parts.clock(),
    )
    goal = goal_from(arrived.carry)
    if isinstance(arrived.outcome, Refused):
        return await _refused(request, arrived.outcome, goal)
    return await go_on(request, arrived.outcome, goal)


async def show_arrival(request: Request) -> Response:
    """`GET /sign-in/arrival`: what was received, before anything is stored."""
    journey = await find_journey(request, request.query_params.get("flow", ""))
    return start_again() if journey is None else await _arrival_page(request, journey)


async def answer_arrival(request: Request) -> Response:
    """`POST /sign-in/arrival`: open the account, or throw away what was received."""
    parts, form = parts_of(request), form_of(request)
    journey = await find_journey(request, form.text("flow"))
    if journey is None:
        return start_again()
    if form.text("decision") != "yes":
        return RedirectResponse(journey.goal.address(PATHS.login, notice="left"), status_code=303)
    outcome = await confirm_arrival(
        flow_id=journey.flow_id, visit=visit_of(request), entrance=parts.entrance, now=parts.clock()
    )
    if isinstance(outcome, Refused):
        if outcome.code == FLOW_LOST:
            return start_again(goal=journey.goal)
        back = returned(outcome, language=language_of(request), now=parts.clock())
        return await _arrival_page(request, journey, back=back)
    return await go_on(request, outcome, journey.goal)


def _callback_address(request: Request, name: str) -> str:
    return f"{parts_of(request).settings.issuer}{PATHS.centers}/{name}/callback"


async def _refused(request: Request, refused: Refused, goal: Goal) -> Response:
    """Say what went wrong at the center, with the way back to the other ways of signing in."""
    code = find_error_code(refused.code) or INTERNAL_FAULT
    words = translator(language_of(request))
    app: AppWords | None = await app_of(request, goal)
    return render(
        request,
        "error.html",
        status_code=code.status,
        kind="stop" if code.status < 500 else "unavailable",
        title=words.text(mark("没有登录成功")),
        code=code.code,
        at=request.state.clock(),
        explanation="".join(words_of(code, language_of(request))),
        app=app,
        retry_href=goal.address(PATHS.login),
        here=PATHS.login,
    )


async def _arrival_page(request: Request, journey: Journey, *, back: Returned = FRESH) -> Response:
    words = translator(language_of(request))
    shown = journey.shown
    center = parts_of(request).entrance.centers.get(shown["center"])
    english = language_of(request) == "en"
    named = shown["center"]
    if center is not None:
        named = center.display_name_en if english else center.display_name_zh
    received = [(words.text(mark("姓名")), shown["name"]), (words.text(mark("证件号码")), shown["number"])]
    if shown["phone"]:
        received.append((words.text(mark("手机号")), shown["phone"]))
    return render(
        request,
        "center_arrival.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.center_arrival,
        hidden={"flow": journey.flow_id},
        errors=back.errors,
        center=named,
        app=await app_of(request, journey.goal),
        received=received,
        level=int(shown["level"]),
        existing=False,
    )
