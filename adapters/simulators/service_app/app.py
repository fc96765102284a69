"""A sample service app: sign in, see who you are to this app, sign out, be told when the sign-in ended
elsewhere.

The housing app also has a backend that looks licenses up with its own token on behalf of an officer.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlencode

import httpx2
from authlib.integrations.base_client import OAuthError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.simulators.pages import Pages, style_route
from adapters.simulators.service_app.license_lookup import look_up_on_behalf
from adapters.simulators.service_app.relying_party import RelyingParty, SignInRejected
from adapters.simulators.service_app.sessions import AppSession, AppSessions
from adapters.simulators.service_app.templates import TEMPLATES
from adapters.simulators.world_entries import ServiceApp, World
from foundation.clock import Clock, system_clock

_NO_STORE = {"Cache-Control": "no-store"}
_PROVIDER_DOWN = (httpx2.HTTPError, OAuthError)


def create_housing_app(
    world: World, base_url: str = "http://127.0.0.1:8001", *, clock: Clock = system_clock
) -> Starlette:
    """公共租赁住房资格申请, client `gzf`, with the lookup backend."""
    return _create_app(world, world.service_apps["gzf"], base_url, "housing", clock)


def create_business_app(
    world: World, base_url: str = "http://127.0.0.1:8002", *, clock: Clock = system_clock
) -> Starlette:
    """企业开办服务, client `qyfw`."""
    return _create_app(world, world.service_apps["qyfw"], base_url, "business", clock)


def _create_app(world: World, app: ServiceApp, base_url: str, tone: str, clock: Clock) -> Starlette:
    site = _Site(app.model_copy(update={"base_url": base_url}), world.issuer, tone, clock)
    routes = [
        Route("/", site.home),
        Route("/sign-in", site.sign_in),
        Route("/callback", site.callback),
        Route("/sign-out", site.sign_out, methods=["POST"]),
        Route("/signed-out", site.signed_out),
        Route("/backchannel-logout", site.backchannel_logout, methods=["POST"]),
        Route("/api/me", site.me),
        Route("/api/sessions", site.sessions),
        Route("/_health", site.healthy),
        style_route(),
    ]
    if tone == "housing":
        routes.append(Route("/backend/lookup", site.lookup, methods=["POST"]))
    return Starlette(routes=routes)


class _Site:
    """The app's endpoints over its sessions."""

    def __init__(self, app: ServiceApp, issuer: str, tone: str, clock: Clock) -> None:
        self._app = app
        self._tone = tone
        self._party = RelyingParty(app, issuer, clock)
        self._sessions = AppSessions()
        self._pages = Pages(TEMPLATES)
        # Ports of one host share cookies: each app needs names of its own.
        self._session_cookie = f"{app.client_id}_session"
        self._flow_cookie = f"{app.client_id}_flow"

    async def home(self, request: Request) -> Response:
        """The start page, signed in or not."""
        session = self._session(request)
        if session is None:
            return self._page("welcome")
        return self._page("signed_in", facts=session.facts, form_key=session.form_key)

    async def sign_in(self, request: Request) -> Response:
        """Send the browser to the provider, also when the provider asks for it (OpenID Connect Core §4, `iss`)."""
        if request.query_params.get("iss", self._party.issuer) != self._party.issuer:
            return self._page("failed", status=400, reason="登录请求来自另一个认证系统。", code="another_issuer")
        return await self._or_failure(self._begin)

    async def callback(self, request: Request) -> Response:
        """The browser comes back with a code; a pending sign-in is used once."""
        pending = self._sessions.pending.pop(request.cookies.get(self._flow_cookie, ""), None)
        if pending is None:
            return self._page("failed", status=400, reason="登录已过期，请重新登录。", code="no_pending")

        async def finish() -> Response:
            person = await self._party.finish(dict(request.query_params), pending)
            answer = RedirectResponse("/", 303, headers=_NO_STORE)
            self._set_cookie(answer, self._session_cookie, self._sessions.open(person))
            answer.delete_cookie(self._flow_cookie)
            return answer

        return await self._or_failure(finish)

    async def sign_out(self, request: Request) -> Response:
        """End the app's session and go on to the provider's sign-out (RP-Initiated Logout §2)."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        session = self._session(request)
        if session is None or form.get("form_key") != session.form_key:
            return RedirectResponse("/", 303)
        self._sessions.end(request.cookies[self._session_cookie], "own sign-out")

        async def leave() -> Response:
            query = urlencode(
                {
                    "id_token_hint": session.person.id_token,
                    "client_id": self._app.client_id,
                    "post_logout_redirect_uri": f"{self._app.base_url}/signed-out",
                    "state": session.form_key,
                }
            )
            endpoint = (await self._party.metadata())["end_session_endpoint"]
            answer = RedirectResponse(f"{endpoint}?{query}", 303, headers=_NO_STORE)
            answer.delete_cookie(self._session_cookie)
            return answer

        return await self._or_failure(leave)

    async def signed_out(self, _: Request) -> Response:
        """Where the provider sends the browser after a sign-out."""
        return self._page("signed_out")

    async def backchannel_logout(self, request: Request) -> Response:
        """Back-Channel Logout §2.5–2.8: verify the token, end what it names, answer 200 or 400."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        try:
            order = await self._party.check_logout_token(form.get("logout_token", ""))
        except SignInRejected as error:
            refusal = {"error": "invalid_request", "error_description": str(error)}
            return JSONResponse(refusal, 400, headers=_NO_STORE)
        self._sessions.carry_out(order)
        return Response(status_code=200, headers=_NO_STORE)

    async def me(self, request: Request) -> Response:
        """Who this browser is to the app, or 401."""
        session = self._session(request)
        if session is None:
            return JSONResponse({"error": "not signed in"}, 401, headers=_NO_STORE)
        return JSONResponse(session.facts, headers=_NO_STORE)

    async def sessions(self, _: Request) -> Response:
        """How many sessions live and which have ended, for the story and the tests."""
        return JSONResponse({"live": len(self._sessions.live), "ended": list(self._sessions.ended)})

    async def lookup(self, request: Request) -> Response:
        """The backend's lookup on behalf of an officer; answers status and body of the license API as
        they came.
        """
        return await look_up_on_behalf(self._party, await request.body(), request.headers.get("x-request-id"))

    async def healthy(self, _: Request) -> Response:
        """Answer as soon as the server serves."""
        return JSONResponse({"status": "ok"})

    async def _begin(self) -> Response:
        url, pending = await self._party.begin()
        answer = RedirectResponse(url, 303, headers=_NO_STORE)
        self._set_cookie(answer, self._flow_cookie, self._sessions.wait(pending))
        return answer

    async def _or_failure(self, act: Callable[[], Awaitable[Response]]) -> Response:
        try:
            return await act()
        except SignInRejected as error:
            return self._page("failed", status=400, reason="登录没有完成，请重新登录。", code=str(error))
        except _PROVIDER_DOWN as error:
            code = type(error).__name__
            return self._page("failed", status=502, reason="统一认证暂时没有应答，请稍后再试。", code=code)

    def _session(self, request: Request) -> AppSession | None:
        return self._sessions.live.get(request.cookies.get(self._session_cookie, ""))

    def _set_cookie(self, answer: Response, name: str, value: str) -> None:
        secure = self._app.base_url.startswith("https:")
        answer.set_cookie(name, value, httponly=True, samesite="lax", secure=secure)

    def _page(self, name: str, *, status: int = 200, **values: object) -> Response:
        return self._pages.render(name, status=status, app=self._app, tone=self._tone, **values)
