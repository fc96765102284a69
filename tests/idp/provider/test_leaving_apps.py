"""Signing out of one app alone, and withdrawing consent: what ends, what goes on, and what the app is told."""

import asyncio

from idp.provider.connected_apps import leave_app, list_connected_apps, list_session_apps, withdraw_consent
from idp.provider.sign_out.backchannel import deliver_logout_tokens, find_app_ending
from idp.provider.tables import logout_messages
from idp.signin.sessions import Session
from tests.idp.provider.test_logout import Apps
from tests.idp.provider.world import LI, Browser, Person, World, answer, claims_of_jwt


async def _leave(world: World, session: Session, client_id: str = "gzf") -> tuple[str, ...]:
    ended = await leave_app(
        session.person_id, client_id, session_ids=[session.session_id], provider=world.provider, now=world.now
    )
    return ended.session_ids


async def _deliver(world: World, apps: Apps) -> int:
    return await deliver_logout_tokens(provider=world.provider, http=apps, worker="w1", now=world.now)


async def test_one_app_is_left_and_the_others_go_on(world: World, browser: Browser, zhang: Person) -> None:
    """Its tokens end and it is told; consent, session and the other app stay, so that the person may come back without a word."""
    session = await world.sign_in(browser, zhang)
    left = await browser.tokens_for("gzf", scope="openid profile offline_access")
    kept = await browser.tokens_for("qyfw")
    assert await _leave(world, session) == (session.session_id,)
    assert await world.last_entry() == ("oauth.app_left", "done", None)
    assert (await world.entries())[-1]["details"] == {"grants": 1, "sessions": 1}
    assert (await world.userinfo(left["access_token"])).status_code == 401
    refreshed = await world.token("gzf", grant_type="refresh_token", refresh_token=left["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"
    assert (await world.userinfo(kept["access_token"])).status_code == 200
    apps = await list_session_apps(session.session_id, provider=world.provider)
    assert [app.client_id for app in apps] == ["qyfw"]
    agreed = await list_connected_apps(zhang.person_id, provider=world.provider)
    assert {app.client.client_id for app in agreed} == {"gzf", "qyfw"}
    assert "code" in answer(await browser.authorize(prompt="none"))
    told = Apps()
    assert await _deliver(world, told) == 1
    ((url, token),) = told.received
    assert url == "https://gzf.test/backchannel-logout"
    assert claims_of_jwt(token)["sid"] == claims_of_jwt(left["id_token"])["sid"]
    ending = await find_app_ending("gzf", [session.session_id], provider=world.provider)
    assert ending is not None
    assert ending.status == "told"


async def test_app_that_was_left_before_is_told_of_the_next_end_as_well(
    world: World, browser: Browser, zhang: Person
) -> None:
    """Left, signed in to again, then the session ends: the receipt of the first end is none of the second."""
    session = await world.sign_in(browser, zhang)
    await browser.tokens_for()
    await _leave(world, session)
    told = Apps()
    await _deliver(world, told)
    again = await browser.tokens_for()
    await browser.get("/oauth/logout", {"id_token_hint": again["id_token"]})
    (message,) = await world.rows(logout_messages)
    assert (message["state"], message["attempts"], message["settled_at"]) == ("waiting", 0, None)
    assert await _deliver(world, told) == 1
    assert len({claims_of_jwt(token)["jti"] for _, token in told.received}) == 2


async def test_end_that_comes_while_an_older_one_is_told_is_told_too(
    world: World, browser: Browser, zhang: Person
) -> None:
    """The answer to the older message settles nothing of the newer one."""
    session = await world.sign_in(browser, zhang)
    await browser.tokens_for()
    await _leave(world, session)

    class Slow(Apps):
        """An app that answers after the person came back and left again."""

        async def post_form(self, *given: object, **named: object) -> int:
            await browser.tokens_for()
            await _leave(world, session)
            return 200

    assert await _deliver(world, Slow()) == 1
    ending = await find_app_ending("gzf", [session.session_id], provider=world.provider)
    assert ending is not None
    assert ending.status == "waiting"
    told = Apps()
    assert await _deliver(world, told) == 1
    assert len(told.received) == 1


async def test_what_has_ended_ends_once(world: World, browser: Browser, zhang: Person) -> None:
    """Two clicks at the same moment are one act; a third finds nothing and leaves no mark."""
    session = await world.sign_in(browser, zhang)
    await browser.tokens_for()
    found = await asyncio.gather(*(_leave(world, session) for _ in range(2)))
    assert sorted(found) == [(), (session.session_id,)]
    size = len(await world.entries())
    assert await _leave(world, session) == ()
    assert await _leave(world, session, "unknown") == ()
    assert len(await world.entries()) == size


async def test_nobody_leaves_for_somebody_else(world: World, browser: Browser, zhang: Person) -> None:
    """Another person's session ends nothing, even when it is named."""
    session = await world.sign_in(browser, zhang)
    tokens = await browser.tokens_for()
    li = await world.add_person(LI, "李晓禾", "13800000002")
    ended = await leave_app(
        li.person_id, "gzf", session_ids=[session.session_id], provider=world.provider, now=world.now
    )
    assert (ended.grants, ended.session_ids) == (0, ())
    assert (await world.userinfo(tokens["access_token"])).status_code == 200


async def test_code_that_was_never_redeemed_is_told_to_nobody(world: World, browser: Browser, zhang: Person) -> None:
    """It ends, but the app never learned who signed in."""
    session = await world.sign_in(browser, zhang)
    code = await browser.code_for()
    assert await _leave(world, session) == ()
    assert (await browser.redeem(code)).json()["error"] == "invalid_grant"
    assert await world.rows(logout_messages) == []


async def test_withdrawing_consent_tells_the_app(world: World, browser: Browser, zhang: Person) -> None:
    """Its grants end, hence its sessions: the same message as at a sign-out, for each session, and none to other apps."""
    first = await world.sign_in(browser, zhang)
    await browser.tokens_for()
    elsewhere = Browser(world)
    second = await world.sign_in(elsewhere, zhang)
    await elsewhere.tokens_for()
    await elsewhere.tokens_for("qyfw")
    ended = await withdraw_consent(zhang.person_id, "gzf", provider=world.provider, now=world.now)
    assert set(ended.session_ids) == {first.session_id, second.session_id}
    broken = Apps({"https://gzf.test/backchannel-logout": 500})
    assert await _deliver(world, broken) == 2
    ending = await find_app_ending("gzf", ended.session_ids, provider=world.provider)
    assert ending is not None
    assert ending.status == "waiting"
    assert {url for url, _ in broken.received} == {"https://gzf.test/backchannel-logout"}


async def test_app_without_a_channel_is_said_to_be_out_of_reach(world: World, browser: Browser, zhang: Person) -> None:
    """Nothing is claimed of an app that cannot be told."""
    await world.sign_in(browser, zhang)
    await browser.tokens_for("qyfw")
    ended = await withdraw_consent(zhang.person_id, "qyfw", provider=world.provider, now=world.now)
    await _deliver(world, Apps())
    ending = await find_app_ending("qyfw", ended.session_ids, provider=world.provider)
    assert ending is not None
    assert ending.status == "no_channel"
    assert await find_app_ending("qyfw", [], provider=world.provider) is None
