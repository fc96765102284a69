"""Areas B and F at both doors of an authorization request: what looks like a parameter, a client or a template and is none."""

from urllib.parse import urlencode

import httpx2
import pytest

from tests.idp.provider.publishing import canary
from tests.idp.provider.world import Browser, World, answer, authorization, page_of, transaction_of

TEMPLATES = ["${env.SECRET}", "{{7*7}}", "%(x)s", "#{7*7}", "<%= 7*7 %>", "{0.__class__}", "$(id)", "`id`"]


async def post_form(world: World, path: str, body: str | bytes, *, content_type: str) -> httpx2.Response:
    """Post octets as the housing app's server."""
    async with world.http() as http:
        octets = body.encode() if isinstance(body, str) else body
        return await http.post(
            path, content=octets, headers={"Content-Type": content_type}, auth=("gzf", world.secrets["gzf"])
        )


async def test_p02_the_body_of_a_post_counts_alone(shared_world: World, shared_browser: Browser) -> None:
    """RFC 6749 §3.1: nothing is taken from the address of a POST, neither to add nor to replace."""
    response = await shared_browser.post("/oauth/authorize?state=evil&scope=openid+realname.id&x=1", authorization())
    assert answer(response)["state"] == "af0ifjsldkj"
    missing = await shared_browser.post(
        "/oauth/authorize?redirect_uri=https://gzf.test/cb", authorization(redirect_uri=None)
    )
    assert (missing.status_code, missing.json()["code"]) == (400, "21002")


@pytest.mark.parametrize(
    "name",
    [
        "scope[]",
        "scope[0]",
        "scope.x",
        "Scope",
        "redirect_uri[]",
        "client_id[]",
        "request_uri[]",
        "request[]",
        " scope",
    ],
)
async def test_p03_other_spellings_are_unknown(shared_world: World, shared_browser: Browser, name: str) -> None:
    """RFC 6749 §3.1: unknown parameters are ignored; none of them is taken for the one it resembles."""
    parameters = {**authorization(), name: "https://evil.test/x"}
    assert "code" in answer(await shared_browser.get("/oauth/authorize", parameters))
    pushed = await post_form(
        shared_world, "/oauth/par", urlencode(parameters), content_type="application/x-www-form-urlencoded"
    )
    assert pushed.status_code == 201


async def test_p03_semicolons_separate_nothing(shared_browser: Browser) -> None:
    """What stands behind one belongs to the value before it."""
    query = urlencode(authorization(state=None)) + "&state=a;prompt=none;scope=openid"
    assert answer(await shared_browser.get("/oauth/authorize", query))["state"] == "a;prompt=none;scope=openid"


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
async def test_p17_only_forms_are_pushed(shared_world: World, content_type: str) -> None:
    """RFC 9126 §2.1: any other body is refused before anything in it is read."""
    refused = await post_form(shared_world, "/oauth/par", '{"client_id":"gzf"}', content_type=content_type)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("text", TEMPLATES)
async def test_q12_templates_stay_text(shared_world: World, shared_browser: Browser, text: str) -> None:
    """Sent back as they came, and never worked out."""
    assert answer(await shared_browser.authorize(state=text))["state"] == text
    async with shared_world.http() as http:
        form = authorization(state=text, nonce=text, login_hint=text)
        pushed = await http.post("/oauth/par", **shared_world.credentials("gzf", form))
    used = await shared_browser.get(
        "/oauth/authorize", {"client_id": "gzf", "request_uri": pushed.json()["request_uri"]}
    )
    assert answer(used)["state"] == text


async def test_q13_an_address_is_no_client(shared_world: World, shared_browser: Browser) -> None:
    """A client identifier that is a URL names nobody here, and nobody is asked what it says about itself."""
    async with canary() as listener:
        address = f"http://127.0.0.1:{listener.port}/client.json"
        shown = await shared_browser.get("/oauth/authorize", {**authorization(), "client_id": address})
        async with shared_world.http() as http:
            pushed = await http.post("/oauth/par", data={**authorization(), "client_id": address})
        assert (shown.status_code, shown.json()["code"]) == (400, "21001")
        assert (pushed.status_code, pushed.json()["error"]) == (401, "invalid_client")
        assert listener.connections == 0


@pytest.mark.parametrize("member", ["client_metadata", "client_metadata_uri", "software_statement", "jwks", "jwks_uri"])
async def test_q13_a_request_registers_nothing(shared_world: World, shared_browser: Browser, member: str) -> None:
    """Metadata beside a request change nothing of what is registered."""
    async with canary() as listener:
        beside = {member: f"http://127.0.0.1:{listener.port}/x"}
        assert "code" in answer(await shared_browser.get("/oauth/authorize", {**authorization(), **beside}))
        assert listener.connections == 0


async def test_p05_a_waiting_request_cannot_be_changed(world: World, browser: Browser) -> None:
    """What the page carries names a request on the server; parameters beside it change neither client nor scope nor address."""
    waiting = await browser.authorize(scope="openid profile")
    changed = {
        "transaction": transaction_of(waiting),
        "client_id": "qyfw",
        "scope": "openid realname.id",
        "redirect_uri": "https://qyfw.test/cb",
        "response_type": "token",
    }
    assert page_of(await browser.get("/test/resume", changed)) == "/consent"
    agreed = await browser.post("/test/consent", {**changed, "agreed": "profile"})
    assert agreed.headers["location"].startswith("https://gzf.test/cb?code=")
    tokens = await browser.redeem(answer(agreed)["code"])
    assert tokens.json()["scope"] == "openid profile"


@pytest.mark.parametrize("agreed", ["profile realname.id", "realname.id", "openid", "claim:document_number"])
async def test_p11_nothing_is_agreed_to_that_was_not_asked(world: World, browser: Browser, agreed: str) -> None:
    """An answer with an item that was not on the page is none."""
    waiting = await browser.authorize(scope="openid profile")
    await browser.get("/test/resume", {"transaction": transaction_of(waiting)})
    refused = await browser.post("/test/consent", {"transaction": transaction_of(waiting), "agreed": agreed})
    assert (refused.status_code, refused.json()["code"]) == (400, "21005")
