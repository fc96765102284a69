"""I02–I20: whatever is sent to whatever route, the answer is no 5xx, tells nothing of the inside, and carries the security headers.

The requests are drawn from a seed, so a failure repeats; it names the request that caused it.
"""

import asyncio
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.routing import Route

from gateway.routes import all_routes
from gateway.security.limits import RequestSizes
from tests.attacks.oddities import CANARY, CONTENT_TYPES, HEADERS, NAMES, SECRET_NAMES, VALUES, bend_json, escape
from tests.attacks.raw_http import REFUSED_BY_PARSER, RawAnswer, RawRequest, send
from tests.faults.nodes import Town
from tests.faults.population import APP
from tests.faults.visitor import LOOKUP, Doors, Visitor, authorization, lookup_body

SEED = 20260302
REQUESTS, LONG_REQUESTS = 3_000, 100_000
AT_ONCE = 8
LONGEST_PATIENCE_S = 5.0
SHOWN = 8
METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")

# Ending the session that the requests share would turn all later ones into redirects to the sign-in page.
_ENDINGS = frozenset({"/logout"})
_PARAMETER = re.compile(r"\{(\w+)[^}]*\}", re.ASCII)
NUMBERS: dict[str, tuple[str, ...]] = {
    "level": ("0", "1", "63", "64", "-1", "9999999999", "9" * 400, "9" * 5_000),
    "index": (
        "000",
        "999.p/256",
        "000.p/0",
        "x001/x234/067.p/8",
        "/".join(["x999"] * 5 + ["999"]),
        "x999/" * 6 + "999",
    ),
}
"""Parts of an address that are numbers: small, at the edge of a column and beyond it."""
_INSIDE = re.compile(
    rb"Traceback|site-packages|sqlalchemy|asyncpg|psycopg|redis\.exceptions|SELECT .* FROM|/tests/faults|\.py\b.{0,20}line \d",
    re.IGNORECASE,
)
_ALWAYS = ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control", "x-request-id")


@dataclass(frozen=True)
class Known:
    """What makes a request reach beyond the doors: a session with its form token, a client, a token."""

    cookie: bytes
    csrf_token: str
    basic: bytes
    bearer: bytes


@pytest.fixture
async def known(town: Town, doors: Doors) -> Known:
    """A citizen who is signed in, and a client with a token."""
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[11])
    await visitor.get("/account")
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    token = await doors.own_token()
    return Known(cookie.encode(), visitor.csrf_token, doors.basic(APP)["Authorization"].encode(), token.encode())


async def test_i20_three_thousand_bent_requests(town: Town, known: Known) -> None:
    """The routes of the product in turn, with every method."""
    await _bombard(town, known, REQUESTS)


@pytest.mark.long
async def test_i20_a_hundred_thousand_bent_requests(town: Town, known: Known) -> None:
    """The same for longer."""
    await _bombard(town, known, LONG_REQUESTS)


async def test_sound_requests_still_work(town: Town, doors: Doors, known: Known) -> None:
    """Positive control: what the bent requests are made of is accepted as long as nothing is bent."""
    for path, status in (("/licenses", 200), ("/account", 200), ("/oauth/jwks", 200), ("/help/errors", 200)):
        request = RawRequest("GET", path.encode(), ((b"Cookie", known.cookie),))
        answer = await send(town, request)
        assert answer.status == status
        _check(answer, request)
    assert (await doors.look_up(known.bearer.decode())).status_code == 200


async def test_i20_values_that_no_column_holds(town: Town, known: Known) -> None:
    """Numbers beyond their column and U+0000 are refused or not found wherever they arrive, signed in and in sound requests."""
    cookie = ((b"Cookie", known.cookie), (b"Sec-Fetch-Site", b"same-origin"))
    targets = [f"/ledger/tile/{level}/000" for level in NUMBERS["level"]]
    targets += [f"/ledger/tile/0/{index}" for index in NUMBERS["index"]]
    targets += ["/licenses/%00", "/licenses/a%00b", "/licenses?q=%00", "/accesses?cursor=%00", "/connected?result=%00"]
    targets += [
        f"/{page}?{name}=%00" for page in ("accesses", "accesses/export") for name in ("month", "license", "office")
    ]
    requests = [RawRequest("GET", target.encode(), cookie) for target in targets]
    form = (*cookie, (b"Content-Type", CONTENT_TYPES[0]))
    for pair in ("action=revoke&app=%00", "action=revoke&app=a%00b", "action=end&device=%00"):
        requests.append(RawRequest("POST", b"/connected", form, f"csrf_token={known.csrf_token}&{pair}".encode()))
    for request in requests:
        _check(await send(town, request), request)


async def _bombard(town: Town, known: Known, count: int) -> None:
    chance = random.Random(SEED)
    requests = _requests(town, known, chance, count)
    seen: dict[int, int] = {}
    wrongs: list[str] = []

    async def lane(number: int) -> None:
        for request in requests:
            answer = await _answered(town, request, node=number % 2)
            try:
                _check(answer, request)
            except AssertionError as wrong:
                wrongs.append(str(wrong)[:2_000])
            seen[answer.status] = seen.get(answer.status, 0) + 1

    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(lane(number))
    assert not wrongs, f"{len(wrongs)} wrong answers:\n" + "\n\n".join(wrongs[:SHOWN])
    # Control: the pages behind sign-in were really reached, to the last request.
    session = await send(town, RawRequest("GET", b"/account", ((b"Cookie", known.cookie),)))
    assert session.status == 200, "the shared session ended on the way"
    # Control: the requests were not all stopped at the door.
    assert seen.get(200, 0) > count / 50, seen
    assert len(seen) > 5, seen


async def _answered(town: Town, request: RawRequest, *, node: int) -> RawAnswer:
    """Send the request; a node that asks for patience gets it once, since a starved machine says 503 to sound requests too."""
    answer = await send(town, request, node=node)
    patience = answer.all("retry-after")
    if answer.status != 503 or not patience:
        return answer
    await asyncio.sleep(min(float(patience[0]), LONGEST_PATIENCE_S))
    return await send(town, request, node=node)


def _requests(town: Town, known: Known, chance: random.Random, count: int) -> Iterator[RawRequest]:
    routes = [route for route in all_routes() if isinstance(route, Route)]
    for number in range(count):
        route = routes[number % len(routes)]
        method = chance.choice(sorted(route.methods or {"GET"})) if chance.random() < 0.85 else chance.choice(METHODS)
        yield _request(town, known, route.path, method, chance)


def _request(town: Town, known: Known, path: str, method: str, chance: random.Random) -> RawRequest:
    def fill(part: re.Match[str]) -> str:
        if part[1] in NUMBERS and chance.random() < 0.8:
            return chance.choice(NUMBERS[part[1]])
        return escape(chance.choice(VALUES)[:200]).decode() if chance.random() < 0.8 else "0"

    target = _PARAMETER.sub(fill, path).encode()
    headers: list[tuple[bytes, bytes]] = []
    if chance.random() < 0.7 and path not in _ENDINGS:
        headers += [(b"Cookie", known.cookie), (b"Sec-Fetch-Site", b"same-origin")]
    if path.startswith("/oauth/") and chance.random() < 0.7:
        headers.append((b"Authorization", known.basic))
    if (path.startswith("/api/") or path == "/oauth/userinfo") and chance.random() < 0.8:
        headers.append((b"Authorization", b"Bearer " + known.bearer))
    parameters = _parameters(path, known, chance)
    body = b""
    if method == "POST" and path == LOOKUP:
        headers.append((b"Content-Type", b"application/json"))
        body = bend_json(lookup_body(town), chance)
    elif method in ("POST", "PUT", "PATCH", "DELETE"):
        headers.append((b"Content-Type", CONTENT_TYPES[0] if chance.random() < 0.8 else chance.choice(CONTENT_TYPES)))
        body = parameters if chance.random() < 0.95 else b"a=" + b"b" * 70_000
    else:
        target += b"?" + parameters
    if chance.random() < 0.4:
        headers.append(chance.choice(HEADERS))
    return RawRequest(method, target, tuple(headers), body)


def _parameters(path: str, known: Known, chance: random.Random) -> bytes:
    """Return a query or form: sound where the route is known, then bent in one to four places."""
    pairs: list[tuple[bytes, bytes]] = []
    if path == "/oauth/authorize":
        pairs = [(name.encode(), escape((value or "").encode())) for name, value in authorization(APP).items()]
    elif chance.random() < 0.9:
        pairs = [(b"csrf_token", known.csrf_token.encode())]
    for _ in range(chance.randrange(1, 5)):
        name = chance.choice(NAMES)
        value = CANARY.encode() if name in SECRET_NAMES and chance.random() < 0.6 else escape(chance.choice(VALUES))
        bent = (name.encode(), value)
        fate = chance.random()
        if pairs and fate < 0.3:
            pairs[chance.randrange(len(pairs))] = bent
        elif pairs and fate < 0.4:
            pairs.append(chance.choice(pairs))
        elif pairs and fate < 0.5:
            pairs.pop(chance.randrange(len(pairs)))
        else:
            pairs.append(bent)
    return b"&".join(name + b"=" + value for name, value in pairs)


def _check(answer: RawAnswer, request: RawRequest) -> None:
    if answer.body.startswith(REFUSED_BY_PARSER) or (answer.status == 0 and request.method == "BREW"):
        return
    if answer.status == 0 and len(request.body) > RequestSizes().body_octets:
        # Closed while the rest of a body that nobody wants was still on its way.
        return
    what = f"{answer.status} to {request.method} {request.target[:600]!r} {request.headers!r} {request.body[:600]!r}"
    assert 200 <= answer.status < 500, what
    assert b"<script>alert(1)" not in answer.body, what
    assert not _INSIDE.search(answer.body), what
    # A page may name its own address, with what somebody wrote into it; a form's secret it never repeats.
    if CANARY.encode() not in request.target:
        assert CANARY.encode() not in answer.body, what
        assert CANARY not in str(answer.headers), what
    for name in _ALWAYS:
        assert len(answer.all(name)) == 1, f"{name} {answer.all(name)}: {what}"
    assert "x-injected" not in dict(answer.headers), what
    location = dict(answer.headers).get("location", "")
    assert "evil.test" not in location.partition("?")[0], what
    assert not location.lower().startswith(("javascript:", "//", "\\")), what
