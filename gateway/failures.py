"""From an exception to an answer, once for every surface.

OAuth endpoints speak RFC 6749 §5.2, the API RFC 9457, pages are pages. What is unknown becomes an internal fault with its text
withheld; the request id ties the answer to the log.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from foundation.problems import (
    INTERNAL_FAULT,
    PROBLEM_MEDIA_TYPE,
    ErrorCode,
    Problem,
    RenzhengError,
    ServiceUnavailable,
    describe_problem,
    problem_from_code,
    register,
    render_problem,
)
from gateway.pages.errors import show_problem
from gateway.requests import language_of, parts_of
from gateway.security.surfaces import Surface, shows_pages, surface_of

NO_SUCH_PAGE = register(
    ErrorCode(
        code="40401",
        status=404,
        title_zh="没有找到这个页面",
        title_en="There is no such page",
        cause_zh="这个地址没有内容，可能已移动，或输入有误。",
        cause_en="There is nothing at this address; it may have moved or may be mistyped.",
        remedy_zh="请从首页重新进入。",
        remedy_en="Please start from the home page.",
    )
)
WRONG_METHOD = register(
    ErrorCode(
        code="40501",
        status=405,
        title_zh="不支持这种访问方式",
        title_en="This way of access is not supported",
        cause_zh="这个地址存在，但不接受这种请求方法。",
        cause_en="The address exists but does not accept this request method.",
        remedy_zh="请从页面上的按钮或链接进入；开发人员请查看接口说明中的请求方法。",
        remedy_en="Please use the buttons and links of the pages; developers find the method in the interface reference.",
    )
)
BAD_REQUEST = register(
    ErrorCode(
        code="40000",
        status=400,
        title_zh="请求格式有误",
        title_en="The request is malformed",
        cause_zh="请求的格式不符合要求，系统没有处理。",
        cause_en="The form of the request is wrong; nothing was done with it.",
        remedy_zh="请返回上一页重试；开发人员请对照接口说明检查请求。",
        remedy_en="Please go back and try again; developers should compare the request with the interface reference.",
    )
)


async def failure_response(request: Request, failure: Exception) -> Response:
    """Render a failure for the surface of the request's path."""
    problem = describe(failure)
    path = request.scope["path"]
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after is not None else {}
    if isinstance(failure, HTTPException):
        headers |= failure.headers or {}
    if shows_pages(path):
        response = show_problem(request, problem)
        response.headers.update(headers)
        return response
    if surface_of(path) is Surface.OAUTH:
        return JSONResponse(_oauth_error(problem), problem.status, {"Cache-Control": "no-store", **headers})
    body = render_problem(
        problem,
        request_id=request.state.request_id,
        base_url=parts_of(request).settings.issuer,
        language=language_of(request),
    )
    return JSONResponse(body, problem.status, headers, media_type=PROBLEM_MEDIA_TYPE)


def describe(failure: Exception) -> Problem:
    """Return the public problem of any exception."""
    if isinstance(failure, RenzhengError):
        return describe_problem(failure)
    if isinstance(failure, HTTPException):
        known = {404: NO_SUCH_PAGE, 405: WRONG_METHOD}
        return problem_from_code(known.get(failure.status_code, BAD_REQUEST))
    return problem_from_code(INTERNAL_FAULT)


def _oauth_error(problem: Problem) -> dict[str, str]:
    if problem.status == ServiceUnavailable.error_code.status:
        error = "temporarily_unavailable"
    else:
        error = "server_error" if problem.status >= 500 else "invalid_request"
    return {"error": error, "error_description": f"{problem.code} {problem.title_en}"}
