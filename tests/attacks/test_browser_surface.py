"""Areas L and K of the attack cases, and what of A, D and U a browser can reach: black-box on the real pages.

Held in their own rooms, without processes: R01–R23, P01–P17, C02–C16, F07–F16, L01–L11, J01–J28, K02–K12, T01–T19 (tests/idp/provider),
A01–A30 in process (tests/idp/signin), E-rules (tests/certs_catalog), M08, M10, W02, W04, W06, I01, I09 (tests/gateway/security).
"""

import re
import secrets
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote, urlsplit

import pytest
from starlette.routing import Route

from gateway.routes import all_routes
from gateway.security.surfaces import Surface, surface_of
from idp.provider.registration.register import ClientRegistration, register_client
from tests.attacks.raw_http import RawRequest, send
from tests.faults.expectations import await_status
from tests.faults.nodes import Town
from tests.faults.operator import ACTOR, third_process
from tests.faults.population import APP, CALLBACK
from tests.faults.visitor import BROWSER_COOKIE, CALLBACKS, SESSION_COOKIE, Doors, Visitor

ELSEWHERE = (
    "//evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "https://evil.test/",
    "/%09/evil.test",
    "/\t/evil.test",
    "/.//evil.test",
    "javascript:alert(1)",
    "@evil.test",
    "///evil.test",
    "/x\r\nLocation: https://evil.test",
    "http://127.0.0.1@evil.test/",
    "data:text/html,x",
    "",
)


@pytest.mark.parametrize("goal", ELSEWHERE)
async def test_r25_next_stays_on_the_own_origin(town: Town, doors: Doors, goal: str) -> None:
    """After the sign-in and after a change of preferences nobody is led elsewhere."""
    visitor = Visitor(doors)
    await visitor.get("/login")
    person = town.population.citizens[0]
    signed_in = await visitor.post(
        "/login", {"identifier": person.user_name, "password": person.password, "next": goal}
    )
    changed = await visitor.post("/preferences", {"mode": "elder", "next": goal})
    already = await visitor.get("/login", next=goal)
    for answer in (signed_in, changed, already):
        assert answer.status_code == 303
        _expect_own_place(answer.headers["location"])


async def test_r25_an_own_place_is_returned_to(town: Town, doors: Doors) -> None:
    """Positive control, with a query of its own."""
    visitor = Visitor(doors)
    await visitor.get("/login")
    person = town.population.citizens[0]
    form = {"identifier": person.user_name, "password": person.password, "next": "/accesses?month=2026-05"}
    assert (await visitor.post("/login", form)).headers["location"] == "/accesses?month=2026-05"


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/token", "/oauth/userinfo", "/login", "/desk", "/account"])
@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1.evil.test"])
async def test_w03_no_foreign_origin_may_read(doors: Doors, path: str, origin: str) -> None:
    """Neither a preflight nor an answer names a foreign origin, and never with credentials."""
    preflight = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    for method, headers in (("OPTIONS", preflight), ("GET", {"Origin": origin})):
        answer = await doors.send(method, path, headers=headers)
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-credentials" not in answer.headers


def _page_posts() -> Iterator[str]:
    for route in all_routes():
        if isinstance(route, Route) and "POST" in (route.methods or ()) and surface_of(route.path) is Surface.PAGE:
            yield re.sub(r"\{[^}]+\}", "province", route.path)


@pytest.mark.parametrize("path", sorted(set(_page_posts())))
async def test_w10_no_form_from_elsewhere_is_taken(town: Town, doors: Doors, path: str) -> None:
    """Without the token, with another browser's token, from another site, or as JSON: refused, and the session is untouched."""
    visitor, stranger = await _signed_in(town, doors), Visitor(doors)
    await stranger.get("/login")
    sound = visitor.csrf_token
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"csrf_token": ""}, {}),
        ({"csrf_token": stranger.csrf_token}, {}),
        ({"csrf_token": sound}, {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}),
        ({"csrf_token": sound}, {"Sec-Fetch-Site": "same-site"}),
    ]
    for form, headers in attempts:
        answer = await visitor.post(path, {"decision": "yes", "action": "end_others", **form}, headers=headers)
        assert answer.status_code == 403, form
    for media_type in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        answer = await visitor.post(path, {}, headers={"Content-Type": media_type})
        assert answer.status_code in (400, 403)
    assert (await visitor.get("/licenses")).status_code == 200


async def test_w11_credentials_in_an_address_open_nothing(town: Town, doors: Doors) -> None:
    """A GET never signs in, whatever it carries, and a method override is no method."""
    person = town.population.citizens[0]
    visitor = Visitor(doors)
    shown = await visitor.get("/login", identifier=person.user_name, password=person.password)
    assert shown.status_code == 200
    assert SESSION_COOKIE not in visitor.cookies
    overridden = await doors.send("GET", "/logout", headers={**visitor.headers(), "X-HTTP-Method-Override": "POST"})
    assert overridden.status_code == 303


async def test_w12_passwords_may_be_pasted_and_remembered(doors: Doors) -> None:
    """No page switches the password manager off."""
    body = (await doors.send("GET", "/login")).text
    field = re.search(r"<input[^>]*type=\"password\"[^>]*>", body)
    assert field is not None
    assert 'autocomplete="current-password"' in field[0]
    assert "onpaste" not in body


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2fsettings.py",
        "/static/..\\..\\settings.py",
        "/static/%5c..%5csettings.py",
        "/static//etc/passwd",
        "/static/app.css%00.html",
        "/static/",
        "/static/.",
        "/static/manifest.json/../app.css",
    ],
)
async def test_w15_static_files_lead_nowhere_else(town: Town, path: str) -> None:
    """Only the listed names are files."""
    answer = await send(town, RawRequest("GET", path.encode()))
    assert answer.status == 404
    assert b"root:" not in answer.body


async def test_w16_ranges_cost_nothing(town: Town) -> None:
    """Ten thousand ranges are one file or a refusal, at once."""
    page = await send(town, RawRequest("GET", b"/login"))
    sheet = re.search(rb'href="(/static/app[^"]*\.css)"', page.body)
    assert sheet is not None
    ranges = b"bytes=" + b",".join(b"%d-%d" % (number, number) for number in range(0, 5_000, 2))
    answer = await send(town, RawRequest("GET", sheet[1], ((b"Range", ranges),)))
    assert answer.status in (200, 416)


async def test_i18_upgrades_are_ignored(town: Town) -> None:
    """The answer is that of the same request without the offer."""
    for offer in (b"h2c", b"websocket"):
        headers = ((b"Upgrade", offer), (b"HTTP2-Settings", b"AAMAAABkAAQCAAAAAAIAAAAA"))
        answer = await send(town, RawRequest("GET", b"/livez", headers))
        assert (answer.status, answer.body) in ((200, b"ok\n"), (400, b"Unsupported upgrade request."))


@pytest.mark.parametrize(
    "path",
    [
        "/desk;a=b",
        "/%64esk",
        "/desk%3b",
        "//desk",
        "/./desk",
        "/desk%2f..",
        "/x/../desk",
        "/desk.",
        "/desk%23",
        "/DESK",
        "/desk/",
        "/desk/history;x",
        "/static/../desk",
    ],
)
async def test_m13_no_spelling_of_a_path_opens_the_desk(town: Town, doors: Doors, path: str) -> None:
    """For an anonymous visitor and for a citizen: sent to the sign-in, refused, or nothing there."""
    citizen = await _signed_in(town, doors)
    cookie = "; ".join(f"{name}={value}" for name, value in citizen.cookies.items()).encode()
    for headers in ((), ((b"Cookie", cookie),)):
        answer = await send(town, RawRequest("GET", path.encode(), headers))
        assert answer.status in (302, 303, 400, 403, 404)
        assert b"holder_number" not in answer.body


async def test_m13_the_officer_finds_the_desk(doors: Doors) -> None:
    """Positive control."""
    officer = Visitor(doors)
    await officer.sign_in_as_officer()
    desk = await officer.get("/desk")
    assert desk.status_code == 200
    assert 'name="case"' in desk.text


async def test_m09_the_issuer_is_no_matter_of_headers(town: Town, doors: Doors) -> None:
    """Forwarded headers of a stranger change neither addresses nor cookies."""
    spoofed = {
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Port": "1",
        "Forwarded": "host=evil.test;proto=https",
    }
    metadata = await doors.send("GET", "/.well-known/openid-configuration", headers=spoofed)
    assert metadata.json()["issuer"] == town.issuer
    page = await doors.send("GET", "/licenses", headers=spoofed)
    assert "evil.test" not in page.text + str(page.headers)


async def test_m10_another_host_is_not_this_site(town: Town) -> None:
    """Also as an absolute address, twice, or with a user part."""
    for hosts in ((b"evil.test",), (b"evil.test@" + town.host.encode(),), (town.host.encode() + b"/../admin",)):
        answer = await send(town, RawRequest("GET", b"/login", tuple((b"Host", host) for host in hosts)))
        assert answer.status in (400, 421)
    twice = ((b"Host", town.host.encode()), (b"Host", b"evil.test"))
    assert (await send(town, RawRequest("GET", b"/login", twice))).status == 400
    absolute = await send(town, RawRequest("GET", b"http://evil.test/login", ((b"Host", town.host.encode()),)))
    assert b"evil.test" not in absolute.body


async def test_f19_cookies_are_pinned(town: Town, doors: Doors) -> None:
    """__Host-, Secure, HttpOnly, SameSite=Lax, Path=/, no Domain; the session cookie does not outlive the browser."""
    visitor = Visitor(doors)
    page = await visitor.get("/login")
    person = town.population.citizens[0]
    entered = await visitor.post("/login", {"identifier": person.user_name, "password": person.password})
    lines = [*page.headers.get_list("set-cookie"), *entered.headers.get_list("set-cookie")]
    assert {line.partition("=")[0] for line in lines} >= {BROWSER_COOKIE, SESSION_COOKIE}
    for line in lines:
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        assert line.startswith("__Host-")
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)
        if line.startswith(SESSION_COOKIE):
            assert not any(attribute.startswith(("max-age", "expires")) for attribute in attributes)


async def test_f20_the_session_is_in_no_address_and_no_page(town: Town, doors: Doors) -> None:
    """T15 as well: neither cookie nor code nor token is written into a page."""
    visitor = await _signed_in(town, doors)
    tokens = await visitor.tokens()
    secrets_of_the_session = {
        *visitor.cookies.values(),
        *(str(tokens[name]) for name in ("access_token", "refresh_token")),
    }
    for path in ("/", "/licenses", "/accesses", "/account", "/connected", "/logout", "/help/sitemap"):
        page = await visitor.get(path)
        for secret in secrets_of_the_session:
            assert secret not in page.text
            assert secret not in page.headers.get("location", "")


@pytest.mark.parametrize(
    "name", ["login_hint", "state", "ui_locales", "scope", "nonce", "client_id", "error_description"]
)
async def test_w08_nothing_is_reflected_raw(town: Town, doors: Doors, name: str) -> None:
    """F17 as well: a parameter is escaped wherever a page shows it."""
    poison = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'"
    visitor = Visitor(doors)
    changes: dict[str, str | None] = {name: poison}
    answer = await visitor.authorize(APP, node=0, **changes)
    if answer.status_code == 303 and answer.headers["location"].startswith("/"):
        answer = await visitor.get(answer.headers["location"])
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    missing = await visitor.get("/no/such/" + quote(poison, safe=""))
    assert missing.status_code == 404
    assert "<script>alert" not in missing.text


async def test_w07_a_hostile_client_name_is_text(town: Town, doors: Doors) -> None:
    """Stored and shown on the sign-in, consent and connected pages, always escaped."""
    client, poison = f"probe-w07-{secrets.token_hex(3)}", "<img src=x onerror=alert(1)>"
    async with third_process(town) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        wanted = ClientRegistration(
            client_id=client,
            name_zh=poison,
            name_en=poison,
            department_id=housing.department_id,
            redirect_uris=(CALLBACK,),
            scopes=("openid", "profile"),
        )
        await register_client(
            wanted, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=ACTOR, now=parts.clock()
        )
    CALLBACKS[client] = CALLBACK
    anonymous, visitor = Visitor(doors), await _signed_in(town, doors)
    for person in (anonymous, visitor):
        asked = await await_status(partial(person.authorize, client, scope="openid profile"), 303, within=5.0)
        page = await person.get(asked.headers["location"])
        assert page.status_code == 200
        assert "<img src=x" not in page.text
        assert "&lt;img src=x" in page.text
    shown = await visitor.get("/connected")
    assert "<img src=x" not in shown.text


async def test_w18_every_script_is_our_own(town: Town, doors: Doors) -> None:
    """No page loads anything from elsewhere or carries a script of its own (W02, W04)."""
    visitor = await _signed_in(town, doors)
    for path in ("/login", "/register", "/licenses", "/accesses", "/account", "/connected"):
        page = await visitor.get(path)
        assert "'unsafe-inline'" not in page.headers["content-security-policy"]
        assert re.findall(r"<script(?![^>]*\bsrc=\"/static/)[^>]*>", page.text) == []
        for address in re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text):
            host = urlsplit(address).netloc
            assert host in ("", town.host) or 'rel="noopener' in page.text or address.startswith(_apps(town)), address


def _apps(town: Town) -> tuple[str, ...]:
    return (town.world["urls"]["housing"], town.world["urls"]["business"], "https://probe.test", "https://other.test")


async def _signed_in(town: Town, doors: Doors) -> Visitor:
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[6])
    return visitor


def _expect_own_place(location: str) -> None:
    assert location.startswith("/")
    assert not re.match(r"/[/\\\t]", location)
    assert "evil.test" not in urlsplit(location).netloc
    assert "\r" not in location
