"""What can go wrong, said once: the error tree, the register of error codes and the RFC 9457 problem
document.

Every refusal the product shows carries a five-digit code that never changes its meaning:

- ``10xxx`` foundation and infrastructure,
- ``21xxx`` the OpenID provider, ``22xxx`` sign-in, ``23xxx`` persons and organisations,
- ``31xxx`` authorisation of lookups, ``32xxx`` purpose and case, ``33xxx`` not found and upstream libraries,
- ``4xxxx`` the form of a request.

A code is registered exactly once, beside the error class that raises it, so that the help pages and the
documentation list every one of them. The description and the remedy are public; ``detail`` is for the log
alone and never leaves the server.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

PROBLEM_MEDIA_TYPE = "application/problem+json"

_CODE_FORM = re.compile(r"[1-4][0-9]{4}", re.ASCII)
_registered: dict[str, "ErrorCode"] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCode:
    """One stable error code with its HTTP status and its public texts in Chinese and English."""

    code: str
    status: int
    title_zh: str
    title_en: str
    cause_zh: str
    cause_en: str
    remedy_zh: str
    remedy_en: str


def register(error_code: ErrorCode) -> ErrorCode:
    """Enter the code into the register and return it; a malformed or repeated code raises ValueError at
    import.
    """
    if not _CODE_FORM.fullmatch(error_code.code):
        raise ValueError(f"error code {error_code.code!r} is not five digits of a known range")
    if not 400 <= error_code.status <= 599:
        raise ValueError(f"error code {error_code.code} carries status {error_code.status}, which is not an error")
    if error_code.code in _registered:
        raise ValueError(f"error code {error_code.code} is registered twice")
    _registered[error_code.code] = error_code
    return error_code


def all_error_codes() -> tuple[ErrorCode, ...]:
    """Return every registered code in ascending order; only modules already imported have registered
    theirs.
    """
    return tuple(_registered[code] for code in sorted(_registered))


def find_error_code(code: str) -> ErrorCode | None:
    """Return the registered code, or None when nobody registered it."""
    return _registered.get(code)


INTERNAL_FAULT = register(
    ErrorCode(
        code="10000",
        status=500,
        title_zh="系统内部错误",
        title_en="Internal error",
        cause_zh="系统遇到未预料的情况，本次操作没有完成。",
        cause_en="The system met a condition it did not expect, and the operation was not completed.",
        remedy_zh="请稍后重试；如仍失败，请把页面上的请求编号告诉服务热线。",
        remedy_en=("Please try again later. If it fails again, tell the hotline the request number shown on the page."),
    )
)

SERVICE_UNAVAILABLE = register(
    ErrorCode(
        code="10001",
        status=503,
        title_zh="服务暂时不可用",
        title_en="Service temporarily unavailable",
        cause_zh="系统的一个部件暂时不可用，本次操作没有执行。",
        cause_en="A part of the system is temporarily unavailable, and the operation was not carried out.",
        remedy_zh="请稍候片刻再试。",
        remedy_en="Please wait a moment and try again.",
    )
)

STORAGE_UNAVAILABLE = register(
    ErrorCode(
        code="10002",
        status=503,
        title_zh="数据库暂时不可用",
        title_en="Storage temporarily unavailable",
        cause_zh="数据库没有在规定时间内应答，本次操作没有执行。",
        cause_en="The database did not answer in time, and the operation was not carried out.",
        remedy_zh="请稍候片刻再试，系统会自行恢复。",
        remedy_en="Please wait a moment and try again. The system recovers by itself.",
    )
)


class RenzhengError(Exception):
    """The root of every error the product raises on purpose.

    A subclass names its ``error_code``; an instance may sharpen the public description. ``detail`` goes to
    the log alone, and even there it holds no token, code, secret, document number or phone number. Raising
    one means that nothing happened.
    """

    error_code: ClassVar[ErrorCode] = INTERNAL_FAULT
    retry_after: int | None = None
    """After so many whole seconds the same request may succeed (RFC 9110 §10.2.3); None when nobody knows."""

    def __init__(self, detail: str = "", *, description: str | None = None, description_en: str | None = None) -> None:
        super().__init__(detail)
        self.code: str = self.error_code.code
        self.status: int = self.error_code.status
        self.description: str = self.error_code.cause_zh if description is None else description
        self.description_en: str = self.error_code.cause_en if description_en is None else description_en
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code} {self.error_code.title_en}" + (f": {self.detail}" if self.detail else "")


class ServiceUnavailable(RenzhengError):
    """A part the request needs is down; the caller may repeat the request after ``retry_after`` whole
    seconds (RFC 9110 §10.2.3).
    """

    error_code = SERVICE_UNAVAILABLE

    def __init__(self, detail: str = "", *, retry_after: int = 2) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StorageUnavailable(ServiceUnavailable):
    """The SQL database refused, timed out or has no free connection; nothing was written."""

    error_code = STORAGE_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One member of the request that is wrong: ``pointer`` is an RFC 6901 pointer into the body, or a
    parameter name.
    """

    pointer: str
    detail_zh: str
    detail_en: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One RFC 9457 problem before it is rendered; ``extensions`` are further public members and may not
    shadow RFC members.
    """

    status: int
    code: str
    title_zh: str
    title_en: str
    detail_zh: str = ""
    detail_en: str = ""
    errors: Sequence[FieldProblem] = ()
    retry_after: int | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)


def describe_problem(error: BaseException) -> Problem:
    """Return the public face of an error; anything that is not a RenzhengError becomes 10000 with its text
    withheld.
    """
    if not isinstance(error, RenzhengError):
        return problem_from_code(INTERNAL_FAULT)
    return Problem(
        status=error.status,
        code=error.code,
        title_zh=error.error_code.title_zh,
        title_en=error.error_code.title_en,
        detail_zh=error.description,
        detail_en=error.description_en,
        retry_after=error.retry_after,
    )


def problem_from_code(error_code: ErrorCode, *, errors: Sequence[FieldProblem] = ()) -> Problem:
    """Return the problem a registered code stands for, with the cause as its detail."""
    return Problem(
        status=error_code.status,
        code=error_code.code,
        title_zh=error_code.title_zh,
        title_en=error_code.title_en,
        detail_zh=error_code.cause_zh,
        detail_en=error_code.cause_en,
        errors=errors,
    )


def render_problem(problem: Problem, *, request_id: str, base_url: str, language: str = "zh-CN") -> dict[str, Any]:
    """Return the application/problem+json object of RFC 9457 §3.

    ``base_url`` has no trailing slash and ``type`` leads to the public page of the code. ``language`` picks
    English when it begins with ``en`` and Chinese otherwise.
    """
    english = language.lower().startswith("en")
    body: dict[str, Any] = dict(problem.extensions)
    body |= {
        "type": f"{base_url}/help/errors/{problem.code}",
        "title": problem.title_en if english else problem.title_zh,
        "status": problem.status,
        "code": problem.code,
        "request_id": request_id,
    }
    if detail := problem.detail_en if english else problem.detail_zh:
        body["detail"] = detail
    if problem.errors:
        body["errors"] = [
            {"pointer": entry.pointer, "detail": entry.detail_en if english else entry.detail_zh}
            for entry in problem.errors
        ]
    if problem.retry_after is not None:
        body["retry_after"] = problem.retry_after
    return body
