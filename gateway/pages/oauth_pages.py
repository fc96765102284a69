"""What the browser endpoints of the provider show when they show something themselves."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.api.oauth import OAuthParts
from gateway.i18n import Translator, mark, translator
from gateway.pages.apps import allow_form_to, app_words, origins_of
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.sign_out import SignOutResult, ask_to_sign_out, end_here, forget_session, to_results
from gateway.requests import current_session, form_of, language_of, parts_of
from idp.provider.authorization.outcomes import ErrorShown, FormPost, Leaving
from idp.provider.authorization.reasons import TRANSACTION_GONE
from idp.provider.sign_out.logout import LoggedOut, LogoutConfirmation, confirm_logout

Shown = ErrorShown | FormPost | Leaving | LogoutConfirmation | LoggedOut


def oauth_parts(request: Request) -> OAuthParts:
    """Return what the provider's endpoints need of this request."""
    parts = parts_of(request)
    return OAuthParts(
        provider=parts.provider,
        clock=parts.clock,
        current_session=current_session,
        show=show_outcome,
        certificates=parts.certificates,
    )


async def show_outcome(request: Request, outcome: Shown) -> Response:
    """Render what is answered with a page rather than with a redirect of the provider's own."""
    if isinstance(outcome, FormPost):
        allow_form_to(request, origins_of((outcome.action,)))
        return render(
            request,
            "form_post.html",
            action=outcome.action,
            fields=outcome.fields,
            refused=outcome.is_refusal,
            domain=urlsplit(outcome.action).netloc,
            here=PATHS.home,
        )
    if isinstance(outcome, Leaving):
        app = await app_words(request, outcome.client)
        return render(request, "leaving.html", app=app, href=outcome.url, here=PATHS.home)
    if isinstance(outcome, LogoutConfirmation):
        return await ask_to_sign_out(request, outcome)
    if isinstance(outcome, LoggedOut):
        return await _signed_out(request, outcome)
    return await _stopped(request, outcome)


async def sign_out(request: Request) -> Response:
    """`POST /logout`: the yes to our own question, or to the one an application asked."""
    transaction_id = form_of(request).text("transaction")
    if not transaction_id:
        return await end_here(request)
    parts = parts_of(request)
    outcome = await confirm_logout(
        transaction_id,
        session=await current_session(request),
        browser=request.state.browser,
        provider=parts.provider,
        now=parts.clock(),
        request_id=request.state.request_id,
    )
    return await show_outcome(request, outcome)


async def _signed_out(request: Request, outcome: LoggedOut) -> Response:
    if outcome.redirect_url is None or outcome.needs_page:
        client_id = None if outcome.client is None else outcome.client.client_id
        return await to_results(request, SignOutResult(outcome.session_id or "", outcome.redirect_url, client_id))
    response = RedirectResponse(outcome.redirect_url, status_code=303)
    forget_session(request, response, outcome.session_id or "")
    return response


async def _stopped(request: Request, error: ErrorShown) -> Response:
    """A request that must not be answered at its redirect address (RFC 6749 §4.1.2.1).

    People are told what it means for them, developers what was wrong.
    """
    words = translator(language_of(request))
    cause = error.description_en if language_of(request) == "en" else error.description
    said: dict[str, Any] = {"developers": cause}
    if error.code == TRANSACTION_GONE.entry.code:
        said = {"title": words.text(mark("这次登录已经失效，<wbr>请从应用重新开始")), "explanation": cause}
    elif request.url.path.endswith(PATHS.logout):
        said |= await _sign_out_words(request, words)
    return render(
        request,
        "error.html",
        status_code=400,
        kind="stop",
        code=error.code,
        at=request.state.clock(),
        app=await app_words(request, error.client) if error.client is not None else None,
        here=PATHS.home,
        **said,
    )


async def _sign_out_words(request: Request, words: Translator) -> dict[str, object]:
    """Return what a request to sign out that is not answered means: whoever is signed in still is."""
    if await current_session(request) is None:
        return {
            "title": words.text(mark("退出的请求<wbr>有问题")),
            "explanation": words.text(mark("您在这里没有登录。为了安全，我们没有跳转。")),
        }
    return {
        "title": words.text(mark("还没有退出")),
        "explanation": words.text(mark("应用发来的退出请求有问题，您在这里的登录还在。为了安全，我们没有跳转。")),
        "sign_out_href": PATHS.logout,
    }
