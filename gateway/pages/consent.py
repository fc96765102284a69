"""`/consent`: what an application asks for, shown with the masked values, and the person's answer."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.api.oauth import present
from gateway.i18n import mark, translator
from gateway.pages.apps import allow_form_to, app_words, origins_of
from gateway.pages.consent_items import asked_words, items_agreed, items_missing, missing_errors
from gateway.pages.oauth_pages import oauth_parts
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import viewer_of
from gateway.requests import current_session, form_of, language_of, parts_of
from idp.provider.authorization.authorize import decide_consent, resume_authorization
from idp.provider.authorization.outcomes import AskedItem, AuthorizationOutcome, ConsentNeeded, ConsentView


async def show_consent(request: Request) -> Response:
    """`GET /consent`: the page, or whatever else the waiting authorization needs by now."""
    transaction_id = request.query_params.get("transaction", "")
    outcome = await _resume(request, transaction_id)
    if isinstance(outcome, ConsentNeeded):
        return await _consent_page(request, outcome)
    return await present(request, outcome, oauth_parts(request))


async def answer_consent(request: Request) -> Response:
    """`POST /consent`: agreed, with a tick of its own for everything sensitive, or refused."""
    parts, form = parts_of(request), form_of(request)
    transaction_id, agreed = form.text("transaction"), None
    if form.text("decision") == "yes":
        waiting = await _resume(request, transaction_id)
        if not isinstance(waiting, ConsentNeeded):
            return await present(request, waiting, oauth_parts(request))
        ticked = frozenset(form.all("claims"))
        missing = items_missing(waiting.view, ticked)
        if missing:
            return await _consent_page(request, waiting, ticked=ticked, missing=missing)
        agreed = items_agreed(waiting.view, ticked)
    outcome = await decide_consent(
        transaction_id,
        session=await current_session(request),
        browser=request.state.browser,
        agreed=agreed,
        provider=parts.provider,
        now=parts.clock(),
        request_id=request.state.request_id,
    )
    return await present(request, outcome, oauth_parts(request))


async def _resume(request: Request, transaction_id: str) -> AuthorizationOutcome:
    parts = parts_of(request)
    return await resume_authorization(
        transaction_id,
        session=await current_session(request),
        browser=request.state.browser,
        provider=parts.provider,
        now=parts.clock(),
        request_id=request.state.request_id,
    )


async def _consent_page(
    request: Request,
    outcome: ConsentNeeded,
    *,
    ticked: frozenset[str] = frozenset(),
    missing: list[AskedItem] | None = None,
) -> Response:
    view = outcome.view
    words = translator(language_of(request))
    english = language_of(request) == "en"
    allow_form_to(request, origins_of((view.redirect_origin,)))
    app = await app_words(request, view.client)
    errors = missing_errors(missing or [])
    return render(
        request,
        "consent.html",
        status_code=422 if errors else 200,
        viewer=await viewer_of(request),
        action=PATHS.consent,
        hidden={"transaction": outcome.transaction_id},
        errors=errors,
        app=app,
        purpose=words.text(mark("确认您的身份，在“{name}”里为您办事"), name=app["name"]),
        duration=words.text(mark("到您撤回同意为止，随时可以撤回")),
        basis=words.text(mark("您的同意（《个人信息保护法》第十三条、第二十九条）")),
        **asked_words(view, english=english, ticked=ticked),
        already=_agreed_before(view, english),
        alternative=None,
    )


def _agreed_before(view: ConsentView, english: bool) -> list[str]:
    return [item.title_en if english else item.title_zh for item in view.items if item.agreed_before]
