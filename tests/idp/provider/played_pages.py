"""The application of these tests: the real OAuth routes, and the product's pages played by a few plain ones.

`/test/resume` and `/test/consent` do what the sign-in and consent pages do, `/test/logout` what the sign-
out page does; what is shown comes back as JSON.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundation.clock import Clock
from foundation.problems import StorageUnavailable
from gateway.api.oauth import OAuthParts, Shown, oauth_routes, present
from gateway.security.client_certificates import CertificateHeaders
from idp.provider.authorization.authorize import decide_consent, resume_authorization
from idp.provider.authorization.outcomes import ErrorShown, FormPost, Leaving
from idp.provider.composition import Provider
from idp.provider.sign_out.logout import LoggedOut, LogoutConfirmation, confirm_logout
from idp.signin.flows import FLOW_COOKIE as BROWSER_COOKIE
from idp.signin.limits import SignInLimits
from idp.signin.sessions import SESSION_COOKIE, Session, SessionFinder

CERTIFICATES = CertificateHeaders(b"x-client-certificate", b"x-client-verify", frozenset({"203.0.113.7"}))
"""Every request of these tests comes from this address, as it would from the proxy that ends TLS."""


def played_app(provider: Provider, clock: Clock) -> Starlette:
    """Return the application around one provider."""
    finder = SessionFinder(provider.db, SignInLimits())

    async def current_session(request: Request) -> Session | None:
        return await finder.find(request.cookies.get(SESSION_COOKIE), now=clock())

    parts = OAuthParts(provider, clock, current_session, _show, CERTIFICATES)

    async def resume(request: Request) -> Response:
        outcome = await resume_authorization(
            request.query_params["transaction"],
            session=await current_session(request),
            browser=request.state.browser,
            provider=provider,
            now=clock(),
        )
        return await present(request, outcome, parts)

    async def consent(request: Request) -> Response:
        form = await request.form()
        agreed = str(form["agreed"])
        transaction = str(form["transaction"])
        if agreed == "*":
            shown = await resume_authorization(
                transaction,
                session=await current_session(request),
                browser=request.state.browser,
                provider=provider,
                now=clock(),
            )
            chosen = frozenset(item.item for item in shown.view.items) if hasattr(shown, "view") else frozenset()
        else:
            chosen = frozenset(agreed.split())
        outcome = await decide_consent(
            transaction,
            session=await current_session(request),
            browser=request.state.browser,
            agreed=None if agreed == "no" else chosen,
            provider=provider,
            now=clock(),
        )
        return await present(request, outcome, parts)

    async def confirm(request: Request) -> Response:
        form = await request.form()
        outcome = await confirm_logout(
            str(form["transaction"]),
            session=await current_session(request),
            browser=request.state.browser,
            provider=provider,
            now=clock(),
        )
        return await _show(request, outcome)

    async def unavailable(_request: Request, failure: Exception) -> Response:
        return JSONResponse({"error": "temporarily_unavailable"}, 503, {"Retry-After": "2"})

    routes = [
        *oauth_routes(lambda request: parts),
        Route("/test/resume", resume),
        Route("/test/consent", consent, methods=["POST"]),
        Route("/test/logout", confirm, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={StorageUnavailable: unavailable})
    app.add_middleware(_RequestFacts)
    return app


class _RequestFacts:
    """What the product's guard puts on every request."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            scope.setdefault("state", {}).update(
                browser=request.cookies.get(BROWSER_COOKIE, ""), request_id="r-1", network="203.0.113.7"
            )
        await self._app(scope, receive, send)


async def _show(request: Request, outcome: Shown) -> Response:
    if isinstance(outcome, ErrorShown):
        return JSONResponse({"shown": outcome.error, "code": outcome.code}, 400)
    if isinstance(outcome, FormPost):
        return JSONResponse({"action": outcome.action, "fields": dict(outcome.fields)})
    if isinstance(outcome, Leaving):
        return JSONResponse({"leaving": outcome.url, "client": outcome.client.client_id})
    if isinstance(outcome, LogoutConfirmation):
        return JSONResponse({"confirm": outcome.transaction_id})
    assert isinstance(outcome, LoggedOut)
    if outcome.redirect_url is not None:
        return Response(status_code=303, headers={"Location": outcome.redirect_url})
    return JSONResponse({"signed_out": True, "apps": {app.client.client_id: app.status for app in outcome.apps}})
