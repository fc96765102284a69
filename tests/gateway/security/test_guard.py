"""The guard around a small application: what it refuses, what it lets through, and what every answer carries."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import Message

from foundation.entropy import SystemEntropy
from foundation.problems import RenzhengError, StorageUnavailable
from gateway.security.csrf import CsrfTokens
from gateway.security.guard import Guard
from gateway.security.limits import RequestSizes
from gateway.security.network import client_network
from gateway.security.page_limit import TooManyPages
from idp.signin.flows import FLOW_COOKIE

ISSUER = "https://rz.example"
CSRF = CsrfTokens(b"k" * 32)
BROWSER = "b" * 43


async def _echo(request: Request) -> Response:
    form = getattr(request.state, "form", None)
    body = await request.body()
    return JSONResponse({"form": dict(form) if form else None, "octets": len(body), "network": request.state.network})


async def _fail(request: Request) -> Response:
    if request.path_params["how"] == "storage":
        raise StorageUnavailable("test")
    raise ZeroDivisionError("the inner text")


async def _show(request: Request, failure: Exception) -> Response:
    status = failure.status if isinstance(failure, RenzhengError) else getattr(failure, "status_code", 500)
    return PlainTextResponse(type(failure).__name__ if status != 500 else "withheld", status)


async def _count(request: Request) -> None:
    if request.headers.get("user-agent") == "too-often":
        raise TooManyPages(7)


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the guarded application, in process."""
    inner = Router(
        routes=[
            Route("/echo", _echo, methods=["GET", "POST"]),
            Route("/oauth/echo", _echo, methods=["POST"]),
            Route("/livez", _echo),
            Route("/fail/{how}", _fail),
        ]
    )
    transport = httpx2.ASGITransport(app=_guarded(inner))
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as opened:
        yield opened


def _guarded(inner: Router) -> Guard:
    return Guard(
        inner,
        issuer=ISSUER,
        allowed_hosts=frozenset(),
        trusted_proxies=frozenset({"10.0.0.9"}),
        csrf=CSRF,
        entropy=SystemEntropy(),
        count_page=_count,
        failure_response=_show,
        deadline_s=5,
        sizes=RequestSizes(),
    )


def _form_headers(**changes: str) -> dict[str, str]:
    headers = {
        "cookie": f"{FLOW_COOKIE}={BROWSER}",
        "sec-fetch-site": "same-origin",
        "origin": ISSUER,
        "content-type": "application/x-www-form-urlencoded",
    }
    return {name: value for name, value in {**headers, **changes}.items() if value}


async def test_a_form_of_our_own_page_arrives_parsed(client: httpx2.AsyncClient) -> None:
    """The positive control of every refusal below; the body can still be read by the handler."""
    body = f"csrf_token={CSRF.token(BROWSER)}&name=%E5%BC%A0"
    answer = await client.post("/echo", content=body, headers=_form_headers())
    assert answer.status_code == 200
    assert answer.json()["form"]["name"] == "张"
    assert answer.json()["octets"] == len(body)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        pytest.param({"cookie": ""}, CSRF.token(BROWSER), id="no browser cookie"),
        pytest.param({"cookie": f"{FLOW_COOKIE}={'c' * 43}"}, CSRF.token(BROWSER), id="another browser's token"),
        pytest.param(
            {"cookie": f"{FLOW_COOKIE}={BROWSER}; {FLOW_COOKIE}={BROWSER}"}, CSRF.token(BROWSER), id="the cookie twice"
        ),
        pytest.param({"sec-fetch-site": "cross-site"}, CSRF.token(BROWSER), id="sent from another site"),
        pytest.param({"sec-fetch-site": "same-site"}, CSRF.token(BROWSER), id="sent from a sibling host"),
        pytest.param(
            {"sec-fetch-site": "", "origin": "https://evil.example"},
            CSRF.token(BROWSER),
            id="foreign origin, old browser",
        ),
        pytest.param({}, "", id="no token"),
        pytest.param({}, CSRF.token(BROWSER)[:-1] + "!", id="altered token"),
    ],
)
async def test_a_foreign_form_is_refused(client: httpx2.AsyncClient, headers: dict[str, str], token: str) -> None:
    """W10: two independent signs, and both must hold."""
    answer = await client.post("/echo", content=f"csrf_token={token}", headers=_form_headers(**headers))
    assert (answer.status_code, answer.text) == (403, "ForeignForm")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param(b'{"a":1}', "application/json", id="JSON"),
        pytest.param(b"a=1", "text/plain", id="plain text"),
        pytest.param(b"--x\r\n\r\n", "multipart/form-data; boundary=x", id="multipart"),
        pytest.param(b"a=%ff", "application/x-www-form-urlencoded", id="not UTF-8"),
        pytest.param("a=张".encode(), "application/x-www-form-urlencoded", id="raw octets"),
        pytest.param(
            b"&".join(b"a%d=1" % number for number in range(300)), "application/x-www-form-urlencoded", id="300 fields"
        ),
    ],
)
async def test_what_is_not_one_plain_form_is_refused(
    client: httpx2.AsyncClient, content: bytes, content_type: str
) -> None:
    """I16: content-type confusion ends at the door, with a client error."""
    answer = await client.post("/echo", content=content, headers=_form_headers(**{"content-type": content_type}))
    assert answer.status_code == 400


async def test_back_channel_posts_need_no_browser(client: httpx2.AsyncClient) -> None:
    """A relying party's server has neither our cookie nor our token; those endpoints authenticate it themselves."""
    answer = await client.post(
        "/oauth/echo", content=b"a=1", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        pytest.param("/echo?" + "a" * 9000, {}, 414, id="an address of 9 KB"),
        pytest.param("/echo", {f"x-{number}": "1" for number in range(120)}, 431, id="120 headers"),
        pytest.param("/echo", {"x-long": "a" * 40_000}, 431, id="40 KB of header"),
        pytest.param("/echo", {"host": "evil.example"}, 421, id="another host"),
        pytest.param("/echo", {"host": "rz.example@evil.example"}, 421, id="our name before an at sign"),
        pytest.param("/livez", {"host": "10.1.2.3"}, 200, id="a probe by address"),
        pytest.param("/echo", {}, 200, id="an ordinary request"),
    ],
)
async def test_the_head_of_a_request_is_measured(
    client: httpx2.AsyncClient, target: str, headers: dict[str, str], status: int
) -> None:
    """I09, M10: sizes and host are decided before anything is parsed."""
    assert (await client.get(target, headers=headers)).status_code == status


async def test_an_endless_body_is_cut_off(client: httpx2.AsyncClient) -> None:
    """I01: without a Content-Length the body is counted while it comes."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"a" * 4096

    answer = await client.post(
        "/oauth/echo", content=endless(), headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 413


async def test_half_a_form_is_acted_on_by_nobody() -> None:
    """Who goes away within the body has sent nothing: `amount=1` of `amount=100` would be another form."""
    reached: list[str] = []

    async def act(request: Request) -> Response:
        reached.append(request.url.path)
        return PlainTextResponse("done")

    app = _guarded(Router(routes=[Route("/echo", act, methods=["POST"])]))
    body = f"csrf_token={CSRF.token(BROWSER)}&amount=1".encode()
    headers = [(name.encode(), value.encode()) for name, value in {**_form_headers(), "host": "rz.example"}.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/echo",
        "raw_path": b"/echo",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "scheme": "https",
        "root_path": "",
        "http_version": "1.1",
    }
    for last, status in (
        ({"type": "http.disconnect"}, 400),
        ({"type": "http.request", "body": b"00", "more_body": False}, 200),
    ):
        messages = iter([{"type": "http.request", "body": body, "more_body": True}, last])
        sent: list[Message] = []

        async def receive(messages: Iterator[Message] = messages) -> Message:
            return next(messages)

        async def send(message: Message, sent: list[Message] = sent) -> None:
            sent.append(message)

        await app(dict(scope), receive, send)
        assert sent[0]["status"] == status
    assert reached == ["/echo"]


async def test_every_answer_carries_the_security_headers(client: httpx2.AsyncClient) -> None:
    """W02, W04, W06, F19: also on refusals and failures."""
    for target in ("/echo", "/fail/storage", "/fail/bug", "/nothing"):
        client.cookies.clear()
        headers = (await client.get(target)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"].startswith("max-age=")
        assert headers["cache-control"] == "no-store"
        assert headers["x-request-id"]
        cookie = headers["set-cookie"]
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


async def test_failures_withhold_what_is_inside(client: httpx2.AsyncClient) -> None:
    """An unknown exception becomes 500 without its text; a known one keeps its status."""
    unknown = await client.get("/fail/bug")
    assert (unknown.status_code, unknown.text) == (500, "withheld")
    assert (await client.get("/fail/storage")).status_code == 503


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        pytest.param("10.0.0.9", ["1.1.1.1, 2.2.2.2"], "2.2.2.2", id="a trusted proxy vouches for the last hop only"),
        pytest.param("10.0.0.8", ["2.2.2.2"], "10.0.0.8", id="anybody else is believed nothing"),
        pytest.param("10.0.0.9", ["1.1.1.1", "2.2.2.2"], "10.0.0.9", id="a repeated header is no header"),
        pytest.param(None, ["2.2.2.2"], "2.2.2.2", id="a trusted Unix socket"),
        pytest.param("10.0.0.9", ["unknown"], "10.0.0.9", id="an obfuscated identifier is no address"),
        pytest.param("10.0.0.9", ["evil.example"], "10.0.0.9", id="a name is not resolved"),
        pytest.param("10.0.0.9", ["2001:DB8::1"], "2001:db8::1", id="IPv6 in canonical form"),
        pytest.param("10.0.0.9", [], "10.0.0.9", id="no header"),
    ],
)
def test_the_network_is_only_what_can_be_believed(peer: str | None, forwarded: list[str], network: str) -> None:
    """M08: throttles count by this address, so it must not be the client's to choose."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    assert client_network(peer, headers, trusted={"10.0.0.9", "unix"}) == network
    assert client_network(peer, headers, trusted=set()) == (peer or "unknown")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/echo", 429), ("/nothing", 429), ("/oauth/authorize", 429), ("/oauth/echo", 200), ("/livez", 200)],
)
async def test_pages_are_counted_and_nothing_else(client: httpx2.AsyncClient, path: str, status: int) -> None:
    """The back channel and the probes pay nothing for it, and a page is refused before its form is read."""
    method = "POST" if path.startswith("/oauth/") else "GET"
    answer = await client.request(method, path, headers={"user-agent": "too-often"})
    assert (answer.status_code, answer.text == "TooManyPages") == (status, status == 429)


async def test_an_operator_may_allow_more() -> None:
    """A permitted size is let through, and the next larger one is refused as before."""
    app = Guard(
        Router(routes=[Route("/oauth/echo", _echo, methods=["POST"])]),
        issuer=ISSUER,
        allowed_hosts=frozenset(),
        trusted_proxies=frozenset(),
        csrf=CSRF,
        entropy=SystemEntropy(),
        count_page=_count,
        failure_response=_show,
        deadline_s=5,
        sizes=RequestSizes(url_octets=16_384, headers=200, body_octets=131_072),
    )
    more = {f"x-{number}": "1" for number in range(150)}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ISSUER) as client:
        for size, status in ((131_072, 200), (131_073, 413)):
            answer = await client.post("/oauth/echo?" + "a" * 9_000, content=b"a" * size, headers=more)
            assert answer.status_code == status


async def _linger(_request: Request) -> Response:
    await asyncio.sleep(30)
    return PlainTextResponse("too late")


async def test_a_request_past_its_deadline_is_answered_with_503() -> None:
    """V01: whatever hangs inside, the client is told in time, and the task that served it is free again."""
    app = Guard(
        Router(routes=[Route("/linger", _linger)]),
        issuer=ISSUER,
        allowed_hosts=frozenset(),
        trusted_proxies=frozenset(),
        csrf=CSRF,
        entropy=SystemEntropy(),
        count_page=_count,
        failure_response=_show,
        deadline_s=0.05,
        sizes=RequestSizes(),
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ISSUER) as client:
        for _ in range(2):
            answer = await client.get("/linger")
            assert (answer.status_code, answer.text) == (503, "ServiceUnavailable")
