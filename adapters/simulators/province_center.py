"""A province user center: a real OpenID provider with a page where the demo person is chosen.

Code flow with PKCE S256, `client_secret_basic` and `private_key_jwt`, userinfo, published keys that can
be rotated. Besides the faults of any server it has `id_token` faults (operation `token`, kind `id_token`,
`detail` one of `ID_TOKEN_FAULTS`), `userinfo` faults and `jwks_empty`, which make a token or document
wrong in one point.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.simulators.center_tokens import CenterKeys, issue_id_token, render_userinfo
from adapters.simulators.faults import FaultInjection, Faults
from adapters.simulators.pages import Pages, style_route
from adapters.simulators.world_admin import administration_routes
from adapters.simulators.world_entries import CenterClient, ProvincePerson, World
from foundation.clock import Clock, system_clock

_CODE_LIFETIME = timedelta(seconds=60)
_TOKEN_LIFETIME = timedelta(minutes=5)

_TEMPLATES = {
    "sign_in": """{% extends "frame" %}{% block title %}省统一身份认证平台{% endblock %}{% block tone %}province{% endblock %}
{% block brand %}省统一身份认证平台 <small>模拟环境</small>{% endblock %}
{% block main %}<h1>登录</h1><p class="lead">{{ client }} 请求确认您的身份。请选择一位虚构的人员登录。<br>
<span lang="en">Choose one of these fictitious people to sign in.</span></p>
<form method="post" action="/authorize/decide"><input type="hidden" name="request" value="{{ request_id }}">
<div class="people">{% for person in people %}<button class="button" name="person" value="{{ person.user_name }}">{{ person.name }}
<small>实名等级 {{ person.level }}（{{ ("未认证", "初级", "中级", "高级")[person.level | int] }}）</small></button>{% endfor %}</div>
<div class="row"><button class="button plain" name="decision" value="refuse">取消登录 <span lang="en">Cancel</span></button></div></form>{% endblock %}
{% block foot %}Simulated provincial user center · all people are fictitious{% endblock %}""",
    "stopped": """{% extends "frame" %}{% block title %}无法继续{% endblock %}{% block tone %}province{% endblock %}
{% block brand %}省统一身份认证平台 <small>模拟环境</small>{% endblock %}
{% block main %}<h1>无法继续</h1><p class="lead">{{ reason }}<br><span lang="en">The sign-in cannot go on.</span></p>{% endblock %}
{% block foot %}Simulated provincial user center{% endblock %}""",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    client_id: str
    redirect_uri: str
    scope: str
    state: str
    nonce: str
    code_challenge: str


@dataclass(frozen=True, slots=True)
class _Issued:
    asked: _Asked
    person: ProvincePerson
    sid: str
    expires_at: datetime


def create_app(world: World, base_url: str = "http://127.0.0.1:8010", *, clock: Clock = system_clock) -> Starlette:
    """Return the center; its issuer is `base_url`, its people and clients are those of the world."""
    center = _Center(world, base_url.rstrip("/"), clock)
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", center.metadata),
            Route("/jwks", center.jwks),
            Route("/authorize", center.authorize),
            Route("/authorize/decide", center.decide, methods=["POST"]),
            Route("/token", center.token, methods=["POST"]),
            Route("/userinfo", center.userinfo, methods=["GET", "POST"]),
            Route("/_keys/rotate", center.rotate, methods=["POST"]),
            style_route(),
            *administration_routes(world, center.faults),
        ],
        middleware=[Middleware(FaultInjection, faults=center.faults)],
    )
    app.state.keys = center.keys
    return app


class _Center:
    """State and endpoints of the center; everything is forgotten when the process ends."""

    def __init__(self, world: World, issuer: str, clock: Clock) -> None:
        self.faults = Faults()
        self._world = world
        self._issuer = issuer
        self._clock = clock
        self._pages = Pages(_TEMPLATES)
        self.keys = CenterKeys()
        self._waiting: dict[str, _Asked] = {}
        self._codes: dict[str, _Issued] = {}
        self._access_tokens: dict[str, _Issued] = {}
        self._seen_assertions: set[str] = set()

    async def metadata(self, _: Request) -> Response:
        """OpenID Connect Discovery §4; a fault `issuer` names another issuer (its `detail`)."""
        fault = self.faults.take("openid-configuration", frozenset({"issuer"}))
        return JSONResponse(
            {
                "issuer": fault.detail if fault else self._issuer,
                "authorization_endpoint": f"{self._issuer}/authorize",
                "token_endpoint": f"{self._issuer}/token",
                "userinfo_endpoint": f"{self._issuer}/userinfo",
                "jwks_uri": f"{self._issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "phone"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def jwks(self, _: Request) -> Response:
        """The published keys; a fault `jwks_empty` publishes none."""
        if self.faults.take("jwks", frozenset({"jwks_empty"})):
            return JSONResponse({"keys": []})
        return JSONResponse(self.keys.public())

    async def rotate(self, request: Request) -> Response:
        """Sign with a new key from now on; `?keep=0` also withdraws the old ones."""
        self.keys.rotate(keep_old=request.query_params.get("keep") != "0")
        return Response(status_code=204)

    async def authorize(self, request: Request) -> Response:
        """Show the sign-in page, or stop when the request is not one that a registered client may make."""
        parameters = dict(request.query_params)
        client = self._world.clients.get(parameters.get("client_id", ""))
        if client is None or parameters.get("redirect_uri") not in client.redirect_uris:
            return self._pages.render("stopped", status=400, reason="应用或回调地址未登记。")
        complete = (
            parameters.get("response_type") == "code"
            and "openid" in parameters.get("scope", "").split()
            and parameters.get("code_challenge_method") == "S256"
            and parameters.get("code_challenge")
            and parameters.get("state")
            and parameters.get("nonce")
        )
        if not complete:
            return self._return(parameters["redirect_uri"], parameters.get("state", ""), error="invalid_request")
        request_id = secrets.token_urlsafe(16)
        names = ("client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge")
        self._waiting[request_id] = _Asked(**{name: parameters[name] for name in names})
        return self._pages.render(
            "sign_in", request_id=request_id, client=client.name or client.client_id, people=self._world.people.values()
        )

    async def decide(self, request: Request) -> Response:
        """The person chose who to be, or gave up; back to the client with a code or an error."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        asked = self._waiting.pop(form.get("request", ""), None)
        if asked is None:
            return self._pages.render("stopped", status=400, reason="登录请求不存在或已经用过，请返回应用重试。")
        fault = self.faults.take("decide", frozenset({"error"}))
        if fault is not None:
            return self._return(asked.redirect_uri, asked.state, error=fault.detail or "server_error")
        person = self._world.people.get(form.get("person", ""))
        if form.get("decision") == "refuse" or person is None:
            return self._return(asked.redirect_uri, asked.state, error="access_denied")
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Issued(asked, person, secrets.token_hex(8), self._clock() + _CODE_LIFETIME)
        return self._return(asked.redirect_uri, asked.state, code=code)

    async def token(self, request: Request) -> Response:
        """RFC 6749 §4.1.3 with PKCE; a code works once."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        client = self._authenticated(request.headers.get("authorization", ""), form)
        if client is None:
            return JSONResponse({"error": "invalid_client"}, 401)
        issued = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            form.get("grant_type") != "authorization_code"
            or issued is None
            or issued.expires_at <= self._clock()
            or (issued.asked.client_id, issued.asked.redirect_uri) != (client.client_id, form.get("redirect_uri"))
            or not secrets.compare_digest(issued.asked.code_challenge, challenge)
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        access_token = secrets.token_urlsafe(24)
        self._access_tokens[access_token] = _Issued(
            issued.asked, issued.person, issued.sid, self._clock() + _TOKEN_LIFETIME
        )
        fault = self.faults.take("token", frozenset({"id_token"}))
        id_token = issue_id_token(
            self.keys,
            issuer=self._issuer,
            client_id=client.client_id,
            nonce=issued.asked.nonce,
            person=issued.person,
            sid=issued.sid,
            access_token=access_token,
            now=self._clock(),
            fault=fault.detail if fault else "",
        )
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": int(_TOKEN_LIFETIME.total_seconds()),
            "id_token": id_token,
        }
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def userinfo(self, request: Request) -> Response:
        """Core §5.3; a fault of kind `userinfo` replaces members by the JSON object in its `detail`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        issued = self._access_tokens.get(token) if scheme.lower() == "bearer" else None
        if issued is None or issued.expires_at <= self._clock():
            return JSONResponse(
                {"error": "invalid_token"}, 401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
            )
        fault = self.faults.take("userinfo", frozenset({"userinfo"}))
        person = self._world.people.get(issued.person.user_name, issued.person)
        return JSONResponse(render_userinfo(person, self._clock(), fault.detail if fault else ""))

    def _return(self, redirect_uri: str, state: str, **members: str) -> Response:
        query = urlencode({**members, "state": state, "iss": self._issuer})
        return RedirectResponse(f"{redirect_uri}?{query}", 303, headers={"Cache-Control": "no-store"})

    def _authenticated(self, authorization: str, form: dict[str, str]) -> CenterClient | None:
        """The client that the request proves to be, by secret or by signed assertion."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
            except ValueError:
                return None
            client = self._world.clients.get(unquote_plus(client_id))
            known = client.client_secret if client else None
            return client if known and secrets.compare_digest(unquote_plus(secret), known) else None
        client = self._world.clients.get(form.get("client_id", ""))
        if client is None or client.public_jwks is None:
            return None
        return client if self._is_valid_assertion(client, form.get("client_assertion", "")) else None

    def _is_valid_assertion(self, client: CenterClient, assertion: str) -> bool:
        """RFC 7523 §3: signed by the client's key, for us, in time, once."""
        keys: Any = (client.public_jwks or {}).get("keys", [])
        for members in keys:
            try:
                token = jwt.decode(assertion, JWKRegistry.import_key(members), algorithms=["ES256", "PS256"])
            except (JoseError, ValueError):
                continue
            claims, now = token.claims, self._clock().timestamp()
            identifier = str(claims.get("jti", ""))
            in_time = now - 10 < claims.get("exp", 0) <= now + 300
            expected = (client.client_id, client.client_id, self._issuer)
            named = (claims.get("iss"), claims.get("sub"), claims.get("aud"))
            if in_time and named == expected and identifier and identifier not in self._seen_assertions:
                self._seen_assertions.add(identifier)
                return True
        return False
