"""`/connected`: the applications that were let in, and the devices that are signed in."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.pages.apps import app_words
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.sign_out import ending_words, settled_endings
from gateway.pages.signed_in import for_citizens, viewer_of
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.provider.clients.initiated_login import initiated_login_url
from idp.provider.connected_apps import (
    ConnectedApp,
    leave_app,
    list_connected_apps,
    list_session_apps,
    withdraw_consent,
)
from idp.provider.sign_out.backchannel import AppEnding, find_app_ending, list_logout_deliveries
from idp.signin.session_endings import end_all_other_sessions, end_other_session
from idp.signin.sessions import Session, list_sessions

RESULT = "connected"
_MOST_ENDED = 20
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)


@for_citizens
async def show_connected(request: Request, session: Session) -> Response:
    """`GET /connected`."""
    parts, language = parts_of(request), language_of(request)
    now = parts.clock()
    sessions = await list_sessions(session.account_id, db=parts.db, limits=parts.settings.signin, now=now)
    apps = await list_connected_apps(session.person_id, provider=parts.provider)
    live = {
        client.client_id
        for one in sessions
        for client in await list_session_apps(one.session_id, provider=parts.provider)
    }
    return render(
        request,
        "connected.html",
        viewer=await viewer_of(request),
        results=await _results(request),
        apps=[
            await _app(request, app, english=language == "en", signed_in=app.client.client_id in live) for app in apps
        ],
        devices=[_device(one, session) for one in sessions],
    )


@for_citizens
async def change_connected(request: Request, session: Session) -> Response:
    """`POST /connected`: withdraw a consent, sign out of one app, or end one or all other devices."""
    parts, form = parts_of(request), form_of(request)
    visit, now = visit_of(request), parts.clock()
    action = form.text("action")
    shown: dict[str, str] = {}
    client_id = form.text("app")
    if action in ("revoke", "sign_out") and _CLIENT_ID.fullmatch(client_id):
        shown = await _leave(request, session, client_id, withdraw=action == "revoke")
    elif action in ("end", "end_others"):
        if action == "end":
            ended = await end_other_session(session, form.text("device"), visit=visit, entrance=parts.entrance, now=now)
        else:
            ended = await end_all_other_sessions(session, visit=visit, entrance=parts.entrance, now=now)
        shown = {"ended": ",".join(one.session_id for one in ended[:_MOST_ENDED]), "devices": str(len(ended))}
    if not shown:
        return RedirectResponse(PATHS.connected, status_code=303)
    result_id = parts.entropy.token()
    await parts.entrance.flows.begin(RESULT, browser=request.state.browser, state=shown, flow_id=result_id)
    return RedirectResponse(f"{PATHS.connected}?{urlencode({'result': result_id})}", status_code=303)


async def _leave(request: Request, session: Session, client_id: str, *, withdraw: bool) -> dict[str, str]:
    """End what one app has of this person, with the consent or only in the live sessions; return what the result page is about."""
    parts, person_id = parts_of(request), session.person_id
    now, request_id = parts.clock(), request.state.request_id
    if withdraw:
        ended = await withdraw_consent(person_id, client_id, provider=parts.provider, now=now, request_id=request_id)
        return {"revoked": client_id, "left": client_id, "sessions": ",".join(ended.session_ids[:_MOST_ENDED])}
    sessions = await list_sessions(session.account_id, db=parts.db, limits=parts.settings.signin, now=now)
    live = [one.session_id for one in sessions]
    ended = await leave_app(
        person_id, client_id, session_ids=live, provider=parts.provider, now=now, request_id=request_id
    )
    if not ended.session_ids:
        return {}
    return {"left": client_id, "sessions": ",".join(ended.session_ids[:_MOST_ENDED])}


async def _results(request: Request) -> list[dict[str, object]]:
    """Return what the last act achieved at each application, read anew at every look."""
    parts = parts_of(request)
    result_id = request.query_params.get("result", "")
    flow = await parts.entrance.flows.find(RESULT, result_id, browser=request.state.browser)
    if flow is None:
        return []
    results: list[dict[str, object]] = []
    left = await _left(request, flow.state)
    client = parts.provider.clients.find(flow.state.get("revoked", ""))
    if client is not None:
        name = client.name_en if language_of(request) == "en" else client.name_zh
        results.append({"name": name, "state": "revoked", "told": bool(left)})
    results += left
    # Nothing ended when a device had signed out by itself meanwhile; most devices have no application signed in.
    if (devices := int(flow.state.get("devices", "0"))) > 0:
        results.append({"state": "devices", "count": devices})
    for session_id in filter(None, flow.state.get("ended", "").split(",")):
        for ending in await list_logout_deliveries(session_id, provider=parts.provider):
            results.append(await ending_words(request, ending))
    return results


async def _left(request: Request, state: Mapping[str, str]) -> list[dict[str, object]]:
    """Return what an app that was left has answered by now; nothing when it had nobody to be told of."""
    session_ids = [one for one in state.get("sessions", "").split(",") if one]

    async def look() -> tuple[AppEnding, ...]:
        ending = await find_app_ending(state.get("left", ""), session_ids, provider=parts_of(request).provider)
        return () if ending is None else (ending,)

    return [await ending_words(request, ending) for ending in await settled_endings(look)]


async def _app(request: Request, app: ConnectedApp, *, english: bool, signed_in: bool) -> dict[str, object]:
    words = await app_words(request, app.client)
    parts = parts_of(request)
    client = parts.provider.clients.find(app.client.client_id)
    return {
        "id": app.client.client_id,
        "name": words["name"],
        "department": words["department"],
        # One claim agreed to for several purposes is named once.
        "claims": list(dict.fromkeys(item.title_en if english else item.title_zh for item in app.items)),
        "first_used_at": app.agreed_at,
        "last_used_at": app.last_used_at or app.agreed_at,
        "signed_in": signed_in,
        "login_url": None if client is None else initiated_login_url(client, parts.settings.issuer),
    }


def _device(one: Session, current: Session) -> dict[str, object]:
    return {
        "id": one.session_id,
        "label": one.user_agent_label,
        "place": one.network,
        "last_active_at": one.last_seen_at,
        "current": one.session_id == current.session_id,
    }
