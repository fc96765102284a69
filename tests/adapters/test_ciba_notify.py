"""CIBA notifications over the guarded client: what is sent, what is never followed, and which addresses are never reached (D10)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from adapters.ciba_notify import HttpCibaNotifier
from adapters.guarded_http import GuardedHttp
from foundation.outbox import NotDelivered

SECOND = timedelta(seconds=1)


@asynccontextmanager
async def answering(answer: bytes, seen: list[bytes]) -> AsyncIterator[int]:
    """Serve one answer to everybody on a free loopback port and keep what they sent."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        seen.append(head + await reader.readexactly(length))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_the_client_gets_its_own_token_and_the_auth_req_id() -> None:
    """CIBA Core §10.2: POST, JSON, Bearer; 204 is taken."""
    seen: list[bytes] = []
    async with (
        GuardedHttp(networks="any", allow_http=True) as http,
        answering(b"HTTP/1.1 204 No Content\r\n\r\n", seen) as port,
    ):
        status = await HttpCibaNotifier(http).notify(
            f"http://127.0.0.1:{port}/ciba", bearer="t-1", body=b'{"auth_req_id":"a-1"}', timeout=SECOND
        )
    assert status == 204
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /ciba HTTP/1.1")
    assert b"authorization: bearer t-1" in head.lower()
    assert b"content-type: application/json" in head.lower()
    assert body == b'{"auth_req_id":"a-1"}'


async def test_a_redirect_is_a_status_and_nothing_more() -> None:
    """The target of the redirect is never called."""
    canary: list[bytes] = []
    seen: list[bytes] = []
    async with (
        GuardedHttp(networks="any", allow_http=True) as http,
        answering(b"HTTP/1.1 204 No Content\r\n\r\n", canary) as inner,
        answering(
            f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner}/\r\nContent-Length: 0\r\n\r\n".encode(), seen
        ) as port,
    ):
        status = await HttpCibaNotifier(http).notify(
            f"http://127.0.0.1:{port}/", bearer="t", body=b"{}", timeout=SECOND
        )
    assert status == 302
    assert len(seen) == 1
    assert canary == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "0.0.0.0", "localhost"])
async def test_inner_addresses_are_not_called(host: str) -> None:
    """Nobody is called, and the record says why in a word."""
    async with GuardedHttp(networks="public", allow_http=True) as http:
        with pytest.raises(NotDelivered) as caught:
            await HttpCibaNotifier(http).notify(f"http://{host}:8001/x", bearer="t", body=b"{}", timeout=SECOND)
    assert caught.value.problem == "address not allowed"
