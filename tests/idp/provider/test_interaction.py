"""Area D: prompt, max_age, acr and hints are honoured on the first look and on every later one."""

from typing import Any

import pytest
from sqlalchemy import update

from idp.provider.tables import consents
from idp.vocabulary import RealNameLevel, SignInStrength
from tests.idp.provider.world import (
    LI,
    Browser,
    Person,
    World,
    answer,
    claims_of_jwt,
    page_of,
    transaction_of,
)

STRONGER = "urn:renzheng:acr:l2:f2"


async def test_prompt_none_without_session(world: World) -> None:
    """OpenID Connect Core §3.1.2.6."""
    assert answer(await Browser(world).authorize(prompt="none"))["error"] == "login_required"


async def test_prompt_none_with_session_and_consent(browser: Browser) -> None:
    """Positive control: nothing is missing, so nothing is shown."""
    await browser.tokens_for()
    assert "code" in answer(await browser.authorize(prompt="none"))


async def test_prompt_none_with_something_declined(browser: Browser) -> None:
    """An item declined before needs no page; one that was never answered does."""
    await browser.agree(await browser.authorize(scope="openid profile phone"), "profile")
    assert "code" in answer(await browser.authorize(scope="openid profile phone", prompt="none"))
    for scope in ("openid profile phone offline_access", "openid phone realname"):
        assert answer(await browser.authorize(scope=scope, prompt="none"))["error"] == "consent_required"


async def test_declined_counts_while_it_is_optional(world: World, browser: Browser) -> None:
    """A record that declines something essential, however it came about, is no answer: it is asked for."""
    await browser.tokens_for()
    async with world.provider.db.transaction() as connection:
        await connection.execute(update(consents).values(declined=["phone", "realname"]))
    assert "code" in answer(await browser.authorize(scope="openid profile phone"))
    assert page_of(await browser.authorize(scope="openid profile realname")) == "/consent"


async def test_prompt_login_asks_again(world: World, browser: Browser, zhang: Person) -> None:
    """F11:

    The live session is not enough, resuming without a sign-in is not either, and auth_time is newer.
    """
    first = claims_of_jwt((await browser.tokens_for())["id_token"])
    world.later(seconds=5)
    await world.provider.feed.catch_up()
    response = await browser.authorize(prompt="login")
    assert page_of(response) == "/login"
    skipped = await browser.get("/test/resume", {"transaction": transaction_of(response)})
    assert page_of(skipped) == "/login"
    await world.sign_in(browser, zhang)
    found = answer(await browser.get("/test/resume", {"transaction": transaction_of(response)}))
    second = claims_of_jwt((await browser.redeem(found["code"])).json()["id_token"])
    assert second["auth_time"] > first["auth_time"]
    assert second["sub"] == first["sub"]


async def test_max_age_asks_again(world: World, browser: Browser, zhang: Person) -> None:
    """F12: older than max_age is too old, and a sign-in made for this request is never too old."""
    await browser.tokens_for()
    world.later(seconds=2)
    await world.provider.feed.catch_up()
    assert "code" in answer(await browser.authorize(max_age="2"))
    response = await browser.authorize(max_age="1")
    assert page_of(response) == "/login"
    assert answer(await browser.authorize(max_age="1", prompt="none"))["error"] == "login_required"
    await world.sign_in(browser, zhang)
    world.later(seconds=2)
    await world.provider.feed.catch_up()
    assert "code" in answer(await browser.get("/test/resume", {"transaction": transaction_of(response)}))


async def test_max_age_zero_is_a_new_sign_in(world: World, browser: Browser) -> None:
    """max_age=0 is allowed and means now."""
    await browser.tokens_for()
    world.later(seconds=1)
    await world.provider.feed.catch_up()
    assert page_of(await browser.authorize(max_age="0")) == "/login"


ACR_REQUESTS: list[dict[str, Any]] = [
    {"acr_values": STRONGER},
    {"claims": '{"id_token":{"acr":{"essential":true,"values":["urn:renzheng:acr:l2:f2"]}}}'},
    {"claims": '{"id_token":{"acr":{"value":"urn:renzheng:acr:l2:f2"}}}'},
]


@pytest.mark.parametrize("asked", ACR_REQUESTS, ids=["acr_values", "essential", "voluntary"])
async def test_stronger_acr_leads_to_step_up(
    world: World, browser: Browser, zhang: Person, asked: dict[str, Any]
) -> None:
    """F13: a step-up reaches it; one that does not reach it is told, never lowered in silence."""
    await browser.tokens_for()
    response = await browser.authorize(**asked)
    assert page_of(response) == "/login"
    silent = answer(await browser.authorize(prompt="none", **asked))
    assert silent["error"] == "unmet_authentication_requirements"
    world.later(seconds=1)
    await world.provider.feed.catch_up()
    await world.sign_in(browser, zhang, strength=SignInStrength.TWO_FACTOR)
    found = answer(await browser.get("/test/resume", {"transaction": transaction_of(response)}))
    assert claims_of_jwt((await browser.redeem(found["code"])).json()["id_token"])["acr"] == STRONGER


async def test_unreachable_acr_is_told(world: World, browser: Browser, zhang: Person) -> None:
    """A sign-in that does not reach the acr ends with the error at the app."""
    await browser.tokens_for()
    response = await browser.authorize(acr_values="urn:renzheng:acr:l3:f2 urn:renzheng:acr:l3:f1")
    world.later(seconds=1)
    await world.provider.feed.catch_up()
    await world.sign_in(browser, zhang, level=RealNameLevel.MEDIUM)
    found = answer(await browser.get("/test/resume", {"transaction": transaction_of(response)}))
    assert found["error"] == "unmet_authentication_requirements"


async def test_reached_acr_asks_nothing(browser: Browser) -> None:
    """Positive control: one of several values is enough."""
    await browser.tokens_for()
    assert "code" in answer(await browser.authorize(acr_values=f"{STRONGER} urn:renzheng:acr:l1:f1"))


async def test_hint_of_another_person(world: World, browser: Browser) -> None:
    """F16: with prompt=none it is login_required; with pages the expected person is asked for."""
    hint = (await browser.tokens_for())["id_token"]
    stranger = Browser(world)
    li = await world.add_person(LI, "李晓禾", "13800000002")
    await world.sign_in(stranger, li)
    refused = answer(await stranger.authorize(id_token_hint=hint, prompt="none"))
    assert refused["error"] == "login_required"
    assert page_of(await stranger.authorize(id_token_hint=hint)) == "/login"
    assert "code" in answer(await browser.authorize(id_token_hint=hint, prompt="none"))


async def test_hint_of_another_client(browser: Browser) -> None:
    """A hint issued to one app says nothing to another."""
    hint = (await browser.tokens_for("qyfw"))["id_token"]
    assert answer(await browser.authorize(id_token_hint=hint))["error"] == "invalid_request"


async def test_expired_hint_still_hints(world: World, browser: Browser, zhang: Person) -> None:
    """OpenID Connect Core §3.1.2.1: an expired ID token may be a hint."""
    hint = (await browser.tokens_for())["id_token"]
    world.later(hours=3)
    await world.provider.feed.catch_up()
    await world.sign_in(browser, zhang)
    assert "code" in answer(await browser.authorize(id_token_hint=hint, prompt="none"))


async def test_transaction_is_bound_to_its_browser(world: World, browser: Browser, zhang: Person) -> None:
    """C15, F08: another browser gets nothing from a transaction id, and cannot end it."""
    waiting = Browser(world)
    transaction = transaction_of(await waiting.authorize())
    thief = Browser(world)
    await world.sign_in(thief, zhang)
    stolen = await thief.get("/test/resume", {"transaction": transaction})
    assert stolen.status_code == 400
    assert stolen.json()["code"] == "21005"
    guessed = await browser.get("/test/resume", {"transaction": "0" * 43})
    assert guessed.status_code == 400
    await world.sign_in(waiting, zhang)
    assert page_of(await waiting.get("/test/resume", {"transaction": transaction})) == "/consent"


async def test_finished_transaction_cannot_be_resumed(world: World, browser: Browser) -> None:
    """P11: one transaction gives one code."""
    response = await browser.authorize()
    await browser.agree(response)
    again = await browser.get("/test/resume", {"transaction": transaction_of(response)})
    assert again.status_code == 400
    assert again.json()["code"] == "21005"
