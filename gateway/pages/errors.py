"""Pages that say that something did not work: what happened, what to do, a stable code and the number of the request."""

from starlette.requests import Request
from starlette.responses import Response

from foundation.problems import ErrorCode, Problem, problem_from_code, register
from gateway.i18n import translator
from gateway.pages.rendering import render
from gateway.pages.viewer import Viewer
from gateway.requests import language_of

RIGHT_MISSING = register(
    ErrorCode(
        code="40301",
        status=403,
        title_zh="没有权限看这一页",
        title_en="You may not see this page",
        cause_zh="您已登录，但这一页需要另外的权限。",
        cause_en="You are signed in, but this page needs another right.",
        remedy_zh="页面上写明了缺少的权限和授予它的人。",
        remedy_en="The page names the right that is missing and who grants it.",
    )
)

_KINDS = {400: "bad_request", 403: "forbidden", 404: "not_found", 405: "bad_request", 429: "too_many"}
# Codes whose page has words of its own.
_KINDS_BY_CODE = {"40002": "form_expired"}


def show_problem(request: Request, problem: Problem, *, viewer: Viewer | None = None) -> Response:
    """Render any problem as a page; texts of 5xx faults are the general ones, so that nothing internal is told."""
    english = language_of(request) == "en"
    detail = problem.detail_en if english else problem.detail_zh
    kind = _kind_of(problem)
    return render(
        request,
        "error.html",
        status_code=problem.status,
        kind=kind,
        code=problem.code,
        at=request.state.clock(),
        explanation=None if kind in ("system", "not_found", "form_expired") else detail or None,
        retry_after=problem.retry_after,
        input_kept=False if request.method == "POST" else None,
        retry_href=None,
        viewer=viewer,
        here="/",
    )


def show_forbidden(request: Request, *, right: str, granted_by: str, viewer: Viewer | None) -> Response:
    """Render 403 with the name of the missing right and of who grants it; both are source texts of the catalogue."""
    words = translator(language_of(request))
    return render(
        request,
        "error.html",
        status_code=403,
        kind="forbidden",
        code=RIGHT_MISSING.code,
        at=request.state.clock(),
        missing_right={"right": words.text(right), "granted_by": words.text(granted_by)},
        viewer=viewer,
    )


def show_code(request: Request, code: ErrorCode, *, viewer: Viewer | None = None) -> Response:
    """Render the page of one registered error code."""
    return show_problem(request, problem_from_code(code), viewer=viewer)


def _kind_of(problem: Problem) -> str:
    if problem.code in _KINDS_BY_CODE:
        return _KINDS_BY_CODE[problem.code]
    if problem.status == 503:
        return "unavailable"
    if problem.status >= 500:
        return "system"
    return _KINDS.get(problem.status, "bad_request")
