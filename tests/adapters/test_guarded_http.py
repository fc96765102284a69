"""The bounded client: what it refuses before it sends, and how it ends what comes back (Q02, Q04, L09)."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.guarded_http import (
    FetchBroken,
    FetchNotConnected,
    FetchRefused,
    FetchTimedOut,
    FetchTooLarge,
    GuardedHttp,
)
from adapters.logout_post import HttpLogoutPoster
from adapters.outside_addresses import is_inner_literal, is_permitted_port, is_public_address
from foundation.clock import system_clock
from foundation.outbox import NotDelivered

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(conversation: Conversation, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Yield the port of a server that speaks as told."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await conversation(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def saying(octets: bytes, *, then: float = 0.0) -> Conversation:
    """Read the request's head, say the octets, wait and close."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(octets)
        await writer.drain()
        await asyncio.sleep(then)

    return conversation


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
        "0.0.0.0", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0",
        "fec0::1", "ff02::1", "not an address",
    ],
)  # fmt: skip
def test_special_addresses_are_not_public(address: str) -> None:
    """Q02: no special-purpose address, however it is wrapped."""
    assert not is_public_address(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "10.0.0.1.", "[::1]", "::1",
        "[::ffff:127.0.0.1]", "fe80::1%eth0", "localhost", "LOCALHOST.", "x.localhost", "１２７.0.0.1", "1.2.3", "1.1.1.256",
    ],
)  # fmt: skip
def test_spelled_out_inner_hosts_are_known_without_resolving(host: str) -> None:
    """Q02: every spelling that a resolver takes for a number, and the names of this machine."""
    assert is_inner_literal(host)


@pytest.mark.parametrize(
    "host",
    ["1.1.1.1", "1.1.1.1.", "[2400:3200::1]", "gzf.test", "10.0.0.1.gzf.test", "3com.test", "localhost.test", "a.b-1"],
)
def test_names_and_public_literals_may_be_asked_for(host: str) -> None:
    """Positive control: what a name resolves to is judged when it is connected to."""
    assert not is_inner_literal(host)


@pytest.mark.parametrize("address", ["1.1.1.1", "223.5.5.5", "::ffff:1.1.1.1", "2400:3200::1"])
def test_global_unicast_addresses_are_public(address: str) -> None:
    """Positive control: ordinary addresses pass."""
    assert is_public_address(address)


@pytest.mark.parametrize(("port", "expected"), [(443, True), (80, True), (8443, True), (22, False), (6379, False)])
def test_ports_of_infrastructure_are_not_permitted(port: int, expected: bool) -> None:
    """Q02: a web hook never reaches a shell, a mail server or a data store."""
    assert is_permitted_port(port) is expected


@pytest.mark.parametrize(
    ("host", "refusals"),
    [
        ("127.0.0.1", (FetchRefused,)),
        ("localhost", (FetchRefused,)),
        ("[::1]", (FetchRefused,)),
        # Spellings that the resolver may turn into this machine, or not resolve at all.
        ("[::ffff:127.0.0.1]", (FetchRefused, FetchNotConnected)),
        ("localhost.", (FetchRefused, FetchNotConnected)),
        ("2130706433", (FetchRefused, FetchNotConnected)),
        ("0x7f000001", (FetchRefused, FetchNotConnected)),
        ("0177.0.0.1", (FetchRefused, FetchNotConnected)),
    ],
)
async def test_inner_addresses_are_refused_before_a_connection(
    host: str, refusals: tuple[type[Exception], ...]
) -> None:
    """Q02, L09: every spelling of this machine is refused, and the canary hears nothing."""
    heard: list[bytes] = []

    async def canary(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"connected")

    async with listening(canary) as port, GuardedHttp(networks="public", allow_http=True) as http:
        with pytest.raises(refusals):
            await http.fetch("GET", f"http://{host}:{port}/")
    assert heard == []


@pytest.mark.parametrize(
    "url",
    [
        "http://app.test/", "ftp://app.test/", "file:///etc/passwd", "https://user:pass@app.test/", "https://",
        "https://app.test/a b", "https://app.test/\r\nX: y", "https:\\\\app.test", "https://app.test:22/",
        "https://" + "a" * 9000 + ".test/",
    ],
)  # fmt: skip
async def test_urls_that_may_not_be_fetched_are_refused(url: str) -> None:
    """R05, R07, R12, R15 at the fetching door: refused without a resolution."""
    async with GuardedHttp() as http:
        with pytest.raises(FetchRefused):
            await http.fetch("POST", url, body=b"logout_token=x")


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    async with GuardedHttp(networks="any", allow_http=True) as client:
        yield client


async def test_redirects_are_answers_and_not_followed(http: GuardedHttp) -> None:
    """L09: a redirect to an inner address is never followed, since none is."""
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with listening(saying(answer)) as port:
        assert (await http.fetch("GET", f"http://127.0.0.1:{port}/")).status == 302


async def test_an_answer_beyond_the_cap_is_cut_off(http: GuardedHttp) -> None:
    """Q04: an endless answer costs the cap and no more."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(b"x" * 8192)
            await writer.drain()

    async with listening(endless) as port:
        with pytest.raises(FetchTooLarge):
            await http.fetch("GET", f"http://127.0.0.1:{port}/", max_bytes=100_000)


async def test_compressed_answers_are_refused(http: GuardedHttp) -> None:
    """Q04: no coding was offered, so a compression bomb is a broken answer."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
    async with listening(saying(answer)) as port:
        with pytest.raises(FetchBroken):
            await http.fetch("GET", f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
async def test_answers_that_are_not_http_are_broken(http: GuardedHttp, answer: bytes) -> None:
    """V12: truncated or foreign octets are one kind of failure."""
    async with listening(saying(answer)) as port:
        with pytest.raises(FetchBroken):
            await http.fetch("GET", f"http://127.0.0.1:{port}/")


async def test_the_deadline_covers_the_whole_exchange(http: GuardedHttp) -> None:
    """L09: sixty silent seconds cost the deadline."""
    began = asyncio.get_running_loop().time()
    async with listening(saying(b"HTTP/1.1 200 OK\r\n", then=60)) as port:
        with pytest.raises(FetchTimedOut):
            await http.fetch("GET", f"http://127.0.0.1:{port}/", deadline=timedelta(seconds=0.3))
    assert asyncio.get_running_loop().time() - began < 2


async def test_a_cut_off_call_leaves_no_answer_for_the_next(http: GuardedHttp) -> None:
    """V11: after a timeout the next caller on the same host gets its own answer."""
    async with listening(late_then_prompt()) as port:
        with pytest.raises(FetchTimedOut):
            await http.fetch("GET", f"http://127.0.0.1:{port}/first", deadline=timedelta(seconds=0.2))
        assert (await http.fetch("GET", f"http://127.0.0.1:{port}/second")).body == b"/second"


async def test_an_untrusted_certificate_fails_closed(tmp_path: Path) -> None:
    """U14: self-signed is no connection, and nothing was sent."""
    certificate, key = make_self_signed_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    answer = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    async with listening(answer, context) as port:
        async with GuardedHttp(networks="any") as http:
            with pytest.raises(FetchNotConnected):
                await http.fetch("GET", f"https://localhost:{port}/")
        async with GuardedHttp(networks="any", ca_file=str(certificate)) as trusting:
            assert (await trusting.fetch("GET", f"https://localhost:{port}/")).body == b"ok"
            with pytest.raises(FetchNotConnected):
                await trusting.fetch("GET", f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("conversation", "problem"),
    [
        (saying(b"HTTP/1.1 200 OK\r\n", then=60), "timed out"),
        (saying(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000), "answer too large"),
        (saying(b"nonsense\r\n"), "broken answer"),
    ],
)
async def test_undelivered_sign_out_messages_tell_why_in_a_word(
    http: GuardedHttp, conversation: Conversation, problem: str
) -> None:
    """L09: slow, huge and broken apps each get a receipt without their own text."""
    async with listening(conversation) as port:
        url = f"http://127.0.0.1:{port}/backchannel-logout"
        with pytest.raises(NotDelivered) as caught:
            await HttpLogoutPoster(http).post_form(url, {"logout_token": "t"}, timedelta(seconds=0.3))
    assert caught.value.problem == problem


async def test_a_sign_out_message_reaches_no_inner_address() -> None:
    """L09: the receipt says that the address is not allowed, and nobody was called."""
    async with GuardedHttp(networks="public", allow_http=True) as guarded:
        with pytest.raises(NotDelivered) as caught:
            await HttpLogoutPoster(guarded).post_form("http://127.0.0.1:8001/x", {}, timedelta(seconds=1))
    assert caught.value.problem == "address not allowed"


async def test_a_redirected_sign_out_message_is_its_status(http: GuardedHttp) -> None:
    """L09: the redirect's target is never called; the status decides."""
    answer = b"HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with listening(saying(answer)) as port:
        url = f"http://127.0.0.1:{port}/"
        assert await HttpLogoutPoster(http).post_form(url, {"a": "b"}, timedelta(seconds=2)) == 307


def make_self_signed_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for localhost and its key; return both paths."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = system_clock()
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate, key = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, key


def late_then_prompt() -> Conversation:
    """Answer the path that was asked for; the first answer comes late."""
    asked: list[bytes] = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1]
            asked.append(path)
            if len(asked) == 1:
                await asyncio.sleep(0.5)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))
            await writer.drain()

    return conversation
