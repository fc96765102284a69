"""`GET /oauth/session`: the check-session document, the one of ours that other sites may frame (OpenID Connect Session Management §3.2).

It shows nothing, carries no form and reads one cookie, which names no session: there is nothing in it to be clicked or stolen.
"""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.pages.static_files import static_integrity, static_url

POLICY = "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
SECONDS = 300
_DOCUMENT = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Session</title>'
    '<script src="{}" integrity="{}"></script></html>'
)


async def check_session_frame(_request: Request) -> Response:
    """Return the document; it is the same for everybody."""
    document = _DOCUMENT.format(static_url("check_session.js"), static_integrity("check_session.js"))
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": f"public, max-age={SECONDS}"}
    return HTMLResponse(document, headers=headers)
