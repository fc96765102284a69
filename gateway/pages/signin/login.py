"""`/login` and `/staff/login`: the first page of signing in, and the password."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.api.oauth import present
from gateway.i18n import mark, translator
from gateway.pages.apps import AppWords, allow_form_to, answer_sources, app_words, origins_of
from gateway.pages.oauth_pages import oauth_parts
from gateway.pages.paths import PATHS
from gateway.pages.refusals import Returned, returned
from gateway.pages.rendering import render
from gateway.pages.signin.entry import go_on
from gateway.pages.signin.journeys import Goal, goal_from
from gateway.requests import current_session, form_of, language_of, parts_of, visit_of
from idp.ports import UserCenter
from idp.provider.authorization.authorize import resume_authorization
from idp.provider.authorization.outcomes import SignInNeeded
from idp.provider.scopes import LICENSE_LOOKUP
from idp.signin.outcomes import Refused
from idp.signin.password_sign_in import sign_in_with_password

Door = Literal["citizen", "staff"]
NOTICES = frozenset({"expired", "idle", "signed_out", "ended", "left", "level"})


async def show_login(request: Request) -> Response:
    """`GET /login`: begin, or go on with an authorization that waited for this."""
    goal = goal_from(request.query_params)
    # An app may ask for more than the session is: then whoever is signed in signs in again.
    is_anew = request.query_params.get("anew") == "yes"
    if not goal.transaction and not is_anew and await current_session(request) is not None:
        return RedirectResponse(goal.next or PATHS.home, status_code=303)
    asked = request.query_params.get("notice", "")
    return await _login_page(request, goal, notice=asked if asked in NOTICES else None)


async def log_in(request: Request) -> Response:
    """`POST /login`: phone or document number, and password."""
    return await _password(request, "citizen")


async def show_staff_login(request: Request) -> Response:
    """`GET /staff/login`."""
    session = await current_session(request)
    goal = goal_from(request.query_params)
    if session is not None and session.kind == "staff" and not goal.transaction:
        return RedirectResponse(PATHS.desk, status_code=303)
    asked = request.query_params.get("notice", "")
    return await _login_page(request, goal, kind="staff", notice=asked if asked in NOTICES else None)


async def staff_log_in(request: Request) -> Response:
    """`POST /staff/login`: work number or user name, and password; the one-time password follows."""
    return await _password(request, "staff")


async def _password(request: Request, kind: Door) -> Response:
    parts, form = parts_of(request), form_of(request)
    goal, login = goal_from(form), form.text("identifier")
    outcome = await sign_in_with_password(
        login=login,
        password=form.get("password", ""),
        kind=kind,
        visit=visit_of(request),
        entrance=parts.entrance,
        now=parts.clock(),
    )
    if isinstance(outcome, Refused):
        back = returned(outcome, language=language_of(request), now=parts.clock())
        return await _login_page(request, goal, kind=kind, back=back, values={"identifier": login})
    return await go_on(request, outcome, goal, kind=kind)


async def _login_page(
    request: Request,
    goal: Goal,
    *,
    kind: Door = "citizen",
    notice: str | None = None,
    back: Returned | None = None,
    values: dict[str, str] | None = None,
) -> Response:
    app: AppWords | None = None
    level: int | None = None
    for_officers = False
    if goal.transaction:
        parts = parts_of(request)
        waiting = await resume_authorization(
            goal.transaction,
            session=await current_session(request),
            browser=request.state.browser,
            provider=parts.provider,
            now=parts.clock(),
            request_id=request.state.request_id,
        )
        if not isinstance(waiting, SignInNeeded):
            return await present(request, waiting, oauth_parts(request))
        client = parts.provider.clients.find(waiting.client.client_id)
        allow_form_to(request, answer_sources(client, client.redirect_uris if client else ()))
        for_officers = client is not None and LICENSE_LOOKUP in client.scopes
        app, level = await app_words(request, waiting.client), int(waiting.level) or None
        notice = notice or ("reauthenticate" if waiting.anew else None)
    shown = back or Returned()
    return render(
        request,
        "login.html",
        status_code=shown.status,
        headers=shown.headers,
        kind=kind,
        app=app,
        level_needed=level,
        leave_href=PATHS.home,
        action=PATHS.staff_login if kind == "staff" else PATHS.login,
        values=values or {},
        errors=shown.errors,
        hidden=goal.hidden(),
        throttle=shown.throttle,
        ways=_ways(request, goal, level, for_officers=for_officers) if kind == "citizen" else [],
        register_href=goal.address(PATHS.register) if kind == "citizen" else None,
        recover_href=goal.address(PATHS.recover) if kind == "citizen" else None,
        organization_href=None,
        notice=notice,
    )


def _ways(request: Request, goal: Goal, level: int | None, *, for_officers: bool) -> list[dict[str, object]]:
    """Return the other ways of signing in: the upper centers first, since most people have an account there.

    An app that looks licenses up is used by officers too, who sign in at their own door.
    """
    parts = parts_of(request)
    words = translator(language_of(request))
    found = [_center_way(request, center, level) for center in parts.entrance.centers.values()]
    allow_form_to(request, origins_of(center.issuer for center in parts.settings.adapters.centers))
    sms: dict[str, object] = {
        "icon": "sms",
        "title": words.text(mark("短信验证码")),
        "description": words.text(mark("向登记的手机号发送 6 位验证码")),
        "href": goal.address(PATHS.login_sms),
    }
    if not parts.settings.signin.codes_enabled:
        sms["unavailable"] = words.text(mark("短信服务暂停"))
    if not for_officers:
        return [*found, sms]
    staff: dict[str, object] = {
        "icon": "org",
        "title": words.text(mark("工作人员登录")),
        "description": words.text(mark("窗口查证，密码加动态口令")),
        "href": goal.address(PATHS.staff_login),
    }
    return [*found, sms, staff]


def _center_way(request: Request, center: UserCenter, level: int | None) -> dict[str, object]:
    words = translator(language_of(request))
    way: dict[str, object] = {
        "icon": "org",
        "title": center.display_name_en if language_of(request) == "en" else center.display_name_zh,
        "description": words.text(mark("用您在那里已有的账户")),
        "action": f"{PATHS.centers}/{center.name}",
    }
    if level is not None and int(center.ceiling) >= level:
        way["tag"] = words.text(mark("可达到要求"))
    if not center.health().available:
        way["unavailable"] = words.text(mark("对方没有应答，我们会自动重试"))
    return way
