"""An SMS gateway that delivers nowhere: messages lie in an outbox, to be read on a page or as JSON."""

import secrets
from collections import deque
from datetime import datetime, timedelta, timezone

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulators.bearer_key import is_presented
from adapters.simulators.faults import FaultInjection, Faults
from adapters.simulators.pages import Pages, style_route
from adapters.simulators.world_admin import administration_routes
from adapters.simulators.world_entries import World
from foundation.clock import Clock, system_clock

_KEPT = 500
_BEIJING = timezone(timedelta(hours=8))

_TEMPLATES = {
    "outbox": """{% extends "frame" %}{% block title %}短信发件箱{% endblock %}
{% block brand %}短信网关 <small>发件箱</small>{% endblock %}
{% block main %}<h1>短信发件箱</h1><p class="lead">最新的在前。这里的短信没有发给任何人。</p>
<div class="sheet">{% if messages %}<table><thead><tr><th>时间</th><th>号码</th><th>内容</th></tr></thead><tbody>
{% for message in messages %}<tr><td>{{ message.shown_at }}</td><td>{{ message.phone }}</td><td>{{ message.text }}</td></tr>
{% endfor %}</tbody></table>{% else %}<p>还没有短信。</p>{% endif %}</div>{% endblock %}
{% block foot %}Simulated SMS gateway{% endblock %}"""
}


def _beijing_time(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(_BEIJING).strftime("%m-%d %H:%M:%S")


def create_app(world: World, base_url: str = "", *, clock: Clock = system_clock) -> Starlette:
    """Return the gateway with an empty outbox; `base_url` is not used, all simulators are made alike."""
    faults = Faults()
    pages = Pages(_TEMPLATES)
    outbox: deque[dict[str, object]] = deque(maxlen=_KEPT)

    async def accepted(request: Request) -> Response:
        if not is_presented(request, world.api_keys["sms"]):
            return JSONResponse({"error": "unauthorized"}, 401)
        try:
            message = await request.json()
            phone, text, template = (str(message[member]) for member in ("phone", "text", "template"))
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "malformed"}, 400)
        number = len(outbox) + 1 if not outbox else int(str(outbox[-1]["number"])) + 1
        outbox.append(
            {
                "number": number,
                "phone": phone.removeprefix("+86"),
                "text": text,
                "template": template,
                "at": clock().isoformat(timespec="seconds"),
            }
        )
        return JSONResponse({"id": secrets.token_hex(8)}, 202)

    async def listed(request: Request) -> Response:
        phone = request.query_params.get("phone")
        since = request.query_params.get("since", "0")
        first = int(since) if since.isascii() and since.isdigit() else 0
        chosen = [
            message for message in outbox if phone in (None, message["phone"]) and int(str(message["number"])) > first
        ]
        return JSONResponse({"messages": chosen})

    async def page(_: Request) -> Response:
        messages = [{**message, "shown_at": _beijing_time(str(message["at"]))} for message in reversed(outbox)]
        return pages.render("outbox", messages=messages)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/outbox", listed),
            Route("/messages", accepted, methods=["POST"]),
            style_route(),
            *administration_routes(world, faults),
        ],
        middleware=[Middleware(FaultInjection, faults=faults)],
    )
