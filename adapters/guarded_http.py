"""One bounded HTTP client for everything the product fetches: upper systems, and URLs that a client
registered.

Bounds: a total deadline over connect, send and receive; a cap on the answer's octets as they arrive; no
redirects; no proxy from the environment; no content coding (an answer cannot be a compression bomb); HTTPS
unless plain HTTP is allowed; and, with `networks="public"`, only public addresses, checked on the address
that is connected to before one octet is sent.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal, Self

import httpcore2
import httpx2

from adapters.outside_addresses import is_inner_literal, is_permitted_port, is_public_address

Networks = Literal["any", "public"]

DEADLINE = timedelta(seconds=5)
MAX_BYTES = 65_536
_MAX_URL = 8_192


class FetchFailed(Exception):
    """A fetch did not bring a complete answer. The message is for the log: it names the host, never the path
    or the body. `problem` is for records and refusals: a few words that name nobody.
    """

    problem: ClassVar[str] = "broken answer"


class FetchRefused(FetchFailed):
    """Our own rules forbid the address, port or scheme; nothing was sent."""

    problem = "address not allowed"


class FetchNotConnected(FetchFailed):
    """No connection came about (refused, unknown host, TLS not trusted); nothing was sent, so a retry repeats
    nothing.
    """

    problem = "no connection"


class FetchTimedOut(FetchFailed):
    """The deadline passed; whether the other side acted on the request is unknown."""

    problem = "timed out"


class FetchTooLarge(FetchFailed):
    """The answer exceeded the cap and was cut off."""

    problem = "answer too large"


class FetchBroken(FetchFailed):
    """The connection broke or the answer was not valid HTTP; whether the other side acted is unknown."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete answer of any status; `content_type` is the bare media type in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    content_type: str


class GuardedHttp:
    """A connection pool with the bounds above. One instance serves many tasks of one event loop; close it
    with the loop's work.
    """

    def __init__(
        self,
        *,
        networks: Networks = "public",
        allow_http: bool = False,
        ca_file: str | None = None,
        max_connections: int = 64,
    ) -> None:
        self._networks = networks
        self._allow_http = allow_http
        context = ssl.create_default_context(cafile=ca_file)
        self._client = httpx2.AsyncClient(
            transport=_PooledTransport(context, _CheckingBackend(networks), max_connections),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx2.Timeout(None),
        )

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        deadline: timedelta = DEADLINE,
        max_bytes: int = MAX_BYTES,
    ) -> Fetched:
        """Send one request and return the complete answer, whatever its status; any failure is a
        `FetchFailed`.

        A redirect is an answer like any other. Not checked: the media type and the meaning of the status.
        """
        target = self.check_url(url)
        request = self._client.build_request(
            method, target, headers={"Accept-Encoding": "identity", **(headers or {})}, content=body or None
        )
        try:
            async with asyncio.timeout(deadline.total_seconds()):
                return await self._send(request, max_bytes)
        except TimeoutError as error:
            seconds = deadline.total_seconds()
            raise FetchTimedOut(f"{target.host}: no complete answer in {seconds:g} s") from error
        except httpx2.ConnectError as error:
            if isinstance(error.__cause__, _AddressRefused):
                raise FetchRefused(f"{target.host}: {error.__cause__}") from error
            raise FetchNotConnected(f"{target.host}: {type(error).__name__}") from error
        except (httpx2.TransportError, httpx2.StreamError, httpx2.DecodingError) as error:
            raise FetchBroken(f"{target.host}: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close every pooled connection."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def check_url(self, url: str) -> httpx2.URL:
        """Parse the URL or raise FetchRefused for one that is too long, not HTTP(S), carries a password, has a barred port, or spells
        an inner address out; nothing is resolved.
        """
        # Control characters first: URL parsers disagree on them, so none may reach one.
        if len(url) > _MAX_URL or any(character <= " " or character == "\\" for character in url):
            raise FetchRefused("the URL is too long or holds characters that URL parsers read differently")
        try:
            target = httpx2.URL(url)
        except httpx2.InvalidURL as error:
            raise FetchRefused("the URL cannot be parsed") from error
        if target.scheme != "https" and not (target.scheme == "http" and self._allow_http):
            raise FetchRefused(f"scheme {target.scheme!r} is not allowed")
        if not target.host or target.userinfo:
            raise FetchRefused("the URL names no host or carries credentials")
        port = target.port or (443 if target.scheme == "https" else 80)
        if self._networks == "public" and not is_permitted_port(port):
            raise FetchRefused(f"port {port} is not allowed")
        if self._networks == "public" and is_inner_literal(target.host):
            raise FetchRefused("the URL names an address that is not public")
        return target

    async def _send(self, request: httpx2.Request, max_bytes: int) -> Fetched:
        response = await self._client.send(request, stream=True)
        try:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise FetchBroken(f"{request.url.host}: a content coding that was not offered")
            received = bytearray()
            async for chunk in response.aiter_raw():
                received += chunk
                if len(received) > max_bytes:
                    raise FetchTooLarge(f"{request.url.host}: the answer exceeds {max_bytes} octets")
        finally:
            await response.aclose()
        content_type = response.headers.get("content-type", "").split(";", 1)[0].strip().lower()
        return Fetched(response.status_code, response.headers, bytes(received), content_type)


class _AddressRefused(httpcore2.ConnectError):
    """The resolved address lies outside the allowed networks."""


class _CheckingBackend(httpcore2.AnyIOBackend):
    """Resolves a host once, checks every address, and connects to a checked one, so that no second resolution
    can differ.
    """

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self._networks = networks

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to `host`, trying its addresses in turn."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the host name does not resolve") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        # One inner address among public ones is a rebinding attempt: refuse the name as a whole.
        if self._networks == "public" and not all(is_public_address(address) for address in addresses):
            raise _AddressRefused("the host resolves to an address that is not public")
        last: Exception = httpcore2.ConnectError("the host name has no address")
        for address in addresses:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last


class _PooledTransport(httpx2.AsyncHTTPTransport):
    """The library's transport over a pool whose connections are opened by the checking backend."""

    def __init__(self, context: ssl.SSLContext, backend: _CheckingBackend, max_connections: int) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=15.0,
            network_backend=backend,
        )
