"""The cookie by which the check-session document knows whose session the browser holds (OpenID Connect Session Management §3.2).

Script of our own has to read it inside a frame on other sites, so it is neither HttpOnly nor bound to our site. It opens nothing. A browser
gets it with the first answer that tells an app of the session; from then on it follows the session at every sign-in and sign-out.
"""

from starlette.requests import Request
from starlette.responses import Response

from gateway.requests import parts_of
from idp.provider.sign_out.session_management import BROWSER_STATE_COOKIE
from idp.signin.sessions import Session

_ATTRIBUTES = "Path=/; Secure; SameSite=None"


def set_browser_state(response: Response, state: str) -> None:
    """Give the browser its state, until it is closed."""
    response.headers.append("set-cookie", f"{BROWSER_STATE_COOKIE}={state}; {_ATTRIBUTES}")


def follow_session(request: Request, response: Response, session: Session | None) -> None:
    """Let a browser that has a state follow its session, None when that is over; other browsers get none."""
    if BROWSER_STATE_COOKIE not in request.cookies:
        return
    if session is None:
        response.headers.append("set-cookie", f"{BROWSER_STATE_COOKIE}=; Max-Age=0; {_ATTRIBUTES}")
    else:
        set_browser_state(response, parts_of(request).provider.subjects.browser_state(session.session_id))
