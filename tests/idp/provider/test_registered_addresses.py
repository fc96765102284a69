"""Every address that an application may register, against every trick with addresses (areas A and G: R05–R19, L10, Q02, Q05)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.idp.provider.invited_apps import APP, Registrar
from tests.idp.provider.publishing import canary, document, publishing
from tests.idp.provider.world import Browser, World, open_world
from tests.servers import Stack

CIBA: dict[str, Any] = {
    "grant_types": ["authorization_code", "urn:openid:params:grant-type:ciba"],
    "backchannel_token_delivery_mode": "ping",
}

GRANT_TYPES = ("authorization_code", "refresh_token", "urn:openid:params:grant-type:ciba")

# Sinks by name: what a document holds when the address stands there. The rest of the document is sound.
SINKS: dict[str, Any] = {
    "redirect_uris": lambda uri: {"redirect_uris": [*APP["redirect_uris"], uri]},
    "post_logout_redirect_uris": lambda uri: {"post_logout_redirect_uris": [uri]},
    "backchannel_logout_uri": lambda uri: {"backchannel_logout_uri": uri},
    "frontchannel_logout_uri": lambda uri: {"frontchannel_logout_uri": uri},
    "jwks_uri": lambda uri: {"jwks_uri": uri},
    "sector_identifier_uri": lambda uri: {"sector_identifier_uri": uri},
    "request_uris": lambda uri: {"request_uris": [uri]},
    "initiate_login_uri": lambda uri: {"initiate_login_uri": uri},
    "client_uri": lambda uri: {"client_uri": uri},
    "logo_uri": lambda uri: {"logo_uri": uri},
    "policy_uri": lambda uri: {"policy_uri": uri},
    "tos_uri": lambda uri: {"tos_uri": uri},
    "backchannel_client_notification_endpoint": lambda uri: {**CIBA, "backchannel_client_notification_endpoint": uri},
}
FETCHED = (
    "jwks_uri",
    "sector_identifier_uri",
    "request_uris",
    "backchannel_logout_uri",
    "backchannel_client_notification_endpoint",
)

TRICKS = {
    "R05 user part": "https://bdc.test@evil.test/cb",
    "R05 password": "https://bdc.test:x@evil.test/cb",
    "R05 empty user part": "https://@evil.test/cb",
    "R07 backslash before the host": "https://bdc.test\\@evil.test/cb",
    "R07 backslashes for slashes": "https:\\\\evil.test/cb",
    "R07 path with backslash": "https://bdc.test/\\evil.test",
    "R07 no scheme": "/\\evil.test",
    "R08 escaped dots": "https://bdc.test/%2e%2e%2fevil",
    "R08 escaped dots, upper case": "https://bdc.test/%2E%2E/evil",
    "R08 escaped twice": "https://bdc.test/%252fevil",
    "R08 escaped NUL": "https://bdc.test/cb%00",
    "R08 escaped line end": "https://bdc.test/cb%0d%0aSet-Cookie:x=1",
    "R08 escaped tabulator": "https://bdc.test/cb%09",
    "R08 escaped backslash": "https://bdc.test/%5cevil.test",
    "R09 dot segments": "https://bdc.test/cb/../evil",
    "R09 dot segment": "https://bdc.test/cb/./x",
    "R09 dot segment at the end": "https://bdc.test/cb/..",
    "R09 empty segment": "https://bdc.test//cb",
    "R12 plain http": "http://bdc.test/cb",
    "R12 plain http on a name for this machine": "http://localhost/cb",
    "R12 plain http on another loopback": "http://127.0.0.2/cb",
    "R12 plain http, host that begins like it": "http://127.0.0.1.evil.test/cb",
    "R13 upper-case scheme": "HTTPS://bdc.test/cb",
    "R13 upper-case host": "https://BDC.test/cb",
    "R15 tabulator": "https://bdc.test/\tcb",
    "R15 line end": "https://bdc.test/cb\r\n",
    "R15 space": "https://bdc.test/c b",
    "R15 leading space": " https://bdc.test/cb",
    "R15 NUL": "https://bdc.test/\x00cb",
    "R16 wildcard host": "https://*.bdc.test/cb",
    "R16 wildcard path": "https://bdc.test/*",
    "R14 fragment": "https://bdc.test/cb#x",
    "R14 empty fragment": "https://bdc.test/cb#",
    "R18 other letters": "https://bdс.test/cb",
    "R18 full-width host": "https://ｂdc.test/cb",
    "R18 ideographic stop": "https://bdc。test/cb",
    "R19 script": "javascript:alert(1)",
    "R19 script in mixed case": "JaVaScRiPt:alert(1)",
    "R19 script with a line end": "java\nscript:alert(1)",
    "R19 data": "data:text/html,<script>alert(1)</script>",
    "R19 visual basic": "vbscript:msgbox(1)",
    "R19 file": "file:///etc/passwd",
    "R19 blob": "blob:https://bdc.test/x",
    "R19 scheme without dot": "myapp:/cb",
    "relative": "cb",
    "relative to the scheme": "//bdc.test/cb",
    "no host": "https:///cb",
    "two dots in the host": "https://bdc..test/cb",
    "port of no port": "https://bdc.test:0/cb",
    "port too high": "https://bdc.test:65536/cb",
    "port with zeros": "https://bdc.test:0443/cb",
    "full-width port": "https://bdc.test:４４３/cb",
    "empty": "",
    "too long": f"https://bdc.test/{'a' * 2_000}",
    "Q12 placeholder": "https://${env.HOST}/cb",
    "template": "https://{{host}}/cb",
}


@pytest.fixture(scope="module")
async def shared_registrar(shared_world: World) -> Registrar:
    """The registration endpoints of a world that refusals leave as it was."""
    return Registrar(shared_world)


@pytest.fixture(scope="module")
async def invitation(shared_registrar: Registrar) -> str:
    """An invitation that refusals never use up."""
    return await shared_registrar.invite(uses=1_000, grant_types=GRANT_TYPES)


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS.keys())
async def test_trick_is_refused_wherever_it_stands(shared_registrar: Registrar, invitation: str, trick: str) -> None:
    """Refused at every sink with the error of RFC 7591 §3.2.2; a redirect URI with its own."""
    accepted = []
    for sink, with_address in SINKS.items():
        response = await shared_registrar.register(invitation, **with_address(trick))
        expected = "invalid_redirect_uri" if sink == "redirect_uris" else "invalid_client_metadata"
        body = response.json()
        # The address itself is what is refused, and not something beside it.
        if (response.status_code, body["error"]) != (400, expected) or not body["error_description"].startswith(sink):
            accepted.append((sink, response.status_code, response.text))
        assert "\r" not in response.headers.get("location", "")
    assert accepted == []


@pytest.fixture(scope="module")
async def standing(shared_registrar: Registrar, invitation: str) -> dict[str, Any]:
    """An application that is registered already; refused updates leave it and its token as they were."""
    made: dict[str, Any] = (await shared_registrar.register(invitation)).json()
    return made


@pytest.mark.parametrize(
    ("trick", "sink"),
    [
        pytest.param(trick, sink, id=f"{name}-{sink}", marks=[] if at % len(SINKS) == row else [pytest.mark.long])
        for at, (name, trick) in enumerate(TRICKS.items())
        for row, sink in enumerate(SINKS)
    ],
)
async def test_trick_is_refused_in_an_update_as_well(
    shared_registrar: Registrar, standing: dict[str, Any], trick: str, sink: str
) -> None:
    """RFC 7592 §2.2: the other door of the same rules. Every day the diagonal, every pair in the long run."""
    response = await shared_registrar.manage("PUT", standing, **SINKS[sink](trick))
    expected = "invalid_redirect_uri" if sink == "redirect_uris" else "invalid_client_metadata"
    assert (response.status_code, response.json()["error"]) == (400, expected), response.text
    assert response.json()["error_description"].startswith(sink)


async def test_update_with_ordinary_addresses_is_accepted(shared_registrar: Registrar, invitation: str) -> None:
    """Positive control: the same application with an address of every kind."""
    made = (await shared_registrar.register(invitation)).json()
    for sink, with_address in SINKS.items():
        if sink == "sector_identifier_uri":
            continue
        updated = await shared_registrar.manage("PUT", made, **with_address("https://bdc.test/x?a=1"))
        assert updated.status_code == 200, f"{sink}: {updated.text}"
        made |= updated.json()


@pytest.mark.parametrize("sink", [sink for sink in SINKS if sink != "sector_identifier_uri"])
@pytest.mark.parametrize(
    "address",
    [
        "https://bdc.test/x",
        "https://bdc.test/",
        "https://bdc.test/x?a=1&b=2",
        "https://bdc.test/a.b/c~d/-_!$&'()+,;=:@",
        "https://bdc.test/caf%C3%A9",
    ],
)
async def test_ordinary_address_is_accepted_wherever_it_stands(
    shared_registrar: Registrar, invitation: str, sink: str, address: str
) -> None:
    """Positive control beside the tricks: the same sinks take what departments really use."""
    response = await shared_registrar.register(invitation, **SINKS[sink](address))
    assert response.status_code == 201, response.text


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", "http://[::1]/cb", "cn.qingyu.counter:/cb"]
)
async def test_native_application_registers_its_own_addresses(
    shared_registrar: Registrar, invitation: str, address: str
) -> None:
    """R17, RFC 8252 §7: loopback and private-use schemes with a dot, for native applications."""
    native: dict[str, Any] = {"application_type": "native", "token_endpoint_auth_method": "none"}
    response = await shared_registrar.register(invitation, **native, redirect_uris=[address])
    assert response.status_code == 201, response.text
    assert "client_secret" not in response.json()


@pytest.fixture
async def walled(stack: Stack) -> AsyncIterator[Registrar]:
    """A world whose fetcher reaches public addresses alone, as every real installation's does."""
    async with open_world(stack, networks="public") as world:
        yield Registrar(world)


INNER = [
    "https://127.0.0.1:{port}/x", "https://10.0.0.1:{port}/x", "https://192.168.1.1:{port}/x", "https://0.0.0.0:{port}/x",
    "https://169.254.169.254:{port}/x", "https://2130706433:{port}/x", "https://0x7f000001:{port}/x",
    "https://0177.0.0.1:{port}/x", "https://127.1:{port}/x", "https://[::1]:{port}/x", "https://[::ffff:7f00:1]:{port}/x",
    "https://[fe80::1]:{port}/x", "https://[64:ff9b::7f00:1]:{port}/x", "https://localhost:{port}/x",
    "http://127.0.0.1:{port}/x", "https://bdc.test:22/x", "https://bdc.test:6379/x",
]  # fmt: skip


async def test_inner_addresses_are_refused_at_registration(walled: Registrar) -> None:
    """Q02: whatever we would fetch later is refused now, and nobody is connected to (NOEGRESS)."""
    token = await walled.invite(uses=5, grant_types=GRANT_TYPES)
    accepted = []
    async with canary() as listener:
        for address in INNER:
            for sink in FETCHED:
                changes = SINKS[sink](address.format(port=listener.port))
                response = await walled.register(token, **changes)
                if response.status_code != 400:
                    accepted.append((sink, address))
        assert listener.connections == 0
    assert accepted == []
    assert (await walled.register(token, jwks_uri="https://bdc.test/jwks")).status_code == 201


async def test_addresses_only_shown_are_never_fetched(shared_registrar: Registrar, invitation: str) -> None:
    """Logos and pages are links: registering them connects to nobody."""
    async with canary() as listener:
        shown = f"http://127.0.0.1:{listener.port}/x"
        members = dict.fromkeys(
            ("logo_uri", "client_uri", "policy_uri", "tos_uri", "initiate_login_uri", "jwks_uri"), shown
        )
        response = await shared_registrar.register(invitation, **members)
        assert response.status_code == 201, response.text
        assert listener.connections == 0


TWO_HOSTS = ["https://a.bdc.test/cb", "https://b.bdc.test/cb"]


async def test_sector_document_joins_hosts(shared_registrar: Registrar, invitation: str) -> None:
    """OpenID Connect Core §8.1: hosts named together by a document make one sector; without it they do not."""
    assert (await shared_registrar.register(invitation, redirect_uris=TWO_HOSTS)).status_code == 400
    async with publishing([*TWO_HOSTS, "https://c.bdc.test/cb"]) as app:
        response = await shared_registrar.register(invitation, redirect_uris=TWO_HOSTS, sector_identifier_uri=app.url)
        assert response.status_code == 201, response.text
        assert len(app.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(document(TWO_HOSTS[:1]), id="one is missing"),
        pytest.param(document([]), id="empty"),
        pytest.param(document([*TWO_HOSTS, 7]), id="a number among them"),
        pytest.param(document([*TWO_HOSTS, None]), id="null among them"),
        pytest.param(document([TWO_HOSTS]), id="list in a list"),
        pytest.param(document({"redirect_uris": TWO_HOSTS}), id="object"),
        pytest.param(document(" ".join(TWO_HOSTS)), id="text"),
        pytest.param(document(TWO_HOSTS, media_type="text/html"), id="another media type"),
        pytest.param(document(TWO_HOSTS, status="404 Not Found"), id="not found"),
        pytest.param(document(TWO_HOSTS, status="302 Found", more="Location: /elsewhere\r\n"), id="redirect"),
        pytest.param(document([*TWO_HOSTS, *(f"https://bdc.test/{number}" for number in range(2_000))]), id="too many"),
        pytest.param(document([one.upper() for one in TWO_HOSTS]), id="other case"),
    ],
)
async def test_unfit_sector_document_is_refused(shared_registrar: Registrar, invitation: str, answer: bytes) -> None:
    """Q05: every redirect URI stands in the document, character by character, or nothing is registered."""
    async with publishing() as app:
        app.answer = answer
        response = await shared_registrar.register(invitation, redirect_uris=TWO_HOSTS, sector_identifier_uri=app.url)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


async def test_address_as_client_identifier_is_unknown_and_not_fetched(shared_browser: Browser) -> None:
    """Q13: documents behind a client_id are not supported; nobody is connected to."""
    async with canary() as listener:
        for client_id in (f"http://127.0.0.1:{listener.port}/client", f"https://localhost:{listener.port}/client.json"):
            shown = await shared_browser.authorize(client_id, redirect_uri="https://bdc.test/cb")
            assert shown.status_code == 400
            assert "location" not in shown.headers
        assert listener.connections == 0


async def test_software_statement_is_refused_and_nothing_behind_it_fetched(
    shared_registrar: Registrar, invitation: str
) -> None:
    """Q13: a statement whose header names an address leads nowhere."""
    async with canary() as listener:
        header = {"alg": "ES256", "jku": f"http://127.0.0.1:{listener.port}/jwks", "kid": "k"}
        statement = ECKey.generate_key("P-256").thumbprint() + f".{header}."
        response = await shared_registrar.register(invitation, software_statement=statement)
        assert (response.status_code, response.json()["error"]) == (400, "unapproved_software_statement")
        assert listener.connections == 0
