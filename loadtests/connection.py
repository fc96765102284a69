"""One keep-alive HTTP/1.1 connection that costs the load generator as little as possible.

httptools parses, bytes go out in one write, nothing is followed, decoded or retried: what is measured is the server.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import httptools

LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class Reply:
    """One answer: status, headers in order of arrival with lower-case names, body."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return the first value of a header, empty when it is missing."""
        return next((value for key, value in self.headers if key == name), "")

    def cookies(self) -> dict[str, str]:
        """Return the cookies that the answer sets."""
        set_cookies = (value for key, value in self.headers if key == "set-cookie")
        return dict(value.split(";", 1)[0].split("=", 1) for value in set_cookies)


class Connection(asyncio.Protocol):
    """Sends one request at a time to a server on this machine; `close` it in the end.

    A request on a connection that is closed, or that closes while the answer is awaited, raises ConnectionError. There is
    no deadline: whoever drives the connection bounds the whole run.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._reply = Reply()
        self._done: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to the loopback address."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, LOOPBACK, port)
        return connection

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def send(self, request: bytes) -> Reply:
        """Send the octets of one request and return its answer."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("closed by the server")
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._done

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop when connected."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop; a request under way fails."""
        self._fail(exc or ConnectionResetError("closed by the server"))

    def data_received(self, data: bytes) -> None:
        """Called by the loop with octets of the answer; what is not HTTP fails the request and closes the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as broken:
            self._fail(ConnectionAbortedError(f"not HTTP: {type(broken).__name__}"))
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._reply.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._reply.body += body

    def on_message_complete(self) -> None:
        """Called by the parser when the answer is whole."""
        reply, self._reply = self._reply, Reply()
        reply.status = self._parser.get_status_code()
        self._parser = httptools.HttpResponseParser(self)
        if self._done is not None and not self._done.done():
            self._done.set_result(reply)

    def _fail(self, failure: Exception) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(failure)


def render_request(
    method: str, target: str, *, host: str, headers: Mapping[str, str], body: bytes | None = None
) -> bytes:
    """Render one HTTP/1.1 request; a body is an urlencoded form unless a content type is given."""
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}"]
    fields = {key.lower(): value for key, value in headers.items()}
    if body is not None:
        fields.setdefault("content-type", "application/x-www-form-urlencoded")
        fields["content-length"] = str(len(body))
    lines += [f"{key}: {value}" for key, value in fields.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")
