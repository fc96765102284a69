"""Consent: asked once, for the difference, with masked values; bound, single, and taken back at will.

What is optional may be declined: that is remembered like an agreement.
"""

import pytest

from idp.provider.authorization.authorize import resume_authorization
from idp.provider.authorization.outcomes import ConsentNeeded
from idp.provider.connected_apps import list_connected_apps, list_session_apps, withdraw_consent
from idp.provider.tables import consents
from idp.signin.flows import FLOW_COOKIE as BROWSER_COOKIE
from tests.idp.provider.world import (
    LI,
    ZHANG,
    Browser,
    Person,
    World,
    answer,
    page_of,
    transaction_of,
)


async def _consent_page(world: World, browser: Browser, person: Person, **changes: str) -> ConsentNeeded:
    response = await browser.authorize(**changes)
    session = await world.sign_in(browser, person)
    shown = await resume_authorization(
        transaction_of(response),
        session=session,
        browser=browser.cookies[BROWSER_COOKIE],
        provider=world.provider,
        now=world.now,
    )
    assert isinstance(shown, ConsentNeeded)
    return shown


async def test_page_shows_masked_values(world: World, browser: Browser, zhang: Person) -> None:
    """Names, phones and numbers appear in part, and the address for the form's answer is the app's."""
    shown = await _consent_page(world, browser, zhang, scope="openid realname.id phone")
    values = {claim.name: claim.value for item in shown.view.items for claim in item.claims}
    assert values["document_number"] == f"{ZHANG[:4]}**********{ZHANG[-4:]}"
    assert values["phone_number"] == "138****0001"
    assert ZHANG not in str(shown)
    assert shown.view.redirect_origin == "https://gzf.test"
    assert [item.item for item in shown.view.items] == ["realname.id", "phone"]


async def test_only_the_difference_is_new(world: World, browser: Browser, zhang: Person) -> None:
    """What was agreed to is marked; less than that asks nothing."""
    await browser.tokens_for(scope="openid profile realname")
    assert "code" in answer(await browser.authorize(scope="openid realname"))
    shown = await _consent_page(world, browser, zhang, scope="openid profile phone")
    assert {item.item: item.agreed_before for item in shown.view.items} == {"profile": True, "phone": False}


async def test_agreeing_to_less_gives_less(world: World, browser: Browser) -> None:
    """RFC 6749 §3.3: the scope of the answer says what was agreed to."""
    response = await browser.agree(await browser.authorize(scope="openid profile phone"), "profile")
    tokens = (await browser.redeem(answer(response)["code"])).json()
    assert tokens["scope"] == "openid profile"
    assert "phone_number" not in (await world.userinfo(tokens["access_token"])).json()


async def test_declined_is_not_asked_again_and_never_issued(world: World, browser: Browser) -> None:
    """The next sign-in shows no page, and what was left out stays out of the token and of userinfo."""
    wanted = {"scope": "openid profile phone offline_access", "claims": '{"userinfo":{"phone_number":null}}'}
    await browser.agree(await browser.authorize(**wanted), "profile")
    assert (await world.entries())[-2]["details"] == {"items": ["profile"], "declined": ["offline_access", "phone"]}
    tokens = (await browser.redeem(answer(await browser.authorize(**wanted))["code"])).json()
    assert tokens["scope"] == "openid profile"
    assert "refresh_token" not in tokens
    claims = (await world.userinfo(tokens["access_token"])).json()
    assert "nickname" in claims
    assert "phone_number" not in claims


async def test_everything_optional_may_be_declined(browser: Browser) -> None:
    """Then the person is signed in and nothing else is given; asking less or the same asks no one."""
    shown = await browser.authorize(scope="openid phone")
    declined = await browser.post("/test/consent", {"transaction": transaction_of(shown), "agreed": ""})
    assert (await browser.redeem(answer(declined)["code"])).json()["scope"] == "openid"
    assert "code" in answer(await browser.authorize(scope="openid phone"))
    assert "code" in answer(await browser.authorize(scope="openid"))


async def test_difference_offers_the_declined_again(world: World, browser: Browser, zhang: Person) -> None:
    """A page shown for something new lists it as optional and not agreed to; leaving it out again holds."""
    await browser.agree(await browser.authorize(scope="openid profile phone"), "profile")
    shown = await _consent_page(world, browser, zhang, scope="openid profile phone realname")
    assert [(item.item, item.agreed_before, item.optional) for item in shown.view.items] == [
        ("profile", True, False),
        ("phone", False, True),
        ("realname", False, False),
    ]
    form = {"transaction": shown.transaction_id, "agreed": "profile realname"}
    await browser.post("/test/consent", form)
    tokens = await browser.tokens_for(scope="openid profile phone realname")
    assert tokens["scope"] == "openid profile realname"


async def test_declined_item_agreed_to_later_moves(world: World, browser: Browser, zhang: Person) -> None:
    """The newest word counts, in both directions, and an item stands on one side only."""
    await browser.agree(await browser.authorize(scope="openid profile phone offline_access"), "profile")
    response = await browser.authorize(scope="openid profile phone", prompt="consent")
    assert page_of(response) == "/consent"
    await browser.agree(response, "profile", "phone")
    (row,) = await world.rows(consents)
    assert (row["items"], row["declined"]) == (["phone", "profile"], ["offline_access"])
    assert (await browser.tokens_for(scope="openid profile phone"))["scope"] == "openid profile phone"
    await browser.agree(await browser.authorize(scope="openid profile phone", prompt="consent"), "profile")
    assert (await browser.tokens_for(scope="openid profile phone"))["scope"] == "openid profile"
    (row,) = await world.rows(consents)
    assert (row["items"], row["declined"]) == (["profile"], ["offline_access", "phone"])
    (app,) = await list_connected_apps(zhang.person_id, provider=world.provider)
    assert [item.item for item in app.items] == ["profile"]


@pytest.mark.parametrize("left_out", ["profile", "realname.id", "claim:name"])
async def test_leaving_out_what_is_essential_refuses(world: World, browser: Browser, left_out: str) -> None:
    """Only what is optional can be declined: anything else is access_denied, and nothing is remembered."""
    wanted = {"scope": "openid profile phone realname.id", "claims": '{"userinfo":{"name":null}}'}
    given = {"profile", "realname.id", "claim:name"} - {left_out}
    found = answer(await browser.agree(await browser.authorize(**wanted), *given))
    assert found["error"] == "access_denied"
    assert await world.last_entry() == ("oauth.authorize", "refused", "21027")
    assert await world.rows(consents) == []
    assert page_of(await browser.authorize(**wanted)) == "/consent"


async def test_withdrawing_forgets_what_was_declined(world: World, browser: Browser, zhang: Person) -> None:
    """The next page asks for everything, and its answer alone counts."""
    await browser.agree(await browser.authorize(scope="openid profile phone offline_access"), "profile")
    await withdraw_consent(zhang.person_id, "gzf", provider=world.provider, now=world.now)
    shown = await _consent_page(world, browser, zhang, scope="openid profile phone")
    assert [item.agreed_before for item in shown.view.items] == [False, False]
    await browser.post("/test/consent", {"transaction": shown.transaction_id, "agreed": "profile phone"})
    (row,) = await world.rows(consents)
    assert (row["items"], row["declined"]) == (["phone", "profile"], [])


async def test_refusal_is_told_to_the_app(world: World, browser: Browser) -> None:
    """access_denied, one entry, and no memory of a consent."""
    found = answer(await browser.agree(await browser.authorize(), "no"))
    assert found["error"] == "access_denied"
    assert await world.last_entry() == ("oauth.authorize", "refused", "21027")
    assert page_of(await browser.authorize()) == "/consent"


async def test_answer_counts_once_and_only_as_shown(world: World, browser: Browser, zhang: Person) -> None:
    """P11: replayed, for another person, in another browser, or for what was not asked: refused."""
    response = await browser.authorize(scope="openid profile")
    widened = await browser.agree(response, "profile", "realname.id")
    assert widened.status_code == 400
    thief = Browser(world)
    await world.sign_in(thief, zhang)
    assert (await thief.agree(response, "profile")).status_code == 400
    zhangs_session = dict(browser.cookies)
    li = await world.add_person(LI, "李晓禾", "13800000002")
    await world.sign_in(browser, li)
    assert (await browser.agree(response, "profile")).status_code == 400
    browser.cookies.update(zhangs_session)
    assert "code" in answer(await browser.agree(response, "profile"))
    assert (await browser.agree(response, "profile")).status_code == 400


async def test_consent_before_the_page_was_shown_is_refused(world: World, zhang: Person) -> None:
    """A transaction that waits for a sign-in takes no consent."""
    browser = Browser(world)
    response = await browser.authorize()
    await world.sign_in(browser, zhang)
    assert (await browser.agree(response, "profile")).status_code == 400


async def test_prompt_consent_asks_again(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1."""
    await browser.tokens_for()
    response = await browser.authorize(prompt="consent")
    assert page_of(response) == "/consent"
    assert "code" in answer(await browser.agree(response))


async def test_withdrawing_ends_everything(world: World, browser: Browser, zhang: Person) -> None:
    """The account page: listed, taken back, tokens dead at once, refresh refused, consent asked again."""
    tokens = await browser.tokens_for(scope="openid profile offline_access")
    other = await browser.tokens_for("qyfw")
    (app,) = [
        app
        for app in await list_connected_apps(zhang.person_id, provider=world.provider)
        if app.client.client_id == "gzf"
    ]
    assert [item.item for item in app.items] == ["offline_access", "profile"]
    assert app.last_used_at == world.now
    ended = await withdraw_consent(zhang.person_id, "gzf", provider=world.provider, now=world.now)
    assert ended.grants == 1
    assert (await world.userinfo(tokens["access_token"])).status_code == 401
    refreshed = await world.token("gzf", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"
    assert (await world.userinfo(other["access_token"])).status_code == 200
    assert page_of(await browser.authorize()) == "/consent"
    left = await list_connected_apps(zhang.person_id, provider=world.provider)
    assert [app.client.client_id for app in left] == ["qyfw"]


async def test_apps_of_a_session(world: World, browser: Browser, zhang: Person) -> None:
    """The sign-out page names the apps that the session reached."""
    session = await world.sign_in(browser, zhang)
    await browser.tokens_for("gzf")
    await browser.tokens_for("qyfw")
    apps = await list_session_apps(session.session_id, provider=world.provider)
    assert [app.client_id for app in apps] == ["gzf", "qyfw"]
