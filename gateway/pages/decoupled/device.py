"""`/device`: from the code on a screen to the person's answer (RFC 8628 §3.3).

Only somebody signed in may enter codes, so that guessing has a name; the address that a screen shows as a picture only fills the code in.
"""

from math import ceil
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.pages.decoupled.answering import Asked, origin_of_request, show_request, take_answer
from gateway.pages.forms import FieldError
from gateway.pages.paths import PATHS
from gateway.pages.refusals import words_of
from gateway.pages.rendering import render
from gateway.pages.signed_in import for_citizens, viewer_of
from gateway.requests import form_of, language_of, parts_of
from idp.provider.decoupled.code_entry import CodeRefused, find_device_request
from idp.provider.decoupled.user_codes import parse_user_code, show_user_code
from idp.signin.sessions import Session

FLOW = "device"


@for_citizens
async def show_device(request: Request, session: Session) -> Response:
    """`GET /device`: the form; a code in the address is filled in and nothing else."""
    code = parse_user_code(request.query_params.get("user_code", ""))
    return await _form(request, "" if code is None else show_user_code(code))


@for_citizens
async def enter_code(request: Request, session: Session) -> Response:
    """`POST /device`: look the code up and lead to its page."""
    parts, typed = parts_of(request), form_of(request).text("user_code")
    found = await find_device_request(
        typed,
        session=session,
        provider=parts.provider,
        origin=origin_of_request(request),
        now=parts.clock(),
    )
    if isinstance(found, CodeRefused):
        return await _form(request, typed, refused=found)
    code = parse_user_code(typed) or ""
    state = {"request": found.request_id, "code": show_user_code(code)}
    flow = await parts.entrance.flows.begin(FLOW, browser=request.state.browser, state=state)
    return RedirectResponse(f"{PATHS.device_confirm}?{urlencode({'flow': flow.flow_id})}", status_code=303)


@for_citizens
async def show_device_request(request: Request, session: Session) -> Response:
    """`GET /device/confirm`: what the device asks for."""
    asked = await _asked(request, request.query_params.get("flow", ""))
    return _to_form() if asked is None else await show_request(request, session, asked)


@for_citizens
async def answer_device_request(request: Request, session: Session) -> Response:
    """`POST /device/confirm`: yes or no to the device."""
    asked = await _asked(request, form_of(request).text("flow"))
    return _to_form() if asked is None else await take_answer(request, session, asked)


async def _asked(request: Request, flow_id: str) -> Asked | None:
    """Return the request that this browser entered the code of."""
    flow = await parts_of(request).entrance.flows.find(FLOW, flow_id, browser=request.state.browser)
    if flow is None:
        return None
    return Asked(flow.state["request"], "device", PATHS.device_confirm, {"flow": flow_id}, flow.state["code"])


def _to_form() -> Response:
    return RedirectResponse(PATHS.device, status_code=303)


async def _form(request: Request, typed: str, *, refused: CodeRefused | None = None) -> Response:
    status, headers, errors, throttle = 200, dict[str, str](), list[FieldError](), None
    if refused is not None and refused.retry_at is not None:
        wait = max(1, ceil((refused.retry_at - parts_of(request).clock()).total_seconds()))
        status, headers, throttle = 429, {"Retry-After": str(wait)}, {"retry_after": wait}
    elif refused is not None:
        status = 422
        errors = [FieldError("user_code", "".join(words_of(refused.reason.entry, language_of(request))))]
    return render(
        request,
        "device.html",
        status_code=status,
        headers=headers,
        viewer=await viewer_of(request),
        action=PATHS.device,
        values={"user_code": typed},
        errors=errors,
        throttle=throttle,
        here=PATHS.device,
    )
