"""Who may see a page, and who is shown in its head.

A page of citizens needs a citizen's session, a page of officers an officer's; one never stands for the other, even when
the same person holds both, because what they may see and what is recorded about it differ.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.i18n import mark
from gateway.pages.errors import show_forbidden
from gateway.pages.modes import safe_next
from gateway.pages.paths import PATHS
from gateway.pages.viewer import Viewer
from gateway.requests import current_session, language_of, parts_of
from idp.signin.sessions import SESSION_COOKIE, Session

Page = Callable[[Request], Awaitable[Response]]
SignedInPage = Callable[[Request, Session], Awaitable[Response]]


def for_citizens(page: SignedInPage) -> Page:
    """Let only citizens' sessions through; nobody signed in is led to the sign-in and back."""

    @wraps(page)
    async def guarded(request: Request) -> Response:
        session = await current_session(request)
        if session is None:
            return to_sign_in(request, PATHS.login)
        if session.kind != "citizen":
            return show_forbidden(
                request,
                right=mark("个人登录"),
                granted_by=mark("请先从工作台退出，再用个人账户登录"),
                viewer=await viewer_of(request),
            )
        return await page(request, session)

    return guarded


def for_staff(page: SignedInPage) -> Page:
    """Let only officers' sessions through; a citizen is told which right is missing and who grants it."""

    @wraps(page)
    async def guarded(request: Request) -> Response:
        session = await current_session(request)
        if session is None:
            return to_sign_in(request, PATHS.staff_login)
        if session.kind != "staff" or session.officer_id is None:
            return show_forbidden(
                request,
                right=mark("窗口查证（工作人员登录）"),
                granted_by=mark("本单位的系统管理员"),
                viewer=await viewer_of(request),
            )
        return await page(request, session)

    return guarded


def to_sign_in(request: Request, login: str) -> Response:
    """Lead to the sign-in page, which leads back; a browser that brings an old session is told that it is over."""
    query = {}
    if request.method in ("GET", "HEAD"):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        query["next"] = safe_next(asked)
    if SESSION_COOKIE in request.cookies:
        query["notice"] = "ended"
    return RedirectResponse(f"{login}?{urlencode(query)}" if query else login, status_code=303)


async def viewer_of(request: Request) -> Viewer | None:
    """Return who is looking, for the head of the page; None when nobody is signed in."""
    session = await current_session(request)
    if session is None:
        return None
    parts = parts_of(request)
    limits = parts.settings.signin
    idle: timedelta = limits.staff_idle if session.kind == "staff" else limits.citizen_idle
    ends_at = min(parts.clock() + idle, session.expires_at)
    facts = await parts.people.load(session.person_id)
    name = facts.name_masked if facts is not None else ""
    if session.officer_id is None:
        number = facts.document_number_masked if facts is not None else ""
        return Viewer(persona="citizen", name=name, number=number, session_ends_at=ends_at)
    officer = await parts.directory.find_officer(session.officer_id)
    department = await parts.directory.find_department(session.department_id or "")
    english = language_of(request) == "en"
    post = "" if officer is None else (officer.post_en if english else officer.post_zh)
    office = "" if department is None else (department.name_en if english else department.name_zh)
    return Viewer(
        persona="officer",
        # Officers act in office: their own name stands in full on their own screen.
        name=facts.name if facts is not None else "",
        work_number=officer.work_number if officer is not None else "",
        post=f"{office} {post}".strip(),
        session_ends_at=ends_at,
    )
