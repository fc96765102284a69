"""The load generator's connection, against a real server on a real socket that answers octet by octet as it is told."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from loadtests.calls import Call, Conversation, WrongAnswer, expect, hold
from loadtests.connection import Connection, render_request
from loadtests.measure import Target
from loadtests.scenarios import hold_all

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REQUEST = render_request("GET", "/", host="127.0.0.1", headers={})


@asynccontextmanager
async def server(speak: Speak) -> AsyncIterator[int]:
    """A TCP server on a free loopback port; `speak` deals with each connection."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await speak(reader, writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(one, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read one request, body included; the load generator always names its length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return head + await reader.readexactly(int(length.partition(b":")[2]))


def answering(*answers: bytes) -> Speak:
    """Answer one request after another with these octets on one connection."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await read_request(reader)
            writer.write(answer)
            await writer.drain()

    return speak


async def test_answer_in_single_octets_is_read_whole() -> None:
    """TCP promises no boundaries: a header or a body may come in any pieces."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for octet in b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: a\r\n\r\nhello":
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0)

    async with server(drip) as port:
        connection = await Connection.open(port)
        reply = await asyncio.wait_for(connection.send(REQUEST), 5)
        connection.close()
    assert (reply.status, reply.body, reply.header("x-one")) == (200, b"hello", "a")


async def test_chunked_answer_is_joined() -> None:
    """Servers that do not know the length send chunks; their frames are no part of the body."""
    octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with server(answering(octets)) as port:
        connection = await Connection.open(port)
        reply = await asyncio.wait_for(connection.send(REQUEST), 5)
        connection.close()
    assert reply.body == b"abcde"


async def test_one_connection_carries_many_answers_without_mixing_them() -> None:
    """Keep-alive is what is measured: nothing of one answer may show in the next."""
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a=1; Path=/\r\n\r\none"
    second = b"HTTP/1.1 303 See Other\r\nContent-Length: 0\r\nSet-Cookie: b=2\r\nSet-Cookie: c=3=4\r\n\r\n"
    async with server(answering(first, second)) as port:
        connection = await Connection.open(port)
        one = await asyncio.wait_for(connection.send(REQUEST), 5)
        two = await asyncio.wait_for(connection.send(REQUEST), 5)
        connection.close()
    assert (one.status, one.body, one.cookies()) == (200, b"one", {"a": "1"})
    assert (two.status, two.body, two.cookies()) == (303, b"", {"b": "2", "c": "3=4"})


async def test_server_that_hangs_up_fails_the_request() -> None:
    """A lost answer must never be waited for until the end of the run, nor be taken for one."""
    async with server(answering(b"")) as port:
        connection = await Connection.open(port)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(connection.send(REQUEST), 5)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(connection.send(REQUEST), 5)
        assert not connection.is_open


async def test_answer_that_is_not_http_fails_the_request() -> None:
    """A foreign server on the port is an error of the run, not a crash in a callback of the loop."""
    async with server(answering(b"SSH-2.0-OpenSSH_9.2\r\n")) as port:
        connection = await Connection.open(port)
        with pytest.raises(ConnectionError, match="not HTTP"):
            await asyncio.wait_for(connection.send(REQUEST), 5)


async def test_conversation_is_played_and_its_requests_arrive_as_written() -> None:
    """A conversation knows no sockets; what it yields has to reach the server octet by octet."""
    received: list[bytes] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            received.append(await read_request(reader))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def talk() -> Conversation:
        reply = yield Call("GET", "/first")
        expect(reply, 200, "first")
        reply = yield Call("POST", "/second", {"Authorization": "Basic eDp5"}, b"a=1")
        expect(reply, 200, "second")

    async with server(record) as port:
        connection = await Connection.open(port)
        await asyncio.wait_for(hold(talk(), connection, host="bench.test"), 5)
        connection.close()
    assert received[0] == b"GET /first HTTP/1.1\r\nhost: bench.test\r\n\r\n"
    assert received[1] == (
        b"POST /second HTTP/1.1\r\nhost: bench.test\r\nauthorization: Basic eDp5\r\n"
        b"content-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n\r\na=1"
    )


async def test_wrong_status_ends_the_conversation() -> None:
    """A refusal is answered faster than the real thing; counted as success it would flatter the server."""

    def talk() -> Conversation:
        reply = yield Call("GET", "/")
        expect(reply, 200, "token")

    async with server(answering(b"HTTP/1.1 429 Too Many\r\nContent-Length: 4\r\n\r\nslow")) as port:
        connection = await Connection.open(port)
        with pytest.raises(WrongAnswer, match="token: 429 instead of 200: slow"):
            await asyncio.wait_for(hold(talk(), connection, host="bench.test"), 5)
        connection.close()


async def test_wrong_page_is_told_in_its_own_words() -> None:
    """A person reads why a run failed: the main part of the page without its markup, not the beginning of a document."""
    page = "<!doctype html><html><head><title>t</title></head><body><main id=m>\n<h1>Busy</h1> <p>Error <b>10003</b></p></main>"
    octets = page.encode()

    def talk() -> Conversation:
        reply = yield Call("GET", "/login")
        expect(reply, 200, "sign-in page")

    answer = b"HTTP/1.1 503 Busy\r\nContent-Length: %d\r\n\r\n%s" % (len(octets), octets)
    async with server(answering(answer)) as port:
        connection = await Connection.open(port)
        with pytest.raises(WrongAnswer) as heard:
            await asyncio.wait_for(hold(talk(), connection, host="bench.test"), 5)
        connection.close()
    assert str(heard.value) == "sign-in page: 503 instead of 200: Busy Error 10003"


async def test_first_failure_of_a_preparation_is_raised_by_itself() -> None:
    """Several connections prepare at once; whoever prepared is told of one wrong answer, not of a group of them."""

    def talk() -> Conversation:
        reply = yield Call("GET", "/")
        expect(reply, 200, "token")

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # More connections are opened than are used.
        with suppress(asyncio.IncompleteReadError):
            await answering(b"HTTP/1.1 429 Too Many\r\nContent-Length: 4\r\n\r\nslow")(reader, writer)

    async with server(refuse) as port:
        with pytest.raises(WrongAnswer, match="token: 429"):
            await asyncio.wait_for(hold_all([talk(), talk(), talk()], Target(port, os.getpid())), 5)
