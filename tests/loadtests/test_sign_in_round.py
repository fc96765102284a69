"""The round of somebody who is not signed in: alike at the product and at the peer, and right answers only."""

from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from foundation.entropy import SystemEntropy
from idp.signin import entrance
from idp.signin.limits import SignInLimits
from idp.signin.passwords import PasswordHasher
from loadtests.budgets import BUDGETS
from loadtests.calls import Call, Conversation, WrongAnswer
from loadtests.connection import Reply
from loadtests.conversations import Browser
from loadtests.light_hashing import LightHasher, hash_lightly
from loadtests.measure import Target
from loadtests.peer import Peer
from loadtests.peer_scenarios import PEER_SCENARIOS
from loadtests.scenarios import SCENARIOS, find_scenarios
from loadtests.sign_in import SESSION_COOKIE, sign_in_round
from tests.loadtests.test_world import WORLD, answer, play

CALLBACK = "http://127.0.0.1:9/callback"
PEER = Peer(Target(8001, 1), "a secret")
TOKENS = answer(200, {"access_token": "a", "id_token": "i"})
PERSON = answer(200, {"sub": "s", "name": "赵静"})


def to(place: str, *cookies: str) -> Reply:
    """A redirect that sets cookies."""
    return Reply(303, [("location", place), *(("set-cookie", cookie) for cookie in cookies)], b"")


def at_product(**instead: Reply) -> list[Reply]:
    """The product's answers to a whole round, some of them replaced."""
    usual = {
        "authorization": to("/login?transaction=t1", "__Host-rz_flow=f; Path=/"),
        "page": Reply(200, [], b'<input type="hidden" name="csrf_token" value="t0ken">'),
        "password": to("/sign-in/continue?transaction=t1", f"{SESSION_COOKIE}=new; Path=/"),
        "resumed": to(f"{CALLBACK}?code=c0de&iss=i"),
        "tokens": TOKENS,
        "userinfo": PERSON,
    }
    return list((usual | instead).values())


def at_peer(**instead: Reply) -> list[Reply]:
    """The peer's answers to a whole round, some of them replaced."""
    usual = {
        "authorization": to("/interaction/u1", "_interaction=u1; path=/interaction/u1"),
        "page": Reply(200, [], b'<input name="password" type="password">'),
        "password": to("http://127.0.0.1:8001/auth/u1"),
        "resumed": to(f"{CALLBACK}?code=c0de&iss=i", "_session=s"),
        "tokens": TOKENS,
        "userinfo": PERSON,
    }
    return list((usual | instead).values())


def until_wrong(conversation: Conversation, replies: list[Reply]) -> str:
    """Play until a wrong answer is noticed and return its words."""
    with pytest.raises(WrongAnswer) as heard:
        play(conversation, *replies)
    return str(heard.value)


def test_each_request_of_the_round_follows_from_the_answer_before() -> None:
    """The browser forgets its session, goes on in the same transaction, and the code is redeemed with its own verifier."""
    browser = Browser({SESSION_COOKIE: "old", "__Host-rz_device": "d"})
    authorization, page, password, resumed, token, userinfo = play(
        sign_in_round(WORLD, browser, WORLD.citizens[0]), *at_product()
    )
    assert authorization.headers["cookie"] == "__Host-rz_device=d"
    assert page.target == "/login?transaction=t1"
    form = parse_qs((password.body or b"").decode())
    assert form["transaction"] == ["t1"]
    assert form["csrf_token"] == ["t0ken"]
    assert form["password"] == [WORLD.citizens[0].password]
    assert f"{SESSION_COOKIE}=new" in resumed.headers["cookie"]
    assert parse_qs((token.body or b"").decode())["code"] == ["c0de"]
    assert userinfo.headers["authorization"] == "Bearer a"


def test_both_rounds_are_the_same_requests() -> None:
    """A comparison of different work would say nothing: the same methods in the same order, and the same request for the same app."""
    ours = play(sign_in_round(WORLD, Browser(), WORLD.citizens[0]), *at_product())
    theirs = play(PEER.sign_in_round("somebody"), *at_peer())
    assert (
        [call.method for call in ours]
        == [call.method for call in theirs]
        == ["GET", "GET", "POST", "GET", "POST", "GET"]
    )
    asked = [parse_qs(urlsplit(calls[0].target).query) for calls in (ours, theirs)]
    assert asked[0].keys() == asked[1].keys()
    assert asked[0]["scope"] == asked[1]["scope"]
    assert asked[0]["redirect_uri"] == asked[1]["redirect_uri"] == [CALLBACK]


def test_the_peer_is_told_its_own_cookies_and_password() -> None:
    """Without the cookie of its interaction it would refuse, and a refusal is quick."""
    calls: list[Call] = play(PEER.sign_in_round("somebody"), *at_peer())
    assert calls[1].target == calls[2].target == "/interaction/u1"
    assert calls[1].headers["cookie"] == calls[2].headers["cookie"] == "_interaction=u1"
    assert parse_qs((calls[2].body or b"").decode()) == {"login": ["somebody"], "password": ["a secret"]}
    assert calls[3].target == "/auth/u1"


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        pytest.param(at_product(authorization=to(f"{CALLBACK}?code=c"))[:1], "redirect", id="somebody is signed in already"),
        pytest.param(at_product(page=Reply(503))[:2], "sign-in page: 503", id="no page"),
        pytest.param(at_product(password=Reply(200))[:3], "sign-in: 200", id="the form once more"),
        pytest.param(at_product(password=to("/sign-in/continue"))[:3], "no session cookie", id="no session"),
        pytest.param(
            at_product(password=to("/login/totp?flow=f", f"{SESSION_COOKIE}=n"))[:3], "redirect", id="a second factor"
        ),
        pytest.param(at_product(resumed=to("/consent?transaction=t1"))[:4], "no code", id="consent is asked for"),
        pytest.param(at_product(tokens=answer(200, {"access_token": "a"}))[:5], "no ID token", id="no ID token"),
        pytest.param(at_product(userinfo=answer(200, {"sub": "s"})), "no name", id="no name"),
    ],
)  # fmt: skip
def test_a_round_that_ends_early_at_the_product_is_no_round(replies: list[Reply], words: str) -> None:
    """Whatever shortens the way would make it look quick."""
    assert words in until_wrong(sign_in_round(WORLD, Browser(), WORLD.citizens[0]), replies)


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        pytest.param(at_peer(authorization=to(f"{CALLBACK}?code=c"))[:1], "redirect", id="somebody is signed in already"),
        pytest.param(at_peer(page=Reply(200, [], b"<p>none</p>"))[:2], "no field", id="a page without a form"),
        pytest.param(at_peer(password=Reply(401))[:3], "401", id="a wrong password"),
        pytest.param(at_peer(resumed=to("/interaction/u2"))[:4], "no code", id="consent is asked for"),
        pytest.param(at_peer(tokens=answer(200, {"access_token": "a"}))[:5], "no ID token", id="no ID token"),
        pytest.param(at_peer(userinfo=answer(200, {"sub": "s"})), "no name", id="no name"),
    ],
)  # fmt: skip
def test_a_round_that_ends_early_at_the_peer_is_no_round(replies: list[Reply], words: str) -> None:
    """The peer is measured as strictly as the product."""
    assert words in until_wrong(PEER.sign_in_round("somebody"), replies)


def test_only_the_compared_round_leaves_hashing_out() -> None:
    """The figure of signing in with a password keeps its price."""
    assert [one.name for one in SCENARIOS if one.light_hashing] == ["sign_in_round"]
    assert [one.name for one in find_scenarios(["sign_in_round"])] == ["sign_in_round"]


def test_whatever_the_peer_does_too_has_a_budget_beside_it() -> None:
    """An operation measured twice and judged by nothing would be a waste of minutes."""
    assert set(PEER_SCENARIOS) <= {one.name for one in SCENARIOS}
    assert all(BUDGETS[name].ratio_to_peer_at_least == 1.0 for name in PEER_SCENARIOS)


async def test_light_hashing_still_tells_right_from_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at its least, which the product's settings refuse; everything else of the check is the product's."""
    monkeypatch.setitem(vars(entrance), "PasswordHasher", PasswordHasher)
    hash_lightly()
    assert vars(entrance)["PasswordHasher"] is LightHasher
    hasher = LightHasher(SignInLimits(), entropy=SystemEntropy())
    try:
        async with hasher.turn() as turn:
            stored = await turn.hash("Measure-000-Willow-Bridge")
            assert await turn.verify("Measure-000-Willow-Bridge", stored)
            assert not await turn.verify("Measure-001-Willow-Bridge", stored)
    finally:
        hasher.close()
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert hasher.needs_rehash("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA")
    with pytest.raises(ValidationError):
        SignInLimits(argon2_memory_kib=8)
