"""`/login/totp`: the one-time password, always asked of staff and of citizens who enrolled one."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.i18n import mark, translator
from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, returned
from gateway.pages.rendering import render
from gateway.pages.signin.entry import go_on
from gateway.pages.signin.journeys import FLOW_LOST, Journey, app_of, find_journey, start_again
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.outcomes import Refused
from idp.signin.second_factor import confirm_totp


async def show_totp(request: Request) -> Response:
    """`GET /login/totp`."""
    journey = await find_journey(request, request.query_params.get("flow", ""))
    return start_again() if journey is None else await _totp_page(request, journey)


async def check_totp(request: Request) -> Response:
    """`POST /login/totp`."""
    parts, form = parts_of(request), form_of(request)
    journey = await find_journey(request, form.text("flow"))
    if journey is None:
        return start_again()
    outcome = await confirm_totp(
        flow_id=journey.flow_id,
        code_text=form.text("code"),
        visit=visit_of(request),
        entrance=parts.entrance,
        now=parts.clock(),
    )
    if isinstance(outcome, Refused):
        if outcome.code == FLOW_LOST:
            return start_again(_door(journey), journey.goal)
        back = returned(outcome, language=language_of(request), now=parts.clock(), at="code")
        return await _totp_page(request, journey, back=back)
    return await go_on(request, outcome, journey.goal)


def _door(journey: Journey) -> str:
    return PATHS.staff_login if journey.shown.get("kind") == "staff" else PATHS.login


async def _totp_page(request: Request, journey: Journey, *, back: Returned = FRESH) -> Response:
    words = translator(language_of(request))
    kind = "staff" if journey.shown.get("kind") == "staff" else "citizen"
    await app_of(request, journey.goal)
    return render(
        request,
        "login_totp.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.login_totp,
        back_href=journey.goal.address(_door(journey)),
        kind=kind,
        # Before the second factor nothing about the account is told, not even a masked name.
        who=words.text(mark("工作人员")) if kind == "staff" else words.text(mark("个人")),
        values={},
        errors=back.errors,
        hidden={"flow": journey.flow_id},
        throttle=back.throttle,
    )
