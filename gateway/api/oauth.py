"""The endpoints of the OpenID provider over HTTP: parse once, call one use case, render.

Browser endpoints answer with a redirect or hand over to a page; server endpoints answer with JSON. A
failure that is not a protocol's own (storage gone, unknown fault) leaves as an exception for the guard.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from foundation.clock import Clock
from foundation.values import value_type
from gateway.api.protected_resource import resource_request
from gateway.api.server_endpoints import ServerEndpoint, UseCase, read_server_request, render_answer
from gateway.api.session_frame import check_session_frame
from gateway.browser_state import set_browser_state
from gateway.pages.paths import PATHS
from gateway.security.client_certificates import NO_CERTIFICATES, CertificateHeaders
from gateway.security.forms import MEDIA_TYPE, MalformedForm
from idp.provider.authorization.authorize import authorize
from idp.provider.authorization.outcomes import (
    AuthorizationOutcome,
    ConsentNeeded,
    ErrorShown,
    FormPost,
    Leaving,
    Redirect,
    SignInNeeded,
)
from idp.provider.authorization.par import push_authorization_request
from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.composition import Provider
from idp.provider.decoupled.endpoints import authenticate_on_other_device, authorize_device
from idp.provider.metadata import ENDPOINTS
from idp.provider.registration.dynamic import register_application
from idp.provider.registration.management import manage_application
from idp.provider.resources.form_token import without_form_token
from idp.provider.resources.userinfo import userinfo
from idp.provider.sign_out.logout import LoggedOut, LogoutConfirmation, request_logout
from idp.provider.tokens.endpoint import token
from idp.provider.tokens.introspection import introspect
from idp.provider.tokens.revocation import revoke
from idp.signin.sessions import Session

Shown = ErrorShown | FormPost | Leaving | LogoutConfirmation | LoggedOut

METADATA_SECONDS = 300
_METADATA_HEADERS = {"Cache-Control": f"public, max-age={METADATA_SECONDS}"}
JWKS_SECONDS = 900
"""A relying party may keep the keys so long; keys are published a day before they sign."""


@value_type
class OAuthParts:
    """What these endpoints work with: the provider, the clock, who is signed in, and how a page is shown."""

    provider: Provider
    clock: Clock
    current_session: Callable[[Request], Awaitable[Session | None]]
    show: Callable[[Request, Shown], Awaitable[Response]]
    certificates: CertificateHeaders = NO_CERTIFICATES


def oauth_routes(parts_of: Callable[[Request], OAuthParts]) -> list[Route]:
    """Return the routes, at the addresses that the metadata announce."""

    async def discovery(request: Request) -> Response:
        """Metadata of the provider (OpenID Connect Discovery §4)."""
        return _json(parts_of(request).provider.metadata.plain, _METADATA_HEADERS)

    async def server_metadata(request: Request) -> Response:
        """Metadata of the provider, signed beside the plain members (RFC 8414 §2.1, §3)."""
        parts = parts_of(request)
        return _json(parts.provider.metadata.with_signature(parts.clock()), _METADATA_HEADERS)

    async def jwks(request: Request) -> Response:
        """The published signing keys (RFC 7517 §5), public members only."""
        parts = parts_of(request)
        body = parts.provider.keys.jwks(parts.clock())
        return _json(body, {"Cache-Control": f"public, max-age={JWKS_SECONDS}"})

    async def authorization_endpoint(request: Request) -> Response:
        """Begin an authorization (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2)."""
        parts = parts_of(request)
        outcome = await authorize(
            await _octets(request),
            session=await parts.current_session(request),
            browser=request.state.browser,
            provider=parts.provider,
            now=parts.clock(),
            request_id=request.state.request_id,
        )
        return await present(request, outcome, parts)

    async def registration_endpoint(request: Request) -> Response:
        """Register an application by itself, on an invitation (RFC 7591 §3)."""
        parts = parts_of(request)
        asked = await _back_channel(request, parts)
        return _oauth(await register_application(asked, provider=parts.provider, now=parts.clock()))

    async def client_configuration_endpoint(request: Request) -> Response:
        """Let an application read, replace or remove its registration (RFC 7592 §2)."""
        parts = parts_of(request)
        asked, client_id = await _back_channel(request, parts), str(request.path_params["client_id"])
        return _oauth(await manage_application(asked, client_id, provider=parts.provider, now=parts.clock()))

    async def userinfo_endpoint(request: Request) -> Response:
        """Claims about the signed-in person (OpenID Connect Core §5.3)."""
        parts = parts_of(request)
        asked = without_form_token(
            resource_request(request, parts.certificates),
            await request.body(),
            request.headers.get("content-type", ""),
            max_octets=parts.provider.limits.max_form_octets,
        )
        return _oauth(await userinfo(asked, provider=parts.provider, now=parts.clock()))

    async def logout_endpoint(request: Request) -> Response:
        """Sign out at an app's request (RP-Initiated Logout §2)."""
        parts = parts_of(request)
        outcome = await request_logout(
            await _octets(request),
            session=await parts.current_session(request),
            browser=request.state.browser,
            provider=parts.provider,
            now=parts.clock(),
            request_id=request.state.request_id,
        )
        return await parts.show(request, outcome)

    def server(path: str, use_case: UseCase, description: str) -> Route:
        return Route(path, ServerEndpoint(use_case, description, parts_of), methods=["POST"])

    return [
        server(
            ENDPOINTS.token, token, "Exchange a code, a refresh token or client credentials for tokens (RFC 6749 §3.2)."
        ),
        server(ENDPOINTS.par, push_authorization_request, "Keep an authorization request and name it (RFC 9126)."),
        server(ENDPOINTS.device_authorization, authorize_device, "Begin a device authorization (RFC 8628 §3.1)."),
        server(
            ENDPOINTS.ciba,
            authenticate_on_other_device,
            "Begin an authentication on the person's own device (OpenID CIBA Core §7).",
        ),
        server(ENDPOINTS.introspect, introspect, "Tell a client what one of its tokens says (RFC 7662)."),
        _browser(ENDPOINTS.authorize, authorization_endpoint),
        Route(ENDPOINTS.userinfo, userinfo_endpoint, methods=["GET", "POST"]),
        Route(ENDPOINTS.openid_configuration, discovery, methods=["GET"]),
        Route(ENDPOINTS.oauth_authorization_server, server_metadata, methods=["GET"]),
        Route(ENDPOINTS.jwks, jwks, methods=["GET"]),
        server(ENDPOINTS.revoke, revoke, "End a token and what hangs on it (RFC 7009)."),
        Route(ENDPOINTS.register, registration_endpoint, methods=["POST"]),
        Route(ENDPOINTS.register + "/{client_id}", client_configuration_endpoint, methods=["GET", "PUT", "DELETE"]),
        _browser(ENDPOINTS.logout, logout_endpoint),
        Route(ENDPOINTS.check_session, check_session_frame, methods=["GET"]),
    ]


def _browser(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """Return the route of an endpoint whose GET acts. A Route answers HEAD like GET; here that would issue a code that nobody reads."""
    route = Route(path, endpoint, methods=["GET", "POST"])
    route.methods = {"GET", "POST"}
    return route


async def present(request: Request, outcome: AuthorizationOutcome, parts: OAuthParts) -> Response:
    """Answer the browser after a step of an authorization; pages use it after a sign-in and after consent."""
    if isinstance(outcome, SignInNeeded):
        # An officer who has to sign in again does so as an officer, or the app would be told of a citizen.
        session = await parts.current_session(request)
        is_staff = session is not None and session.kind == "staff"
        return _to_page(PATHS.staff_login if is_staff else PATHS.login, outcome.transaction_id)
    if isinstance(outcome, ConsentNeeded):
        return _to_page(PATHS.consent, outcome.transaction_id)
    if isinstance(outcome, ErrorShown | Leaving):
        return await parts.show(request, outcome)
    response = (
        RedirectResponse(outcome.url, status_code=303)
        if isinstance(outcome, Redirect)
        else await parts.show(request, outcome)
    )
    if outcome.browser_state is not None:
        set_browser_state(response, outcome.browser_state)
    return response


def _to_page(path: str, transaction_id: str) -> Response:
    return RedirectResponse(f"{path}?{urlencode({'transaction': transaction_id})}", status_code=303)


async def _octets(request: Request) -> bytes:
    """Return the parameters of a browser endpoint:

    The query of a GET, the body of a POST (OpenID Connect Core §3.1.2.1), which has to be a form.
    """
    if request.method == "POST":
        body = await request.body()
        if body and not _is_form(request):
            raise MalformedForm("media type")
        return body
    query: bytes = request.scope["query_string"]
    return query


def _is_form(request: Request) -> bool:
    named = [value.partition(";")[0].strip().lower() for value in request.headers.getlist("content-type")]
    return named == [MEDIA_TYPE.decode("ascii")]


async def _back_channel(request: Request, parts: OAuthParts) -> BackChannelRequest:
    return await read_server_request(request.scope, request.receive, parts.certificates)


def _oauth(answer: OAuthResponse) -> Response:
    body, headers = render_answer(answer)
    response = Response(body, answer.status)
    response.raw_headers += headers
    return response


def _json(body: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    return _oauth(OAuthResponse(200, body, headers))
