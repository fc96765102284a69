"""Areas B and C:

Parameters of the authorization request. What breaks a rule is told to the app, never a 5xx.
"""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.idp.provider.world import Browser, World, answer, authorization, claims_of_jwt, page_of

BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no response_type": ({"response_type": None}, "unsupported_response_type"),
    "implicit": ({"response_type": "token"}, "unsupported_response_type"),
    "hybrid": ({"response_type": "code id_token"}, "unauthorized_client"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "no openid": ({"scope": "profile"}, "invalid_scope"),
    "unknown scope": ({"scope": "openid admin"}, "invalid_scope"),
    "scope outside the entitlement": ({"client_id": "qyfw", "scope": "openid realname.id"}, "invalid_scope"),
    "C02 plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "C02 no method": ({"code_challenge_method": None}, "invalid_request"),
    "C02 lower case": ({"code_challenge_method": "s256"}, "invalid_request"),
    "C02 unknown method": ({"code_challenge_method": "S512"}, "invalid_request"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "C03 short challenge": ({"code_challenge": "a" * 42}, "invalid_request"),
    "C03 long challenge": ({"code_challenge": "a" * 44}, "invalid_request"),
    "C03 padded": ({"code_challenge": "a" * 42 + "="}, "invalid_request"),
    "C03 illegal character": ({"code_challenge": "a" * 42 + "+"}, "invalid_request"),
    "C03 newline": ({"code_challenge": "a" * 43 + "\n"}, "invalid_request"),
    "P03 U+0000": ({"nonce": "a\x00b"}, "invalid_request"),
    "R27 web_message": ({"response_mode": "web_message"}, "invalid_request"),
    "P07 fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "P15 negative max_age": ({"max_age": "-1"}, "invalid_request"),
    "P15 word": ({"max_age": "abc"}, "invalid_request"),
    "P15 exponent": ({"max_age": "1e9"}, "invalid_request"),
    "P15 huge": ({"max_age": "9999999999999"}, "invalid_request"),
    "P15 full width": ({"max_age": "１２"}, "invalid_request"),
    "P15 none and login": ({"prompt": "none login"}, "invalid_request"),
    "unknown prompt": ({"prompt": "dance"}, "invalid_request"),
    "request object": ({"request": "ey.ey."}, "invalid_request_object"),
    "Q01 request_uri": ({"request_uri": "https://attacker.test/x"}, "invalid_request_uri"),
    "registration": ({"registration": "{}"}, "registration_not_supported"),
    "unknown resource": ({"resource": "https://other.test/api"}, "invalid_target"),
    "P13 claims not JSON": ({"claims": "{"}, "invalid_request"),
    "P13 claims an array": ({"claims": "[]"}, "invalid_request"),
    "P13 claims deep": ({"claims": '{"userinfo":' * 13 + "{}" + "}" * 13}, "invalid_request"),
    "P13 claims repeated member": ({"claims": '{"userinfo":{},"userinfo":{}}'}, "invalid_request"),
    "P13 claims section wrong": ({"claims": '{"userinfo":1}'}, "invalid_request"),
    "P13 claims member wrong": ({"claims": '{"userinfo":{"name":true}}'}, "invalid_request"),
    "P13 claims NaN": ({"claims": '{"userinfo":{"name":{"value":NaN}}}'}, "invalid_request"),
    "long nonce": ({"nonce": "n" * 3_000}, "invalid_request"),
    "F16 foreign hint": ({"id_token_hint": "a.b.c"}, "invalid_request"),
}


@pytest.mark.parametrize(("changes", "error"), BROKEN.values(), ids=BROKEN.keys())
async def test_broken_parameter_is_told_to_the_app(
    shared_world: World, shared_browser: Browser, changes: dict[str, Any], error: str
) -> None:
    """RFC 6749 §4.1.2.1: to the registered address, with state and iss, one entry, no code."""
    client_id = changes.get("client_id") or "gzf"
    before = len(await shared_world.entries())
    found = answer(await shared_browser.authorize(**{"client_id": client_id, **changes}))
    assert found["error"] == error
    assert found["state"] == "af0ifjsldkj"
    assert "code" not in found
    entries = await shared_world.entries()
    assert len(entries) == before + 1
    assert entries[-1]["outcome"] == "refused"


@pytest.mark.parametrize("name", ["scope", "state", "nonce", "code_challenge", "prompt", "response_type", "unknown"])
async def test_repeated_parameter_is_refused(shared_browser: Browser, name: str) -> None:
    """P01, RFC 6749 §3.1."""
    parameters = [*authorization(unknown="1").items(), (name, "x")]
    assert answer(await shared_browser.get("/oauth/authorize", urlencode(parameters)))["error"] == "invalid_request"


@pytest.mark.parametrize(
    "query",
    [
        "client_id=%ff%fe",
        "client_id=gzf&redirect_uri=%C3%28",
        "%80=1",
        "&".join(f"a{number}=1" for number in range(500)),
        "client_id=gzf&scope[]=openid&scope.x=1",
        "client_id=gzf;redirect_uri=x",
        "=&=&&&",
        "",
        "client_id=" + "x" * 7_000,
        "client_id=%00",
    ],
)
async def test_unreadable_query_is_an_error_page(shared_browser: Browser, query: str) -> None:
    """P03 and area U: not UTF-8, oversized, arrays, separators: an error page and never a 5xx."""
    response = await shared_browser.get("/oauth/authorize", query.encode("latin-1").decode("latin-1"))
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_oversized_query_is_an_error_page(shared_browser: Browser) -> None:
    """The limit of a query is eight KiB."""
    response = await shared_browser.post("/oauth/authorize", authorization(login_hint="x" * 9_000))
    assert response.status_code == 400


async def test_post_is_read_from_the_body(shared_browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1: POST with the parameters in the body."""
    assert "code" in answer(await shared_browser.post("/oauth/authorize", authorization()))


async def test_form_post_answer_is_raw_data(shared_browser: Browser) -> None:
    """R28, OAuth 2.0 Form Post Response Mode: values go to the page as they are, the page escapes them."""
    state = '"><script>alert(1)</script>'
    response = await shared_browser.authorize(response_mode="form_post", state=state)
    assert "location" not in response.headers
    posted = response.json()
    assert posted["action"] == "https://gzf.test/cb"
    assert posted["fields"]["state"] == state
    assert posted["fields"]["iss"] == "https://id.qingyu.test"
    assert (await shared_browser.redeem(posted["fields"]["code"])).status_code == 200


async def test_state_cannot_split_the_header(shared_browser: Browser) -> None:
    """I05: every octet of state is escaped and comes back as it was."""
    state = "a\r\nSet-Cookie: x=1&code=forged#%00 值"
    response = await shared_browser.authorize(state=state, prompt="none", scope="openid phone")
    assert answer(response) == {
        "error": "consent_required",
        "error_description": "Consent required",
        "state": state,
        "iss": "https://id.qingyu.test",
    }


async def test_empty_parameter_counts_as_omitted(shared_browser: Browser) -> None:
    """RFC 6749 §3.1."""
    assert "code" in answer(await shared_browser.authorize(prompt="", max_age="", claims="", response_mode=""))


async def test_claims_parameter_releases_only_the_entitled(world: World, browser: Browser) -> None:
    """P13, OpenID Connect Core §5.5:

    What the client may not have is left out, the rest goes where it was asked.
    """
    claims = {
        "id_token": {"name": {"essential": True}, "document_number": None, "unheard_of": None},
        "userinfo": {"realname_level": None, "document_number": None},
    }
    tokens = await browser.tokens_for("qyfw", scope="openid", claims=json.dumps(claims))
    id_token = claims_of_jwt(tokens["id_token"])
    assert id_token["name"] == "张知明"
    assert "document_number" not in id_token
    answered = (await world.userinfo(tokens["access_token"])).json()
    assert answered == {"sub": id_token["sub"], "realname_level": 2}


async def test_claims_asked_by_name_need_consent(browser: Browser) -> None:
    """A claim beyond the scopes agreed to is shown before it is given."""
    await browser.tokens_for("qyfw", scope="openid")
    response = await browser.authorize("qyfw", scope="openid", claims='{"userinfo":{"name":null}}')
    assert page_of(response) == "/consent"


async def test_many_locales_change_nothing(shared_browser: Browser) -> None:
    """P14: ui_locales is bounded and cached nowhere."""
    for number in range(20):
        locales = " ".join(f"x{number}-{index}" for index in range(50))
        assert "code" in answer(await shared_browser.authorize(ui_locales=locales))
