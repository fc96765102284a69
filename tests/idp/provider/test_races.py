"""What two requests at once must not do: outlive a sign-out, or overwrite each other's answer."""

import asyncio

from sqlalchemy import update

from idp.provider.authorization.success import remember_consent
from idp.provider.tables import consents
from idp.signin.tables import sessions
from tests.idp.provider.world import Browser, Person, World


async def end_session_alone(world: World) -> None:
    """End every session as a sign-out does that did not see the grant, because it was written a moment later."""
    async with world.provider.db.transaction() as connection:
        await connection.execute(update(sessions).values(ended_at=world.now, ended_because="signed_out"))


async def test_a_code_of_an_ended_session_is_worth_nothing(world: World, browser: Browser) -> None:
    """Although nothing has ended its grant."""
    code = await browser.code_for()
    await end_session_alone(world)
    refused = await browser.redeem(code)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "21114")


async def test_a_family_of_an_ended_session_does_not_go_on(world: World, browser: Browser) -> None:
    """Although nothing has ended its grant; a living session's goes on (the positive control)."""
    tokens = await browser.tokens_for(scope="openid offline_access", prompt="consent")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    renewed = await world.token("gzf", **form)
    assert renewed.status_code == 200
    await end_session_alone(world)
    refused = await world.token("gzf", **(form | {"refresh_token": renewed.json()["refresh_token"]}))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_two_answers_at_once_both_count(world: World, browser: Browser, zhang: Person) -> None:
    """Each item of either page is on record afterwards."""
    session = await world.sign_in(browser, zhang)
    client = world.provider.clients.find("gzf")
    assert client is not None
    items = ("profile", "phone", "realname")
    await asyncio.gather(
        *(
            remember_consent(session, client, [item], frozenset({item}), world.provider, None, world.now)
            for item in items
        )
    )
    (row,) = await world.rows(consents)
    assert set(row["items"]) == set(items)
