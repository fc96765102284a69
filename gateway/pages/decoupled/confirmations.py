"""`/confirmations`: what counters and hotlines ask this person to confirm (OpenID CIBA)."""

import re

from starlette.requests import Request
from starlette.responses import Response

from gateway.pages.apps import app_words
from gateway.pages.decoupled.answering import Asked, show_request, take_answer
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import for_citizens, viewer_of
from gateway.requests import parts_of
from idp.provider.clients.registry import Client, view_of
from idp.provider.decoupled.confirmation import list_confirmations
from idp.provider.decoupled.requests import DecoupledRequest
from idp.signin.sessions import Session

_FORM = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NOBODYS = "0" * 32


@for_citizens
async def show_confirmations(request: Request, session: Session) -> Response:
    """`GET /confirmations`: everything that waits."""
    parts = parts_of(request)
    found = await list_confirmations(session, provider=parts.provider, now=parts.clock())
    return render(
        request,
        "confirmations.html",
        viewer=await viewer_of(request),
        waiting=[await _line(request, waiting, client) for waiting, client in found],
    )


@for_citizens
async def show_confirmation(request: Request, session: Session) -> Response:
    """`GET /confirmations/{id}`: one request; looking at it decides nothing."""
    return await show_request(request, session, _asked(request))


@for_citizens
async def answer_confirmation_page(request: Request, session: Session) -> Response:
    """`POST /confirmations/{id}`: yes or no to the counter."""
    return await take_answer(request, session, _asked(request))


async def _line(request: Request, waiting: DecoupledRequest, client: Client) -> dict[str, object]:
    words = await app_words(request, view_of(client))
    return {
        "name": words["name"],
        "department": words["department"],
        "binding_message": waiting.binding_message,
        "created_at": waiting.created_at,
        "expires_at": waiting.expires_at,
        "href": _address(waiting.request_id),
    }


def _asked(request: Request) -> Asked:
    """Return the request of the address; what cannot be an id is nobody's, and over like any unknown one."""
    named = str(request.path_params["request_id"])
    request_id = named if _FORM.fullmatch(named) else _NOBODYS
    return Asked(request_id, "ciba", _address(request_id))


def _address(request_id: str) -> str:
    return f"{PATHS.confirmations}/{request_id}"
