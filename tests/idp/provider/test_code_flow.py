"""The code flow as an app lives through it: positive controls beside the refusals."""

from idp.provider.scopes import split_scope
from tests.idp.provider.world import Browser, Person, World, answer, claims_of_jwt, page_of, transaction_of


async def test_code_flow_gives_verified_tokens(world: World, browser: Browser, zhang: Person) -> None:
    """OpenID Connect Core §3.1: code, tokens, userinfo, all about one subject."""
    tokens = await browser.tokens_for(scope="openid profile realname")
    id_token = claims_of_jwt(tokens["id_token"])
    access = claims_of_jwt(tokens["access_token"])
    assert id_token["aud"] == "gzf"
    assert id_token["nonce"] == "n-0S6_WzA2Mj"
    assert id_token["acr"] == "urn:renzheng:acr:l2:f1"
    assert id_token["sid"] == access["sid"]
    assert zhang.person_id not in str(access)
    assert split_scope(tokens["scope"]) == ("openid", "profile", "realname")
    assert tokens["expires_in"] == 300
    assert "refresh_token" not in tokens
    answered = await world.userinfo(tokens["access_token"])
    assert answered.json() == {
        "sub": id_token["sub"],
        "nickname": "张*明",
        "updated_at": int(world.now.timestamp()),
        "name": "张知明",
        "realname_level": 2,
    }


async def test_sign_in_is_asked_for_and_resumed(world: World, zhang: Person) -> None:
    """Without a session the request waits; after the sign-in it goes on where it stood."""
    browser = Browser(world)
    response = await browser.authorize()
    assert page_of(response) == "/login"
    await world.sign_in(browser, zhang)
    resumed = await browser.get("/test/resume", {"transaction": transaction_of(response)})
    assert page_of(resumed) == "/consent"
    found = answer(await browser.agree(resumed))
    assert found["state"] == "af0ifjsldkj"
    assert (await browser.redeem(found["code"])).status_code == 200


async def test_second_sign_on_asks_nothing(world: World, browser: Browser) -> None:
    """Consent is remembered per client: the second round goes straight to the app."""
    await browser.tokens_for()
    response = await browser.authorize()
    assert "code" in answer(response)


async def test_two_sectors_get_two_subjects(world: World, browser: Browser) -> None:
    """OpenID Connect Core §8.1: subjects and session identifiers of two apps share nothing."""
    first = claims_of_jwt((await browser.tokens_for("gzf"))["id_token"])
    second = claims_of_jwt((await browser.tokens_for("qyfw"))["id_token"])
    assert first["sub"] != second["sub"]
    assert first["sid"] != second["sid"]
