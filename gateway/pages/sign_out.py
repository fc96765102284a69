"""`/logout`: the question, the act, and a result that is true for every application that was told."""

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.browser_state import follow_session
from gateway.pages.apps import allow_form_to, allow_frames_of, answer_sources, app_words
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import viewer_of
from gateway.requests import clear_session_cookie, current_session, parts_of, visit_of
from idp.provider.clients.registry import view_of
from idp.provider.connected_apps import list_session_apps
from idp.provider.sign_out.backchannel import AppEnding, list_logout_deliveries
from idp.provider.sign_out.frontchannel import begin_front_channel
from idp.provider.sign_out.logout import LogoutConfirmation
from idp.provider.sign_out.session_management import BROWSER_STATE_COOKIE
from idp.signin.session_endings import end_own_session
from idp.signin.sessions import SESSION_COOKIE, Session

RESULT_LIFETIME = timedelta(minutes=10)
# The result page waits a little for the applications' answers, so that the first look is mostly the last.
_LOOKS, _PAUSE_S = 5, 0.4
_MOST_REFRESHES, _REFRESH_S = 20, 3
STATES = {"told": "done", "asked": "asked", "waiting": "pending", "failed": "failed", "no_channel": "unreachable"}


@dataclass(frozen=True, slots=True)
class SignOutResult:
    """What a result page is about: the ended session, and where the app that asked wants the browser to go on to.

    `officer` says whose sign-in the page offers.
    `framed` says that the apps with a front channel have been asked: a page that renews itself must not break their frames off.
    """

    session_id: str
    redirect_url: str | None = None
    client_id: str | None = None
    framed: bool = False
    officer: bool = False


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
        allow_form_to(request, answer_sources(client, client.post_logout_redirect_uris if client else ()))
        app = await app_words(request, asked.client)
    return await _question(request, session, {"transaction": asked.transaction_id}, app)


async def end_here(request: Request) -> Response:
    """End this browser's session from our own page."""
    parts, session = parts_of(request), await current_session(request)
    if session is None:
        return RedirectResponse(PATHS.login, status_code=303)
    await end_own_session(session, visit=visit_of(request), entrance=parts.entrance, now=parts.clock())
    return await to_results(request, SignOutResult(session.session_id, officer=session.kind == "staff"))


async def to_results(request: Request, result: SignOutResult) -> Response:
    """Lead to the result page and take the cookies away; the page is named by a fresh id, since the browser's is gone too."""
    result_id = parts_of(request).entropy.token()
    await _keep(request, result_id, result)
    response = RedirectResponse(_address(result_id), status_code=303)
    forget_session(request, response, result.session_id)
    return response


def forget_session(request: Request, response: Response, session_id: str) -> None:
    """Take everything away from the browser that belonged to the ended session, and nothing else.

    A form on another site reaches us without the session's cookie. Whatever such a request ended or did not end, it must not take the
    cookie of whoever sits there: that would sign people out unasked. What ended is dead without it.
    """
    if SESSION_COOKIE in request.cookies:
        clear_session_cookie(response)
        follow_session(request, response, None)
    elif session_id and request.cookies.get(BROWSER_STATE_COOKIE) == parts_of(request).provider.subjects.browser_state(
        session_id
    ):
        follow_session(request, response, None)


async def show_signed_out(request: Request) -> Response:
    """`GET /logout/done`: what became of it at every application, as far as they have answered by now.

    The page renews itself while an answer is outstanding, and goes on to the app that asked once the others have been asked; both without
    script.
    """
    parts = parts_of(request)
    result_id = request.query_params.get("result", "")[:64]
    result = await _find(request, result_id)
    if result is None and await current_session(request) is not None:
        # An old address, and somebody is signed in: the page must not say otherwise.
        return RedirectResponse(PATHS.logout, status_code=303)
    if result is None:
        return await _result_page(request, SignOutResult(""), (), (), None)
    frames: tuple[str, ...] = ()
    if not result.framed:
        frames = await begin_front_channel(result.session_id, provider=parts.provider, now=parts.clock())
        await _keep(request, result_id, replace(result, framed=True))
    endings = await _endings(request, result.session_id, wait=not frames and result.redirect_url is None)
    refresh = result.redirect_url
    if refresh is None and any(ending.status == "waiting" for ending in endings):
        refresh = _address(result_id, look=_look_of(request) + 1)
    return await _result_page(request, result, endings, frames, refresh)


async def _endings(request: Request, session_id: str, *, wait: bool) -> tuple[AppEnding, ...]:
    provider = parts_of(request).provider
    return await settled_endings(lambda: list_logout_deliveries(session_id, provider=provider), wait=wait)


async def settled_endings(
    look: Callable[[], Awaitable[tuple[AppEnding, ...]]], *, wait: bool = True
) -> tuple[AppEnding, ...]:
    """Return what the applications have answered, looking again for a moment while an answer is outstanding."""
    for _ in range(_LOOKS if wait else 1):
        endings = await look()
        if all(ending.status != "waiting" for ending in endings):
            break
        if wait:
            await asyncio.sleep(_PAUSE_S)
    return endings


async def _result_page(
    request: Request, result: SignOutResult, endings: Sequence[AppEnding], frames: Sequence[str], refresh: str | None
) -> Response:
    client = parts_of(request).provider.clients.find(result.client_id or "")
    goes_on = result.redirect_url is not None and client is not None
    allow_frames_of(request, frames)
    return render(
        request,
        "logged_out.html",
        results=[await ending_words(request, ending) for ending in endings],
        frames=frames,
        return_href=result.redirect_url if goes_on else None,
        login_href=PATHS.staff_login if result.officer else PATHS.login,
        return_name=(await app_words(request, view_of(client)))["name"] if client is not None else None,
        refresh_href=refresh,
        refresh_s=_REFRESH_S if refresh is not None and _look_of(request) < _MOST_REFRESHES else None,
        here=PATHS.home,
    )


async def ending_words(request: Request, ending: AppEnding) -> dict[str, object]:
    """Return what is said about one application after a session ended."""
    words = await app_words(request, ending.client)
    return {"name": words["name"], "state": STATES[ending.status]}


def _address(result_id: str, **further: int) -> str:
    return f"{PATHS.logged_out}?{urlencode({'result': result_id, **further})}"


def _look_of(request: Request) -> int:
    """Return how often the page has renewed itself."""
    text = request.query_params.get("look", "0")
    return int(text) if re.fullmatch("[0-9]{1,3}", text, re.ASCII) else 0


async def _keep(request: Request, result_id: str, result: SignOutResult) -> None:
    await parts_of(request).store.set(_key(result_id), json.dumps(asdict(result)).encode(), RESULT_LIFETIME)


async def _find(request: Request, result_id: str) -> SignOutResult | None:
    kept = await parts_of(request).store.get(_key(result_id)) if result_id else None
    return None if kept is None else SignOutResult(**json.loads(kept))


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
