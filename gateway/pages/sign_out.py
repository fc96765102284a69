"""`/logout`: the question, the act, and a result that is true for every application that was told."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.pages.apps import allow_form_to, app_words, origins_of
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import viewer_of
from gateway.requests import clear_session_cookie, current_session, parts_of, visit_of
from idp.provider.backchannel import AppEnding, list_logout_deliveries
from idp.provider.connected_apps import list_session_apps
from idp.provider.logout import LogoutConfirmation
from idp.signin.session_endings import end_own_session
from idp.signin.sessions import Session

RESULT_LIFETIME = timedelta(minutes=10)
# The result page waits a little for the applications' answers, so that the first look is mostly the last.
_LOOKS, _PAUSE_S = 5, 0.4
STATES = {"told": "done", "waiting": "pending", "failed": "failed", "no_channel": "failed"}


async def show_sign_out(request: Request) -> Response:
    """`GET /logout`: a look changes nothing; the button does."""
    session = await current_session(request)
    if session is None:
        return RedirectResponse(PATHS.login, status_code=303)
    return await _question(request, session, {}, None)


async def ask_to_sign_out(request: Request, asked: LogoutConfirmation) -> Response:
    """An application asks to end the session, without proof enough to do so unasked (RP-Initiated Logout §2)."""
    session = await current_session(request)
    app = None
    if asked.client is not None:
        client = parts_of(request).provider.clients.find(asked.client.client_id)
        allow_form_to(request, origins_of(client.post_logout_redirect_uris if client else ()))
        app = await app_words(request, asked.client)
    return await _question(request, session, {"transaction": asked.transaction_id}, app)


async def end_here(request: Request) -> Response:
    """End this browser's session from our own page."""
    parts, session = parts_of(request), await current_session(request)
    if session is None:
        return RedirectResponse(PATHS.login, status_code=303)
    await end_own_session(session, visit=visit_of(request), entrance=parts.entrance, now=parts.clock())
    return await to_results(request, session.session_id)


async def to_results(request: Request, session_id: str) -> Response:
    """Lead to the result page and take the cookies away; the page is named by a fresh id, since the browser's is gone too."""
    parts = parts_of(request)
    result_id = parts.entropy.token()
    await parts.store.set(_key(result_id), session_id.encode(), RESULT_LIFETIME)
    response = RedirectResponse(f"{PATHS.logged_out}?{urlencode({'result': result_id})}", status_code=303)
    clear_session_cookie(response)
    return response


async def show_signed_out(request: Request) -> Response:
    """`GET /logout/done`: what became of it at every application, as far as they have answered by now."""
    parts = parts_of(request)
    result_id = request.query_params.get("result", "")[:64]
    session_id = await parts.store.get(_key(result_id)) if result_id else None
    endings: Sequence[AppEnding] = ()
    if session_id is not None:
        for _ in range(_LOOKS):
            endings = await list_logout_deliveries(session_id.decode(), provider=parts.provider)
            if all(ending.status != "waiting" for ending in endings):
                break
            await asyncio.sleep(_PAUSE_S)
    pending = any(ending.status == "waiting" for ending in endings)
    return render(
        request,
        "logged_out.html",
        results=[await ending_words(request, ending) for ending in endings],
        return_href=None,
        return_name=None,
        refresh_href=f"{PATHS.logged_out}?{urlencode({'result': result_id})}" if pending else None,
    )


async def ending_words(request: Request, ending: AppEnding) -> dict[str, object]:
    """Return what is said about one application after a session ended."""
    words = await app_words(request, ending.client)
    return {"name": words["name"], "state": STATES[ending.status]}


def _key(result_id: str) -> str:
    return f"page:signed-out:{hashlib.sha256(result_id.encode('utf-8', 'replace')).hexdigest()}"


async def _question(
    request: Request, session: Session | None, hidden: dict[str, str], app: dict[str, object] | None
) -> Response:
    parts = parts_of(request)
    told = await list_session_apps(session.session_id, provider=parts.provider) if session else ()
    return render(
        request,
        "logout.html",
        viewer=await viewer_of(request),
        action=PATHS.logout,
        hidden=hidden,
        app=app,
        apps=[await app_words(request, client) for client in told],
        cancel_href=PATHS.desk if session is not None and session.kind == "staff" else PATHS.home,
        here=PATHS.home,
    )
