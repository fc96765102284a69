"""From a refusal of a use case to the form that comes back: its errors, its wait, its status."""

from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from foundation.problems import INTERNAL_FAULT, ErrorCode, find_error_code
from gateway.i18n import Language, mark
from gateway.pages.formats import Formats
from gateway.pages.forms import FieldError
from idp.signin.outcomes import Refused

# Waits that stop the whole way of signing in are told by the page's own notice, with the button shut.
_SHUT = frozenset({"22002", "22010", "22014"})
_WITH_WAIT = mark("{reason}请在 {wait}后再试。")


@dataclass(frozen=True, slots=True)
class Returned:
    """A form that comes back. `throttle` is what `throttle_notice` takes; `headers` carry Retry-After."""

    status: int = 200
    errors: list[FieldError] = field(default_factory=list)
    throttle: dict[str, int] | None = None
    headers: dict[str, str] = field(default_factory=dict)


FRESH = Returned()


def returned(refused: Refused | None, *, language: Language, now: datetime, at: str = "") -> Returned:
    """Tell a refusal in words beside its field; `at` names the field when the refusal names none.

    The text is that of the registered code: cause and remedy. It never says more than the use case decided to tell.
    """
    if refused is None:
        return FRESH
    code = find_error_code(refused.code) or INTERNAL_FAULT
    where = refused.field or at
    wait = 0 if refused.retry_at is None else max(1, ceil((refused.retry_at - now).total_seconds()))
    status = code.status if code.status in (429, 503) else 422
    headers = {"Retry-After": str(wait)} if wait else {}
    if wait and refused.code in _SHUT:
        return Returned(429, [], {"retry_after": wait}, headers)
    if wait:
        values = {"reason": words_of(code, language)[0], "wait": Formats(language).duration(wait)}
        return Returned(status, [FieldError(where, _WITH_WAIT, values)], None, headers)
    return Returned(status, [FieldError(where, "".join(words_of(code, language)))], None, headers)


def words_of(code: ErrorCode, language: Language) -> tuple[str, str]:
    """Return cause and remedy of a code, each a sentence; the English cause ends with the blank that parts them."""
    if language == "en":
        return f"{code.cause_en} ", code.remedy_en
    return code.cause_zh, code.remedy_zh


def field_error(name: str, message: str) -> Returned:
    """Return a form with one error that the page itself found; `message` is a source text of the catalogue."""
    return Returned(422, [FieldError(name, message)])
