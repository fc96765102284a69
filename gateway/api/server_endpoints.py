"""Endpoints that servers call, as bare ASGI: read once, call one use case, send.

Starlette's function endpoints wrap every request in a Request, a Response and two layers that turn its own exceptions into answers, which the
guard does anyway. Together they cost as much as a signature, and these are the busiest endpoints there are.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from foundation.clock import Clock
from gateway.security.client_certificates import CertificateHeaders
from idp.provider.back_channel import NO_STORE, BackChannelRequest, OAuthResponse
from idp.provider.composition import Origin, Provider


class UseCase(Protocol):
    """What answers a request of the back channel."""

    def __call__(self, request: BackChannelRequest, *, provider: Provider, now: datetime) -> Awaitable[OAuthResponse]:
        """Answer it."""
        ...


class ServerParts(Protocol):
    """What these endpoints work with."""

    @property
    def provider(self) -> Provider:
        """The provider."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock."""
        ...

    @property
    def certificates(self) -> CertificateHeaders:
        """How certificates arrive."""
        ...


class ServerEndpoint:
    """One endpoint of the back channel; `description` is what the list of routes says of it."""

    def __init__(self, use_case: UseCase, description: str, parts_of: Callable[[Request], ServerParts]) -> None:
        self._use_case = use_case
        self._parts_of = parts_of
        self.__doc__ = description

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        parts = self._parts_of(Request(scope))
        asked = await read_server_request(scope, receive, parts.certificates)
        answer = await self._use_case(asked, provider=parts.provider, now=parts.clock())
        body, headers = render_answer(answer)
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def read_server_request(scope: Scope, receive: Receive, certificates: CertificateHeaders) -> BackChannelRequest:
    """Return what arrived; headers are read in one pass and repeated ones stay repeated. Raises ClientDisconnect for half a body."""
    authorization: list[str] = []
    content_type: list[str] = []
    dpop: list[str] = []
    accept: list[str] = []
    read = {b"authorization": authorization, b"content-type": content_type, b"dpop": dpop, b"accept": accept}
    for name, value in scope["headers"]:
        if name in read:
            read[name].append(value.decode("latin-1"))
    certificate, is_chain_trusted = certificates.read(scope)
    state = scope["state"]
    return BackChannelRequest(
        authorization=tuple(authorization),
        content_type=tuple(content_type),
        query=scope["query_string"],
        body=await _read_body(receive),
        origin=Origin(state["request_id"], state["network"]),
        method=scope["method"],
        path=scope["path"],
        dpop=tuple(dpop),
        certificate=certificate,
        is_chain_trusted=is_chain_trusted,
        accept=tuple(accept),
    )


def render_answer(answer: OAuthResponse) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return the octets of an answer and its headers but for the length."""
    headers = list(_NO_STORE) if answer.headers is NO_STORE else raw_headers(answer.headers)
    if answer.body is None:
        return b"", headers
    if isinstance(answer.body, str):
        headers.append((b"content-type", answer.media_type.encode("latin-1")))
        return answer.body.encode(), headers
    headers.append(_JSON)
    return orjson.dumps(answer.body), headers


def raw_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI sends them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _read_body(receive: Receive) -> bytes:
    message: Mapping[str, Any] = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return body


_JSON = (b"content-type", b"application/json")
# Encoded once: encoding them for every answer costs more than the rest of rendering.
_NO_STORE = tuple(raw_headers(NO_STORE))
