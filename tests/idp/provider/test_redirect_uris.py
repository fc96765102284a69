"""Area A:

Where a browser may be sent. Whatever is not registered, character by character, is never followed.
"""

from urllib.parse import urlencode

import pytest

from idp.provider.clients.redirects import check_registrable_uri
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.register import set_client_status
from tests.idp.provider.world import Browser, World, authorization

FOREIGN = {
    "R01 unregistered": "https://evil.test/cb",
    "R03 suffix domain": "https://gzf.test.evil.test/cb",
    "R03 prefix": "https://evilgzf.test/cb",
    "R03 trailing dot": "https://gzf.test./cb",
    "R04 subdomain": "https://x.gzf.test/cb",
    "R04 path that looks like a host": "https://attacker.test/.gzf.test",
    "R05 user part": "https://gzf.test@evil.test/cb",
    "R07 backslash": "https://gzf.test\\@evil.test",
    "R07 backslashes": "https:\\\\evil.test",
    "R07 relative backslash": "/\\evil.test",
    "R08 escaped dots": "https://gzf.test/%2e%2e%2fcb",
    "R08 double escape": "https://gzf.test/%252fcb",
    "R08 escaped NUL": "https://gzf.test/cb%00",
    "R08 escaped CRLF": "https://gzf.test/cb%0d%0aSet-Cookie:x",
    "R09 dot segment": "https://gzf.test/cb/../evil",
    "R09 single dot": "https://gzf.test/cb/./",
    "R09 double slash": "https://gzf.test//cb",
    "R11 extra query": "https://gzf.test/cb?a=1",
    "R11 changed query": "https://gzf.test/cb?lang=en",
    "R12 plain http": "http://gzf.test/cb",
    "R13 upper case": "HTTPS://GZF.TEST/cb",
    "R13 path case": "https://gzf.test/CB",
    "R13 default port": "https://gzf.test:443/cb",
    "R15 TAB": "https://gzf.test/cb\t",
    "R15 CR LF": "https://gzf.test/cb\r\n",
    "R15 space": " https://gzf.test/cb",
    "R15 NUL": "https://gzf.test/cb\x00",
    "fragment": "https://gzf.test/cb#x",
    "script": "javascript:alert(1)",
    "protocol relative": "//gzf.test/cb",
    "far too long": "https://gzf.test/cb?" + "a" * 3_000,
}


@pytest.mark.parametrize("redirect_uri", FOREIGN.values(), ids=FOREIGN.keys())
async def test_unregistered_redirect_uri_is_never_followed(
    shared_world: World, shared_browser: Browser, redirect_uri: str
) -> None:
    """RFC 6749 §4.1.2.1: an error page, no Location, no code, one entry."""
    before = len(await shared_world.entries())
    response = await shared_browser.authorize(redirect_uri=redirect_uri)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert response.json() == {"shown": "invalid_request", "code": "21003"}
    assert len(await shared_world.entries()) == before + 1
    assert await shared_world.last_entry() == ("oauth.authorize", "refused", "21003")


async def test_registered_uris_are_followed(shared_browser: Browser) -> None:
    """Positive control: each registered URI, with its own query kept as it is."""
    response = await shared_browser.authorize(redirect_uri="https://gzf.test/cb?lang=zh")
    assert response.headers["location"].startswith("https://gzf.test/cb?lang=zh&code=")


async def test_missing_redirect_uri_is_shown(shared_browser: Browser) -> None:
    """R20, OpenID Connect Core §3.1.2.1."""
    response = await shared_browser.authorize(redirect_uri=None)
    assert response.status_code == 400
    assert response.json()["code"] == "21002"


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_repeated_address_is_shown(shared_browser: Browser, name: str) -> None:
    """P01: of two addresses or clients nobody may pick one."""
    parameters = [*authorization().items(), (name, authorization()[name])]
    response = await shared_browser.get("/oauth/authorize", urlencode(parameters))
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_disabled_client_is_shown(world: World, browser: Browser) -> None:
    """R23: the address of a disabled client is nobody's."""
    provider = world.provider
    await set_client_status(
        "gzf",
        "disabled",
        token_lifetime=provider.limits.access_token_lifetime,
        db=provider.db,
        ledger=provider.ledger,
        actor="system:test",
        now=world.now,
    )
    await provider.feed.catch_up()
    response = await browser.authorize()
    assert response.status_code == 400
    assert response.json()["code"] == "21001"


@pytest.mark.parametrize(
    "redirect_uri",
    ["http://127.0.0.1:49152/cb", "http://[::1]:1024/cb", "http://127.0.0.1/cb", "cn.qingyu.counter:/cb"],
)
async def test_native_loopback_port_may_differ(shared_browser: Browser, redirect_uri: str) -> None:
    """R17, RFC 8252 §7.3: port only."""
    tokens = await shared_browser.tokens_for("counter-app", redirect_uri=redirect_uri)
    assert "id_token" in tokens


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:49152/other",
        "http://localhost:49152/cb",
        "http://127.0.0.2:49152/cb",
        "https://127.0.0.1:49152/cb",
        "http://127.0.0.1:49152/cb?x=1",
        "http://127.0.0.1:４９/cb",
        "http://127.0.0.1:1@evil.test/cb",
    ],
)
async def test_nothing_but_the_port_may_differ(shared_browser: Browser, redirect_uri: str) -> None:
    """R17, the other side."""
    response = await shared_browser.authorize("counter-app", redirect_uri=redirect_uri)
    assert response.status_code == 400


async def test_web_client_has_no_port_rule(shared_browser: Browser) -> None:
    """The exception is for native applications alone."""
    response = await shared_browser.authorize("gzf", redirect_uri="https://gzf.test:8443/cb")
    assert response.status_code == 400


@pytest.mark.parametrize(
    "uri",
    [
        "https://*.gzf.test/*",
        "https://gzf.test/*",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "http://gzf.test/cb",
        "https://gzf.test@evil.test/cb",
        "https://gzf.test/cb#fragment",
        "https://gzf.test/a/../b",
        "https://gzf.test//cb",
        "https://gzf.test/%2e%2e/cb",
        "https://gzf.test/%0d%0a",
        "https://GZF.test/cb",
        "HTTPS://gzf.test/cb",
        "https://gzf.test:0/cb",
        "https://gzf.test:65536/cb",
        "https://gzf..test/cb",
        "https://gzf.test\\@evil.test",
        "/cb",
        "",
        "https://gzf.test/cb\n",
        "http://localhost/cb",
        "https://gzf.test/" + "a" * 2_000,
        "cn.qingyu.counter:/cb",
    ],
)
def test_unsafe_uri_cannot_be_registered(uri: str) -> None:
    """R16, R19, RFC 9700 §2.1: refused for a web application, whatever member it stands in."""
    with pytest.raises(InvalidClientMetadata):
        check_registrable_uri(uri, member="redirect_uris")


@pytest.mark.parametrize(
    "uri",
    [
        "https://gzf.test/cb",
        "https://gzf.test:8443/cb?tenant=1",
        "https://gzf.test",
        "https://xn--fiqs8s.test/a/b.c",
        "http://127.0.0.1:8001/callback",
        "http://[::1]:8001/callback",
    ],
)
def test_sound_uri_can_be_registered(uri: str) -> None:
    """Positive controls."""
    check_registrable_uri(uri, member="redirect_uris")
