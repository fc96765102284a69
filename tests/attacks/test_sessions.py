"""Areas D and E on the running nodes: whose session it is, how fresh it is, and that it is over when it is over.

Rules that need no second node are held in tests/idp/provider/test_interaction.py, test_logout.py, test_logout_hints.py and in
tests/idp/signin/test_sessions.py; state, nonce and issuer of the upper centers in tests/adapters/test_oidc_center.py and
tests/idp/signin/test_arrival.py.
"""

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.faults.expectations import await_refused
from tests.faults.nodes import Town
from tests.faults.population import APP, SIGNED_OUT
from tests.faults.record import entries_since, ledger_size
from tests.faults.visitor import SESSION_COOKIE, Doors, Grip, Visitor, answered, challenge

FIRST, SECOND = 15, 16
AT_ONCE = 16
VERIFIER = "verifier-of-this-module-verifier-of-this-module"


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JWT without checking it."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


@pytest.fixture
async def visitor(town: Town, doors: Doors) -> Visitor:
    """Somebody who has just signed in."""
    signed_in = Visitor(doors)
    await signed_in.sign_in(town.population.citizens[FIRST])
    return signed_in


async def is_signed_in(visitor: Visitor, *, node: int = 0) -> bool:
    """Whether the cookies of this browser open a page behind the sign-in."""
    return (await visitor.get("/account", node=node)).status_code == 200


async def test_f07_a_planted_session_is_not_the_one_that_is_signed_in(town: Town, doors: Doors) -> None:
    """A value somebody made up, and a genuine session of somebody else: the victim's sign-in replaces both, and neither learns of it."""
    attacker = Visitor(doors)
    await attacker.sign_in(town.population.citizens[SECOND])
    for planted in ("A" * 43, attacker.cookies[SESSION_COOKIE]):
        victim = Visitor(doors, cookies={SESSION_COOKIE: planted})
        person = town.population.citizens[FIRST]
        await victim.get("/login", anew="yes")
        entered = await victim.post("/login", {"identifier": person.user_name, "password": person.password})
        assert entered.status_code == 303
        assert victim.cookies[SESSION_COOKIE] != planted
        holder = Visitor(doors, cookies={SESSION_COOKIE: planted})
        for node in (0, 1):
            page = await holder.get("/account", node=node)
            assert page.status_code == 303 or town.population.citizens[FIRST].user_name not in page.text
            assert await is_signed_in(victim, node=node)


async def test_f09_the_next_person_at_a_browser_shares_nothing(town: Town, doors: Doors, visitor: Visitor) -> None:
    """After signing out another person signs in: no cookie, subject, session identifier or token is the former one's."""
    before = dict(visitor.cookies)
    tokens = await visitor.tokens()
    await visitor.get("/logout")
    await visitor.post("/logout", {}, node=1)
    await visitor.sign_in(town.population.citizens[SECOND], node=1)
    assert visitor.cookies[SESSION_COOKIE] != before[SESSION_COOKIE]
    after = await visitor.tokens()
    former, present = claims_of(tokens["id_token"]), claims_of(after["id_token"])
    assert {former["sub"], former["sid"]} & {present["sub"], present["sid"]} == set()
    old = Visitor(doors, cookies=before)
    for node in (0, 1):
        assert not await is_signed_in(old, node=node)
        assert (await doors.userinfo(tokens["access_token"], node=node)).status_code == 401
        assert (await doors.userinfo(after["access_token"], node=node)).json()["sub"] == present["sub"]


async def test_f11_asking_again_cannot_be_got_around(town: Town, doors: Doors, visitor: Visitor) -> None:
    """`prompt=login` in a live session: reload, the way on, other parameters and the other node all lead back to the sign-in."""
    first = claims_of((await visitor.tokens())["id_token"])["auth_time"]
    await asyncio.sleep(1.1)
    asked = await visitor.authorize(APP, prompt="login", code_challenge=challenge(VERIFIER))
    where = urlsplit(asked.headers["location"])
    transaction = parse_qs(where.query)["transaction"][0]
    ways: list[tuple[str, dict[str, Any]]] = [
        ("/login", {"transaction": transaction}),
        ("/login", {"transaction": transaction, "prompt": "none"}),
        ("/login", {"transaction": transaction, "anew": "no", "next": "/sign-in/continue"}),
        ("/sign-in/continue", {"transaction": transaction}),
        ("/consent", {"transaction": transaction}),
    ]
    for node in (0, 1):
        for path, query in ways:
            answer = await visitor.get(path, node=node, **query)
            assert "code=" not in answer.headers.get("location", "")
            assert answer.status_code == 200 or urlsplit(answer.headers["location"]).path == "/login"
    refused = await visitor.post("/consent", {"transaction": transaction, "decision": "yes"})
    assert "code=" not in refused.headers.get("location", "")
    await visitor.get("/login", transaction=transaction)
    person = town.population.citizens[FIRST]
    form = {"identifier": person.user_name, "password": person.password, "transaction": transaction}
    entered = await visitor.post("/login", form, node=1)
    back = await visitor.get(entered.headers["location"])
    tokens = await doors.redeem(Grip(answered(back)["code"], VERIFIER, APP, "https://probe.test/callback"))
    assert claims_of(tokens.json()["id_token"])["auth_time"] > first


async def test_f12_an_old_sign_in_is_not_fresh(visitor: Visitor) -> None:
    """`max_age=1` two seconds later asks again; `max_age=3600` does not (positive control); silently it is an error."""
    await asyncio.sleep(2.1)
    asked = await visitor.authorize(APP, max_age="1")
    assert urlsplit(asked.headers["location"]).path == "/login"
    assert answered(await visitor.authorize(APP, max_age="1", prompt="none", node=1))["error"] == "login_required"
    assert answered(await visitor.authorize(APP, max_age="3600"))["code"]


async def test_f16_a_hint_of_somebody_else_is_no_silent_sign_in(town: Town, doors: Doors, visitor: Visitor) -> None:
    """With the own hint it is (positive control)."""
    hint = (await visitor.tokens())["id_token"]
    other = Visitor(doors)
    await other.sign_in(town.population.citizens[SECOND])
    refused = await other.authorize(APP, prompt="none", id_token_hint=hint, node=1)
    assert answered(refused)["error"] == "login_required"
    assert answered(await visitor.authorize(APP, prompt="none", id_token_hint=hint))["code"]


BENT_COOKIES: dict[str, Callable[[str], str]] = {
    "cut": lambda cookie: f"{SESSION_COOKIE}={cookie[:-1]}",
    "longer": lambda cookie: f"{SESSION_COOKIE}={cookie}A",
    "other case": lambda cookie: f"{SESSION_COOKIE}={cookie.swapcase()}",
    "quoted": lambda cookie: f'{SESSION_COOKIE}="{cookie[:-1]}"',
    "escaped": lambda cookie: f"{SESSION_COOKIE}=%{ord(cookie[0]):02x}{cookie[1:]}",
    "oversized": lambda cookie: f"{SESSION_COOKIE}={cookie}{'A' * 5_000}",
    "NUL": lambda cookie: f"{SESSION_COOKIE}={cookie}%00",
    "without its prefix": lambda cookie: f"rz_session={cookie}",
    "other case of its name": lambda cookie: f"{SESSION_COOKIE.lower()}={cookie}",
    "another cookie of ours": lambda cookie: f"__Host-rz_flow={cookie}",
}


@pytest.mark.parametrize("bend", BENT_COOKIES.values(), ids=BENT_COOKIES.keys())
async def test_f21_a_bent_cookie_is_nobody(doors: Doors, visitor: Visitor, bend: Callable[[str], str]) -> None:
    """Anonymous everywhere; the true one still works afterwards."""
    for path, node in (("/account", 0), ("/licenses", 1), ("/oauth/authorize?prompt=none&" + _query(), 0)):
        headers = {**visitor.headers(), "Cookie": bend(visitor.cookies[SESSION_COOKIE])}
        answer = await doors.send("GET", path, node=node, headers=headers)
        assert answer.status_code in (303, 431)
        assert "code=" not in answer.headers.get("location", "")
    assert await is_signed_in(visitor)


def _query() -> str:
    parameters = {
        "response_type": "code",
        "client_id": APP,
        "redirect_uri": "https://probe.test/callback",
        "scope": "openid",
        "state": "s",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    return "&".join(f"{name}={value}" for name, value in parameters.items())


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_l05_nobody_is_signed_out_by_a_page_elsewhere(doors: Doors, visitor: Visitor, site: str) -> None:
    """An image, a link and forms, with the cookie as a browser would send it: a question at most."""
    headers = {**visitor.headers(), "Origin": "https://evil.test", "Sec-Fetch-Site": site}
    for method, path in (
        ("GET", "/oauth/logout"),
        ("GET", f"/oauth/logout?client_id={APP}&post_logout_redirect_uri={SIGNED_OUT}"),
        ("GET", "/oauth/logout?id_token_hint=a.b.c"),
        ("GET", "/logout"),
        ("POST", "/oauth/logout"),
        ("POST", "/logout"),
    ):
        answer = await doors.send(method, path, node=1, headers=headers, form=() if method == "POST" else None)
        assert answer.headers.get("location", "") in ("", "/login")
        assert not any(line.startswith(f"{SESSION_COOKIE}=;") for line in answer.headers.get_list("set-cookie"))
        assert await is_signed_in(visitor)


async def test_l06_over_means_over_on_both_nodes(doors: Doors, visitor: Visitor) -> None:
    """Cookie, access token and refresh token; and no page of the session may be kept by the browser for its back button."""
    tokens = await visitor.tokens()
    before = dict(visitor.cookies)
    page = await visitor.get("/account")
    assert page.headers["cache-control"] == "no-store"
    answer = await visitor.get("/oauth/logout", id_token_hint=tokens["id_token"], post_logout_redirect_uri=SIGNED_OUT)
    assert answer.headers["location"] == SIGNED_OUT
    assert SESSION_COOKIE not in visitor.cookies
    replayed = Visitor(doors, cookies=before)
    for node in (0, 1):
        await await_refused(partial(doors.userinfo, tokens["access_token"], node=node), within=1.0)
        assert not await is_signed_in(replayed, node=node)
        assert (await doors.refresh(tokens["refresh_token"], node=node)).json()["error"] == "invalid_grant"
        silent = await replayed.authorize(APP, prompt="none", node=node)
        assert answered(silent)["error"] == "login_required"


async def test_l07_a_hint_ends_its_session_without_a_cookie(doors: Doors, visitor: Visitor) -> None:
    """At the other node, from a page of the application."""
    tokens = await visitor.tokens()
    form = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": SIGNED_OUT}
    answer = await doors.send("POST", "/oauth/logout", node=1, form=form)
    assert answer.headers["location"] == SIGNED_OUT
    for node in (0, 1):
        await await_refused(partial(doors.userinfo, tokens["access_token"], node=node), within=1.0)
        assert not await is_signed_in(visitor, node=node)


async def test_l01_of_many_yeses_one_ends_the_session(town: Town, visitor: Visitor) -> None:
    """The question of an application answered sixteen times at once on both nodes: ended once, on record once."""
    asked = await visitor.get("/oauth/logout", client_id=APP, post_logout_redirect_uri=SIGNED_OUT, state="s")
    found = re.search(r'name="transaction"\s+value="([^"]+)"', asked.text)
    assert found is not None
    form, before = {"transaction": found[1], "csrf_token": visitor.csrf_token}, ledger_size(town)
    cookies = dict(visitor.cookies)

    def yes(number: int) -> Awaitable[Any]:
        return Visitor(visitor.doors, cookies=dict(cookies)).post("/logout", form, node=number % 2)

    answers = await asyncio.gather(*(yes(number) for number in range(AT_ONCE)))
    assert all(answer.status_code in (303, 400) for answer in answers)
    ended = [entry for entry in entries_since(town, before) if entry.kind == "oauth.logout" and entry.outcome == "done"]
    assert len(ended) == 1
    assert {answer.headers["location"] for answer in answers if answer.status_code == 303} <= {
        f"{SIGNED_OUT}?state=s",
        "/login",
    } | {answer.headers["location"] for answer in answers if "/logout/done" in answer.headers.get("location", "")}
    assert not await is_signed_in(Visitor(visitor.doors, cookies=cookies))
