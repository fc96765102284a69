"""`/session/extend`: the button of the warning that a session is about to end."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.pages.modes import safe_next
from gateway.pages.paths import PATHS
from gateway.pages.signed_in import to_sign_in
from gateway.requests import current_session, form_of


async def extend_session(request: Request) -> Response:
    """`POST /session/extend`: asking for the session is its use, so nothing else needs to be done."""
    if await current_session(request) is None:
        return to_sign_in(request, PATHS.login)
    return RedirectResponse(safe_next(form_of(request).text("next")), status_code=303)
