"""HTTP as octets, for requests that no well-behaved client would send."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.nodes import Town

ANSWER_S = 20.0
REFUSED_BY_PARSER = b"Invalid HTTP request received."
"""What the HTTP parser says to octets that are no request; no application has seen them."""


@dataclass(frozen=True)
class RawRequest:
    """One request, octet for octet; `Host` and `Connection: close` are added unless `headers` name a Host."""

    method: str
    target: bytes
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: bytes = b""

    def render(self, host: str) -> bytes:
        """Return the octets to send."""
        headers = list(self.headers)
        names = {name.lower() for name, _ in headers}
        if b"host" not in names:
            headers.insert(0, (b"Host", host.encode()))
        if not names & {b"content-length", b"transfer-encoding"} and (self.body or self.method in ("POST", "PUT")):
            headers.append((b"Content-Length", str(len(self.body)).encode()))
        lines = [self.method.encode() + b" " + self.target + b" HTTP/1.1", b"Connection: close"]
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


@dataclass(frozen=True)
class RawAnswer:
    """One answer; header names in lower case, repeated ones in order."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name]


async def send(town: Town, request: RawRequest, *, node: int = 0) -> RawAnswer:
    """Send the request on a connection of its own and read the answer to its end."""
    return await send_octets(town, request.render(town.host), node=node)


async def send_octets(town: Town, octets: bytes, *, node: int = 0) -> RawAnswer:
    """Send anything at all; fails when no answer comes in time."""
    async with asyncio.timeout(ANSWER_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", town.nodes[node].port)
        try:
            writer.write(octets)
            try:
                await writer.drain()
                received = await reader.read(-1)
            except ConnectionError:
                received = b""
        finally:
            writer.close()
    return _parse(received)


def _parse(received: bytes) -> RawAnswer:
    head, _, body = received.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100"):
        return _parse(body)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    status = int(first.split(" ")[1]) if first.startswith("HTTP/1.") else 0
    if ("transfer-encoding", "chunked") in headers:
        body = _dechunk(body)
    return RawAnswer(status, headers, body)


def _dechunk(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            break
        whole, body = whole + rest[:length], rest[length + 2 :]
    return whole
