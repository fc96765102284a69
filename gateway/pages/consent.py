"""`/consent`: what an application asks for, shown with the masked values, and the person's answer."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.api.oauth import present
from gateway.i18n import mark, translator
from gateway.pages.apps import allow_form_to, app_words
from gateway.pages.forms import FieldError
from gateway.pages.oauth_pages import oauth_parts
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import viewer_of
from gateway.requests import current_session, form_of, language_of, parts_of
from idp.provider.authorize import decide_consent, resume_authorization
from idp.provider.outcomes import AskedClaim, AskedItem, AuthorizationOutcome, ConsentNeeded, ConsentView
from idp.provider.scopes import SCOPES

LEVELS_ZH = {"0": "未认证", "1": "初级", "2": "中级", "3": "高级"}
LEVELS_EN = {"0": "not verified", "1": "basic", "2": "medium", "3": "high"}
_UNSPOKEN = frozenset({"updated_at", "phone_number_verified"})


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
        missing = [item for item in waiting.view.items if _is_sensitive(item) and item.item not in ticked]
        if missing:
            return await _consent_page(request, waiting, ticked=ticked, missing=missing)
        agreed = frozenset(item.item for item in waiting.view.items if item.item in ticked or not _needs_tick(item))
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


def _is_sensitive(item: AskedItem) -> bool:
    """Tell whether the item needs a tick of its own before anything is given (PIPL Art. 29)."""
    scope = SCOPES.get(item.item)
    return not item.agreed_before and not item.optional and (scope is None or scope.sensitive)


def _needs_tick(item: AskedItem) -> bool:
    return not item.agreed_before and (item.optional or _is_sensitive(item))


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
    allow_form_to(request, (view.redirect_origin,))
    app = await app_words(request, view.client)
    fresh = [item for item in view.items if not item.agreed_before]
    errors = [
        FieldError(f"claims-{item.item}", mark("请勾选，表示您单独同意；不同意请选“拒绝”")) for item in missing or []
    ]
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
        required=[_item_words(item, english, ticked) for item in fresh if not _needs_tick(item)],
        sensitive=[_item_words(item, english, ticked) for item in fresh if _is_sensitive(item)],
        optional=[_item_words(item, english, ticked) for item in fresh if item.optional],
        already=_agreed_before(view, english),
        alternative=None,
    )


def _item_words(item: AskedItem, english: bool, ticked: frozenset[str]) -> dict[str, object]:
    labels = ", ".join(claim.label_en for claim in item.claims)
    if not english:
        labels = "、".join(claim.label_zh for claim in item.claims)
    return {
        "key": item.item,
        "label": item.title_en if english else item.title_zh,
        "value": "　".join(filter(None, (_value_words(claim, english) for claim in item.claims))),
        "why": labels,
        "checked": item.item in ticked,
    }


def _agreed_before(view: ConsentView, english: bool) -> list[str]:
    return [item.title_en if english else item.title_zh for item in view.items if item.agreed_before]


def _value_words(claim: AskedClaim, english: bool) -> str:
    """Return the masked value as people say it: a level by its name, a flag or a time not at all."""
    if claim.name == "realname_level":
        names = LEVELS_EN if english else LEVELS_ZH
        return names.get(claim.value, claim.value)
    return "" if claim.name in _UNSPOKEN else claim.value
