"""Areas B, C and F on the running nodes: parameters, consent, codes and pushed requests, tried on whichever node likes them better.

What only bends one parameter is tried in process (tests/idp/provider/test_authorization_parameters.py, test_odd_requests.py, test_codes.py,
test_pushed_requests.py, test_request_objects.py, test_fetched_requests.py); here two nodes share what counts once, and a code that was
misused takes its tokens along on both.
"""

import asyncio
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from tests.faults.expectations import await_refused
from tests.faults.nodes import Town
from tests.faults.population import APP, ASKING_APP, CALLBACK, OTHER_APP, OTHER_CALLBACK
from tests.faults.record import entries_since, ledger_size, query
from tests.faults.visitor import Doors, Grip, Visitor, answered, authorization

AT_ONCE = 24
MEDIA_TYPES = (
    "application/json",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded2",
    "application/x-www-form-urlencoded, text/plain",
    "",
)


@pytest.fixture(scope="module")
def kept_cookies() -> dict[str, str]:
    """The cookies of the one session that these tests share, since none of them ends it."""
    return {}


@pytest.fixture
async def visitor(town: Town, doors: Doors, kept_cookies: dict[str, str]) -> Visitor:
    """Somebody who is signed in and would get a code at once."""
    visitor = Visitor(doors, cookies=dict(kept_cookies))
    if not kept_cookies:
        await visitor.sign_in(town.population.citizens[13])
        kept_cookies.update(visitor.cookies)
    return visitor


def wish(**changes: str | None) -> dict[str, Any]:
    """A sound request with these parameters changed."""
    return {name: value for name, value in {**authorization(APP), **changes}.items() if value is not None}


def expect_page(answer: httpx2.Response) -> None:
    """E400: a page, no Location and no code."""
    assert answer.status_code == 400, answer.text[-500:]
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers


@pytest.mark.parametrize("name", sorted(wish()))
@pytest.mark.parametrize("second", ["", "evil", None])
async def test_p01_of_two_values_none_is_taken(
    town: Town, doors: Doors, visitor: Visitor, name: str, second: str | None
) -> None:
    """Equal, different or empty, before or behind, in the query, the body, or pushed: never the one nor the other."""
    sound = [(key, value) for key, value in wish().items()]
    twice = (name, wish()[name] if second is None else second)
    for pairs in ([twice, *sound], [*sound, twice]):
        told: list[httpx2.Response] = [
            await doors.send("GET", "/oauth/authorize?" + urlencode(pairs), headers=visitor.headers()),
            await visitor.post("/oauth/authorize", pairs, node=1),
        ]
        for answer in told:
            if name in ("client_id", "redirect_uri"):
                expect_page(answer)
            else:
                assert answered(answer)["error"] == "invalid_request"
                assert answered(answer)["iss"] == town.issuer
        pushed = await doors.send("POST", "/oauth/par", headers=doors.basic(APP), form=pairs)
        assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/logout"])
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_p17_a_body_that_is_no_form_asks_for_nothing(visitor: Visitor, path: str, media_type: str) -> None:
    """What a page elsewhere can send without asking (text/plain, multipart) is not read as if it were a form."""
    answer = await visitor.post(path, wish(), headers={"Content-Type": media_type})
    assert answer.status_code in (400, 415)
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers
    assert (await visitor.get("/account")).status_code == 200


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=UTF-8"]
)
async def test_p17_a_form_is_read(visitor: Visitor, media_type: str) -> None:
    """Positive control: with a charset and in any case (RFC 9110 §8.3.1)."""
    answer = await visitor.post("/oauth/authorize", wish(), headers={"Content-Type": media_type})
    assert answered(answer)["code"]


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        ("x" * 43, "plain"),
        ("x" * 43, None),
        ("x" * 43, "s256"),
        ("x" * 43, "S512"),
        ("x" * 42, "S256"),
        ("x" * 44, "S256"),
        ("x" * 42 + "=", "S256"),
        ("x" * 42 + "+", "S256"),
        ("x" * 42 + "é", "S256"),
        (None, "S256"),
        (None, None),
    ],
)
async def test_c02_c03_pkce_is_s256_or_nothing(
    doors: Doors, visitor: Visitor, challenge: str | None, method: str | None
) -> None:
    """At the front and pushed."""
    changes: dict[str, Any] = {"code_challenge": challenge, "code_challenge_method": method}
    assert answered(await visitor.authorize(node=1, **changes))["error"] == "invalid_request"
    pushed = await doors.back_channel("/oauth/par", APP, **wish(**changes))
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")


WRONG: dict[str, dict[str, Any]] = {
    "C04 no verifier": {"code_verifier": ""},
    "C04 another verifier": {"code_verifier": "w" * 43},
    "C04 the challenge itself": {"code_verifier": "challenge"},
    "C12 another client": {"client": OTHER_APP},
    "C12 another client and its address": {"client": OTHER_APP, "redirect_uri": OTHER_CALLBACK},
    "R21 another address": {"redirect_uri": OTHER_CALLBACK},
    "R21 no address": {"redirect_uri": ""},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_redemption_burns_the_code_on_both_nodes(
    doors: Doors, visitor: Visitor, changes: dict[str, Any]
) -> None:
    """C04, C12, R21: refused, and the right one that comes after it at the other node too."""
    grip = await visitor.grip()
    refused = await doors.redeem(grip, node=0, **changes)
    assert (refused.status_code, refused.json()["error"]) in ((400, "invalid_grant"), (400, "invalid_request"))
    after = await doors.redeem(grip, node=1)
    assert (after.status_code, after.json()["error"]) == (400, "invalid_grant")


async def test_c10_a_code_used_twice_takes_its_tokens_along(doors: Doors, visitor: Visitor) -> None:
    """REVOKED within a second on both nodes: access token at userinfo and introspection, and the refresh token."""
    grip = await visitor.grip()
    tokens = (await doors.redeem(grip)).json()
    assert (await doors.userinfo(tokens["access_token"], node=1)).status_code == 200
    assert (await doors.redeem(grip, node=1)).json()["error"] == "invalid_grant"
    for node in (0, 1):
        await await_refused(partial(doors.userinfo, tokens["access_token"], node=node), within=1.0)
        assert not (await doors.introspect(tokens["access_token"], node=node))["active"]
        refreshed = await doors.refresh(tokens["refresh_token"], node=node)
        assert refreshed.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "bend", [str.swapcase, lambda code: code[:-1], lambda code: code + "A", lambda code: code + " "]
)
async def test_c14_a_bent_code_is_unknown_and_spoils_nothing(doors: Doors, visitor: Visitor, bend: Any) -> None:
    """The code itself still works afterwards: guessing near it is no way to take it from somebody."""
    grip = await visitor.grip()
    bent = Grip(bend(grip.code), grip.verifier, grip.client, grip.redirect_uri)
    assert (await doors.redeem(bent)).json()["error"] == "invalid_grant"
    assert (await doors.redeem(grip, node=1)).status_code == 200


async def _consent_page(visitor: Visitor, scope: str = "openid profile") -> str:
    """Ask for the person's consent and return the transaction of the page."""
    waiting = await visitor.authorize(ASKING_APP, scope=scope, prompt="consent")
    assert (await visitor.get(waiting.headers["location"])).status_code == 200
    return parse_qs(urlsplit(waiting.headers["location"]).query)["transaction"][0]


async def test_p11_of_many_yeses_to_one_page_one_counts(town: Town, visitor: Visitor) -> None:
    """Sent at once to both nodes: one code, one grant on record, and nobody else is led to the app with one."""
    transaction = await _consent_page(visitor)
    before = ledger_size(town)
    form = {"transaction": transaction, "decision": "yes"}
    answers = await asyncio.gather(*(visitor.post("/consent", form, node=number % 2) for number in range(AT_ONCE)))
    codes = [answered(answer)["code"] for answer in answers if answer.status_code == 303]
    assert len(codes) == 1
    assert {answer.status_code for answer in answers} == {303, 400}
    granted = [
        entry for entry in entries_since(town, before) if entry.kind == "oauth.authorize" and entry.outcome == "allowed"
    ]
    assert len(granted) == 1


async def test_p11_the_answer_belongs_to_the_person_and_the_browser(town: Town, doors: Doors, visitor: Visitor) -> None:
    """C15, F08: neither another browser nor another person in the same browser can give it, and theirs is still good afterwards."""
    transaction = await _consent_page(visitor)
    form = {"transaction": transaction, "decision": "yes"}
    stranger = Visitor(doors)
    await stranger.sign_in(town.population.citizens[14])
    await stranger.get("/account")
    expect_page(await stranger.post("/consent", form))
    expect_page(await stranger.get("/consent", transaction=transaction))
    expect_page(await stranger.get("/login", transaction=transaction))
    alterations: list[dict[str, Any]] = [{"scope": "openid realname.id"}, {"client_id": OTHER_APP}, {"claims": "x"}]
    for altered in alterations:
        pass_by = await visitor.get("/consent", transaction=transaction, **altered)
        assert pass_by.status_code == 200
    given = await visitor.post("/consent", form, node=1)
    code = answered(given)["code"]
    assert given.headers["location"].startswith(CALLBACK)
    rows = query(town, "SELECT client_id FROM oauth_grants ORDER BY created_at DESC LIMIT 1")
    assert rows == [(ASKING_APP,)]
    assert len(code) >= 43


async def test_q10_a_name_is_good_for_its_own_app_alone(doors: Doors, visitor: Visitor) -> None:
    """RFC 9126 §7.1: pushed by one, brought by another, with either client's identifier; then it still works for its own."""
    pushed = await doors.back_channel("/oauth/par", APP, **wish())
    name = pushed.json()["request_uri"]
    others: list[dict[str, Any]] = [
        {"client_id": OTHER_APP, "request_uri": name},
        {"client_id": OTHER_APP, "request_uri": name, "redirect_uri": OTHER_CALLBACK, "response_type": "code"},
        {"request_uri": name},
        {"client_id": APP, "request_uri": name[:-1]},
        {"client_id": APP, "request_uri": name + "A"},
        {"client_id": APP, "request_uri": name.swapcase()},
        {"client_id": APP, "request_uri": name + "#"},
        {"client_id": APP, "request_uri": " " + name},
    ]
    for other in others:
        answer = await visitor.get("/oauth/authorize", node=1, **other)
        assert "code=" not in answer.headers.get("location", "")
        assert answer.status_code == 400
    used: dict[str, Any] = {
        "client_id": APP,
        "request_uri": name,
        "redirect_uri": "https://evil.test/",
        "state": "evil",
    }
    answer = await visitor.get("/oauth/authorize", node=1, **used)
    assert answer.headers["location"].startswith(f"{CALLBACK}?code=")
    assert answered(answer)["state"] == "state-of-the-test"
