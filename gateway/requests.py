"""What a handler may ask of a request, in the product's own words."""

from typing import TYPE_CHECKING, cast

from starlette.requests import Request
from starlette.responses import Response

from gateway.i18n import Language
from gateway.pages.modes import parse_preferences
from gateway.security.forms import Form, MalformedForm
from idp.signin.devices import DEVICE_COOKIE
from idp.signin.flows import FLOW_COOKIE
from idp.signin.outcomes import SignedIn
from idp.signin.sessions import SESSION_COOKIE, Session
from idp.signin.visits import Visit

if TYPE_CHECKING:
    from gateway.composition import Parts

_DEVICE_SECONDS = 400 * 24 * 3600
_HOST_COOKIE = "Path=/; Secure; HttpOnly; SameSite=Lax"


def parts_of(request: Request) -> "Parts":
    """Return the collaborators that the lifespan opened."""
    return cast("Parts", request.scope["state"]["parts"])


def form_of(request: Request) -> Form:
    """Return the form of a page, which the guard has parsed and whose origin it has checked."""
    form = getattr(request.state, "form", None)
    if form is None:
        raise MalformedForm("no form")
    return cast(Form, form)


def visit_of(request: Request) -> Visit:
    """Return what sign-in may know about the request: browser, network, device, request id."""
    return Visit(
        browser=request.state.browser,
        network=request.state.network,
        user_agent=request.headers.get("user-agent", "")[:400],
        device=_single_cookie(request, DEVICE_COOKIE),
        request_id=request.state.request_id,
        session_token=_single_cookie(request, SESSION_COOKIE),
    )


async def current_session(request: Request) -> Session | None:
    """Return the live session of the request, or None; found once a request."""
    if not hasattr(request.state, "session"):
        parts = parts_of(request)
        token = _single_cookie(request, SESSION_COOKIE)
        request.state.session = await parts.sessions.find(token, now=parts.clock())
    return cast("Session | None", request.state.session)


def language_of(request: Request) -> Language:
    """Return the language the person chose."""
    return parse_preferences(request.cookies).language


def set_session_cookie(response: Response, signed_in: SignedIn) -> None:
    """Give the browser its new session, and the device its name."""
    response.headers.append("set-cookie", f"{SESSION_COOKIE}={signed_in.token}; {_HOST_COOKIE}")
    response.headers.append(
        "set-cookie", f"{DEVICE_COOKIE}={signed_in.device}; Max-Age={_DEVICE_SECONDS}; {_HOST_COOKIE}"
    )


def clear_session_cookie(response: Response) -> None:
    """Take the session away, and the browser's name with it, so that the next person starts with nothing of this one."""
    for name in (SESSION_COOKIE, FLOW_COOKIE):
        response.headers.append("set-cookie", f"{name}=; Max-Age=0; {_HOST_COOKIE}")


def _single_cookie(request: Request, name: str) -> str | None:
    """Return a cookie that was sent exactly once; a repeated one is an attempt to shadow it and counts as none."""
    values = [
        value.strip()
        for line in request.headers.getlist("cookie")
        for key, _, value in (pair.partition("=") for pair in line.split(";"))
        if key.strip() == name
    ]
    return values[0] if len(values) == 1 and 0 < len(values[0]) <= 512 else None
