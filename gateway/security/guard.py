"""The outermost application: every request comes in and every answer goes out through here.

Order: identify, then measure, then check the host, then (for pages) count the request and check the origin of a form; around it
all a deadline and the last net for errors. Pure ASGI, because it runs on every hot path.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from time import perf_counter
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foundation.entropy import Entropy
from foundation.problems import RenzhengError, ServiceUnavailable
from gateway.metrics import observe_request
from gateway.security.browsers import browser_cookie, browser_from_headers
from gateway.security.csrf import FIELD, SAFE_METHODS, CsrfTokens, is_same_origin
from gateway.security.forms import ForeignForm, parse_form
from gateway.security.headers import harden
from gateway.security.limits import BodyTooLarge, RequestSizes, bounded, oversize
from gateway.security.network import client_network
from gateway.security.surfaces import Surface, shows_pages, surface_of

log = structlog.get_logger("gateway.requests")

FailureResponse = Callable[[Request, Exception], Awaitable[Response]]
CountPage = Callable[[Request], Awaitable[None]]
_UUID = re.compile(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


class Guard:
    """Wraps the application; `failure_response` renders an exception for the surface of its request.

    `count_page` hears of every request for a page, and refuses it by raising.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        issuer: str,
        allowed_hosts: frozenset[str],
        trusted_proxies: frozenset[str],
        csrf: CsrfTokens,
        entropy: Entropy,
        count_page: CountPage,
        failure_response: FailureResponse,
        deadline_s: float,
        sizes: RequestSizes,
    ) -> None:
        self._app = app
        self._origin = issuer
        self._https = issuer.startswith("https://")
        self._hosts = {host.encode() for host in allowed_hosts} | {issuer.split("://", 1)[1].encode()}
        self._trusted = trusted_proxies
        self._csrf = csrf
        self._entropy = entropy
        self._count_page = count_page
        self._failure_response = failure_response
        self._deadline = deadline_s
        self._sizes = sizes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass the lifespan on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        begun = perf_counter()
        answer = _Answer(scope, send, https=self._https)
        # The router raises 404 and 405 for whoever stands in the scope as its application.
        scope["app"] = self
        surface = surface_of(scope["path"])
        is_page = shows_pages(scope["path"])
        self._identify(scope, is_page=is_page)
        try:
            await self._serve_in_time(self._serve(scope, receive, answer, surface=surface, is_page=is_page))
        except Exception as failure:  # The last net: whatever it was, the client gets an answer and the log the cause.
            await self._fail(scope, receive, answer, failure)
        observe_request(scope, answer.status, perf_counter() - begun)

    async def _serve_in_time(self, serving: Coroutine[Any, Any, None]) -> None:
        """Serve within the deadline, or raise TimeoutError; `asyncio.timeout` by hand, at a third of its price on every request."""
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("a request is served by a task")
        struck = False

        def strike() -> None:
            nonlocal struck
            struck = True
            task.cancel()

        timer = asyncio.get_running_loop().call_later(self._deadline, strike)
        try:
            await serving
        except asyncio.CancelledError:
            # Cancelled by us alone, it is a deadline; when somebody else wants the task to end too, it ends.
            if struck and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    def _identify(self, scope: Scope, *, is_page: bool) -> None:
        state: dict[str, Any] = scope.setdefault("state", {})
        asked = [value for name, value in scope["headers"] if name == b"x-request-id"]
        # A caller's own UUID is kept, so that both sides find the request under one number.
        known = len(asked) == 1 and _UUID.fullmatch(asked[0])
        state["request_id"] = asked[0].decode().lower() if known else _new_uuid(self._entropy.octets(16).hex())
        peer = scope["client"][0] if scope.get("client") else None
        state["network"] = client_network(peer, scope["headers"], trusted=self._trusted)
        if is_page:
            browser = browser_from_headers(scope["headers"])
            state["new_browser"] = browser is None
            state["browser"] = browser or self._entropy.token(32)
            state["csrf_token"] = self._csrf.token(state["browser"])

    async def _serve(
        self, scope: Scope, receive: Receive, answer: "_Answer", *, surface: Surface, is_page: bool
    ) -> None:
        refusal = oversize(scope.get("raw_path", b""), scope["query_string"], scope["headers"], sizes=self._sizes)
        if refusal is None:
            refusal = self._check_host(scope, surface)
        if refusal is not None:
            await PlainTextResponse(_REFUSALS[refusal], refusal)(scope, receive, answer.send)
            return
        if is_page:
            await self._count_page(Request(scope))
        receive = bounded(receive, sizes=self._sizes)
        if surface is Surface.PAGE and scope["method"] not in SAFE_METHODS:
            receive = await self._check_form(scope, receive)
        await self._app(scope, receive, answer.send)

    def _check_host(self, scope: Scope, surface: Surface) -> int | None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return 400
        # Probes come by address; everything else must name the site, whose links and cookies belong to one origin.
        return None if hosts[0] in self._hosts or surface is Surface.OPERATIONS else 421

    async def _check_form(self, scope: Scope, receive: Receive) -> Receive:
        """Refuse a form that is not from our own page, and keep it parsed in the state; the body can be read again."""
        headers = dict(scope["headers"])
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                # Half a form may read as a whole one of another meaning; nothing is done with it.
                raise ClientDisconnect
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        form = parse_form(body, headers.get(b"content-type", b""))
        state = scope["state"]
        if (
            state["new_browser"]
            or not is_same_origin(headers, origin=self._origin)
            or not self._csrf.is_valid(form.text(FIELD), state["browser"])
        ):
            raise ForeignForm("form token or origin")
        state["form"] = form

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        return replay

    async def _fail(self, scope: Scope, receive: Receive, answer: "_Answer", failure: Exception) -> None:
        shown: Exception = failure
        if isinstance(failure, BodyTooLarge):
            if not answer.started:
                await PlainTextResponse(_REFUSALS[413], 413)(scope, receive, answer.send)
            return
        if isinstance(failure, TimeoutError):
            shown = ServiceUnavailable("request deadline")
        if isinstance(failure, ClientDisconnect):
            # Nobody reads the answer, but it is the client's doing and no fault of ours.
            shown = HTTPException(400)
        request_id = scope["state"]["request_id"]
        if isinstance(shown, HTTPException):
            log.debug("request.unmatched", status=shown.status_code, request_id=request_id)
        elif isinstance(shown, RenzhengError):
            log.warning(
                "request.refused", code=shown.code, detail=shown.detail, path=scope["path"], request_id=request_id
            )
        else:
            log.error("request.failed", path=scope["path"], request_id=request_id, exc_info=failure)
        if answer.started:
            return
        response = await self._failure_response(Request(scope), shown)
        await response(scope, receive, answer.send)


def _new_uuid(digits: str) -> str:
    """Render 32 random hexadecimal digits as a version 4 UUID (RFC 9562 §5.4); the variant digit is fixed to 8, four bits of 122."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


class _Answer:
    """One answer on its way out: adds the headers when it starts and remembers its status."""

    __slots__ = ("_https", "_scope", "_send", "started", "status")

    def __init__(self, scope: Scope, send: Send, *, https: bool) -> None:
        self._scope = scope
        self._send = send
        self._https = https
        self.started = False
        self.status = 500

    async def send(self, message: Message) -> None:
        """Pass a message on; the start of the answer gets its headers."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            state = self._scope["state"]
            headers = harden(
                list(message.get("headers", ())),
                https=self._https,
                form_action=state.get("form_action", ()),
                frame_src=state.get("frame_src", ()),
            )
            headers.append((b"x-request-id", state["request_id"].encode()))
            if state.get("new_browser") and not _may_be_shared(headers):
                headers.append((b"set-cookie", browser_cookie(state["browser"])))
            message = {**message, "headers": headers}
        await self._send(message)


def _may_be_shared(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a cache between us and the browsers may give this answer to others: one that names a browser must never be."""
    return any(name == b"cache-control" and value.startswith(b"public") for name, value in headers)


_REFUSALS = {
    400: "400 请求格式有误 Bad Request\n",
    413: "413 提交的内容过大 Content Too Large\n",
    414: "414 地址过长 URI Too Long\n",
    421: "421 地址与本站不符 Misdirected Request\n",
    431: "431 请求头过大 Request Header Fields Too Large\n",
}
