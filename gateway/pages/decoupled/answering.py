"""The page of one request and its answer, the same for a code from a screen and for a request from a counter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.i18n import Translator, mark, translator
from gateway.pages.apps import app_words
from gateway.pages.consent_items import asked_words, item_words, items_agreed, items_missing, missing_errors
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import for_citizens, viewer_of
from gateway.pages.signin.journeys import Goal
from gateway.requests import form_of, language_of, parts_of
from idp.provider.authorization.outcomes import AskedItem
from idp.provider.clients.registry import Client, view_of
from idp.provider.composition import Origin
from idp.provider.decoupled.confirmation import (
    Answered,
    ConfirmationView,
    StrongerSignInNeeded,
    answer_confirmation,
    open_confirmation,
)
from idp.provider.errors import ShownError
from idp.signin.sessions import Session

RESULT = "decoupled-answer"


def origin_of_request(request: Request) -> Origin:
    """Return what the record says of the request."""
    return Origin(request.state.request_id, request.state.network)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as a page leads to it: `action` and `hidden` are its own address, `user_code` what the screen shows, if one does."""

    request_id: str
    kind: str
    action: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    user_code: str | None = None

    @property
    def address(self) -> str:
        """Where a GET shows the page again."""
        return f"{self.action}?{urlencode(self.hidden)}" if self.hidden else self.action


async def show_request(request: Request, session: Session, asked: Asked) -> Response:
    """Show what is asked; the page that a link or a code led to decides nothing."""
    parts = parts_of(request)
    try:
        shown = await open_confirmation(asked.request_id, session=session, provider=parts.provider, now=parts.clock())
    except ShownError:
        return await _answered(request, "gone", asked.kind, "")
    if isinstance(shown, StrongerSignInNeeded):
        return _sign_in_stronger(asked)
    return await _page(request, shown, asked)


async def take_answer(request: Request, session: Session, asked: Asked) -> Response:
    """Take the person's answer: agreed, with a tick of its own for everything sensitive, or refused."""
    parts, form = parts_of(request), form_of(request)
    try:
        agreed: frozenset[str] | None = None
        if form.text("decision") == "yes":
            shown = await open_confirmation(
                asked.request_id, session=session, provider=parts.provider, now=parts.clock()
            )
            if isinstance(shown, StrongerSignInNeeded):
                return _sign_in_stronger(asked)
            ticked = frozenset(form.all("claims"))
            missing = items_missing(shown.view, ticked)
            if missing:
                return await _page(request, shown, asked, ticked=ticked, missing=missing)
            agreed = items_agreed(shown.view, ticked)
        answered = await answer_confirmation(
            asked.request_id,
            session=session,
            agreed=agreed,
            provider=parts.provider,
            origin=origin_of_request(request),
            now=parts.clock(),
        )
    except ShownError:
        return await _answered(request, "gone", asked.kind, "")
    if not isinstance(answered, Answered):
        return _sign_in_stronger(asked)
    outcome = "approved" if answered.approved else "refused"
    return await _answered(request, outcome, asked.kind, answered.request.client_id)


@for_citizens
async def show_answered(request: Request, session: Session) -> Response:
    """`GET /confirmations/done`: what became of the answer, for the browser that gave it."""
    parts = parts_of(request)
    result_id = request.query_params.get("result", "")
    flow = await parts.entrance.flows.find(RESULT, result_id, browser=request.state.browser)
    if flow is None:
        return RedirectResponse(PATHS.confirmations, status_code=303)
    client = parts.provider.clients.find(flow.state["client"])
    return render(
        request,
        "confirmed.html",
        viewer=await viewer_of(request),
        outcome=flow.state["outcome"],
        kind=flow.state["kind"],
        app=None if client is None else await app_words(request, view_of(client)),
    )


def _sign_in_stronger(asked: Asked) -> Response:
    """Lead to the sign-in page and back: the app asked for more than this session is."""
    back = Goal(next=asked.address)
    return RedirectResponse(back.address(PATHS.login, notice="level", anew="yes"), status_code=303)


async def _answered(request: Request, outcome: str, kind: str, client_id: str) -> Response:
    parts = parts_of(request)
    result_id = parts.entropy.token()
    state = {"outcome": outcome, "kind": kind, "client": client_id}
    await parts.entrance.flows.begin(RESULT, browser=request.state.browser, state=state, flow_id=result_id)
    address = f"{PATHS.confirmations}/done?{urlencode({'result': result_id})}"
    return RedirectResponse(address, status_code=303)


async def _page(
    request: Request,
    shown: ConfirmationView,
    asked: Asked,
    *,
    ticked: frozenset[str] = frozenset(),
    missing: list[AskedItem] | None = None,
) -> Response:
    view, waiting = shown.view, shown.request
    words, english = translator(language_of(request)), language_of(request) == "en"
    app = await app_words(request, view.client)
    errors = missing_errors(missing or [])
    return render(
        request,
        "confirmation.html",
        status_code=422 if errors else 200,
        viewer=await viewer_of(request),
        kind=waiting.kind,
        action=asked.action,
        hidden=asked.hidden,
        errors=errors,
        app=app,
        user_code=asked.user_code,
        binding_message=waiting.binding_message,
        network=waiting.network,
        created_at=waiting.created_at,
        expires_at=waiting.expires_at,
        # Also after a form that came back: changing the view must not lose the request.
        here=asked.address,
        **_legal(words, app, parts_of(request).provider.clients.find(waiting.client_id)),
        **asked_words(view, english=english, ticked=ticked),
        already=[item_words(item, english) for item in view.items if item.agreed_before],
    )


def _legal(words: Translator, app: Mapping[str, object], client: Client | None) -> dict[str, Any]:
    """Return purpose, time and basis; an app that the law exempts from asking is not said to rest on consent."""
    purpose = words.text(mark("确认您的身份，在“{name}”里为您办事"), name=app["name"])
    if client is not None and client.consent == "exempt":
        basis = words.text(mark("履行法定职责（{basis}），这里只确认是您本人在办"), basis=client.consent_basis or "")
        return {"by_law": True, "purpose": purpose, "duration": words.text(mark("本次办理期间")), "basis": basis}
    return {
        "by_law": False,
        "purpose": purpose,
        "duration": words.text(mark("到您撤回同意为止，随时可以撤回")),
        "basis": words.text(mark("您的同意（《个人信息保护法》第十三条、第二十九条）")),
    }
