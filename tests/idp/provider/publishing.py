"""Apps of these tests that publish documents on this machine, and listeners that only count who comes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


def document(body: object, *, media_type: str = "application/json", status: str = "200 OK", more: str = "") -> bytes:
    """Render a whole HTTP answer; octets and text go as they are, anything else as JSON."""
    octets = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(octets)}\r\n{more}Connection: close\r\n\r\n"
    return head.encode() + octets


@dataclass
class Publisher:
    """A server that says `answer` to every request and counts them."""

    port: int = 0
    answer: bytes = b""
    pause: float = 0.0
    requests: list[str] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """An address of its document."""
        return f"http://127.0.0.1:{self.port}/published"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.decode("latin-1"))
            self.was_asked.set()
            await asyncio.sleep(self.pause)
            writer.write(self.answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def publishing(body: object = "", *, host: str = "127.0.0.1") -> AsyncIterator[Publisher]:
    """Yield a publisher of one document."""
    publisher = Publisher(answer=document(body))
    server = await asyncio.start_server(publisher.serve, host, 0)
    publisher.port = server.sockets[0].getsockname()[1]
    try:
        yield publisher
    finally:
        server.close()


@dataclass
class Canary:
    """Listens on every address of this machine and must never hear anything (NOEGRESS)."""

    port: int = 0
    connections: int = 0

    async def hear(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count one connection and close it."""
        self.connections += 1
        writer.close()


@asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    """Yield a listener on all IPv4 addresses of this machine, and on the IPv6 loopback where there is one."""
    listener = Canary()
    server = await asyncio.start_server(listener.hear, "0.0.0.0", 0)
    listener.port = server.sockets[0].getsockname()[1]
    servers = [server]
    # A machine without IPv6 cannot be reached over it either.
    with suppress(OSError):
        servers.append(await asyncio.start_server(listener.hear, "::1", listener.port))
    try:
        yield listener
    finally:
        for one in servers:
            one.close()
