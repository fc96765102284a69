"""Front-channel logout and session management: what the browser is used for, and what is never claimed of it."""

import asyncio
import base64
import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import update

from idp.provider.clients.metadata import ClientMetadata, Encryption, render_metadata
from idp.provider.registration.register import ClientRegistration
from idp.provider.sign_out.backchannel import deliver_logout_tokens, list_logout_deliveries
from idp.provider.sign_out.frontchannel import begin_front_channel
from idp.provider.sign_out.session_management import BROWSER_STATE_COOKIE, browser_origin, session_state
from idp.provider.tables import logout_messages, oauth_clients
from tests.idp.provider.answers import add_all_keys, decrypted, header_of, verified, with_algorithms
from tests.idp.provider.test_logout import Apps
from tests.idp.provider.world import ISSUER, Browser, Person, World, answer, claims_of_jwt, page_of

CALLBACK = "https://archive.test/cb"
OUT = "https://archive.test/out?from=id"
ARCHIVE = ClientRegistration(
    client_id="archive",
    name_zh="档案查阅",
    name_en="Archive",
    department_id="archive",
    redirect_uris=(CALLBACK,),
    scopes=("openid", "profile"),
    metadata=ClientMetadata(frontchannel_logout_uri=OUT, frontchannel_logout_session_required=True),
)
BOTH = replace(
    ARCHIVE,
    client_id="library",
    name_zh="图书馆",
    name_en="Library",
    redirect_uris=("https://library.test/cb",),
    backchannel_logout_uri="https://library.test/told",
    metadata=ClientMetadata(frontchannel_logout_uri="https://library.test/out"),
)
ALGORITHMS: dict[str, dict[str, Any]] = {
    "ES256": {},
    "RS256": {"id_token_signed_response_alg": "RS256"},
    "PS256": {"id_token_signed_response_alg": "PS256"},
    "EdDSA": {"id_token_signed_response_alg": "EdDSA"},
    "encrypted": {"id_token_encrypted_response": Encryption("ECDH-ES+A128KW", "A256GCM")},
}


@pytest.fixture
async def old_apps(world: World) -> World:
    """The world with an app that knows frames alone, and one that knows both channels."""
    await world.add_client(ARCHIVE)
    await world.add_client(BOTH)
    return world


async def _sign_in_to(browser: Browser, registration: ClientRegistration) -> dict[str, str]:
    address = registration.redirect_uris[0]
    tokens: dict[str, str] = await browser.tokens_for(registration.client_id, redirect_uri=address)
    return tokens


async def _signed_out(world: World, browser: Browser, id_token: str) -> str:
    response = await browser.get("/oauth/logout", {"id_token_hint": id_token})
    assert response.json()["signed_out"] is True
    session_id: str = (await world.rows(logout_messages))[0]["session_id"]
    return session_id


async def _receipts(world: World, session_id: str) -> dict[str, str]:
    endings = await list_logout_deliveries(session_id, provider=world.provider)
    return {ending.client.client_id: ending.status for ending in endings}


async def test_frames_carry_issuer_and_the_apps_own_sid(old_apps: World, browser: Browser) -> None:
    """Front-Channel Logout §2: added to the registered query, which stays; only apps of this session with a frame."""
    tokens = await _sign_in_to(browser, ARCHIVE)
    await browser.tokens_for("gzf")
    session_id = await _signed_out(old_apps, browser, tokens["id_token"])
    (frame,) = await begin_front_channel(session_id, provider=old_apps.provider, now=old_apps.now)
    assert frame.startswith(OUT + "&")
    sid = claims_of_jwt(tokens["id_token"])["sid"]
    assert dict(parse_qsl(urlsplit(frame).query)) == {"from": "id", "iss": ISSUER, "sid": sid}


async def test_asked_is_all_that_is_said(old_apps: World, browser: Browser) -> None:
    """Nobody answers from a frame: the receipt says asked, once, with one entry."""
    tokens = await _sign_in_to(browser, ARCHIVE)
    session_id = await _signed_out(old_apps, browser, tokens["id_token"])
    assert await _receipts(old_apps, session_id) == {"archive": "waiting"}
    for _ in range(2):
        await begin_front_channel(session_id, provider=old_apps.provider, now=old_apps.now)
    assert await _receipts(old_apps, session_id) == {"archive": "asked"}
    entries = [entry for entry in await old_apps.entries() if entry["kind"] == "oauth.logout_message"]
    assert [entry["details"] for entry in entries] == [{"state": "asked"}]


async def test_parallel_looks_and_a_worker_agree(old_apps: World, browser: Browser) -> None:
    """Ten pages and a worker at once: asked in the end, whoever was first, and on record once as that."""
    tokens = await _sign_in_to(browser, ARCHIVE)
    session_id = await _signed_out(old_apps, browser, tokens["id_token"])
    provider, now = old_apps.provider, old_apps.now
    await asyncio.gather(
        deliver_logout_tokens(provider=provider, http=Apps(), worker="w1", now=now),
        *(begin_front_channel(session_id, provider=provider, now=now) for _ in range(10)),
    )
    assert await _receipts(old_apps, session_id) == {"archive": "asked"}
    states = [entry["details"]["state"] for entry in await old_apps.entries() if "state" in entry["details"]]
    assert states.count("asked") == 1


async def test_without_a_page_the_app_was_not_reached(old_apps: World, browser: Browser) -> None:
    """A session ended from another device shows no frames: no channel. A page that is opened later still asks."""
    tokens = await _sign_in_to(browser, ARCHIVE)
    session_id = await _signed_out(old_apps, browser, tokens["id_token"])
    provider = old_apps.provider
    await deliver_logout_tokens(provider=provider, http=Apps(), worker="w1", now=old_apps.now)
    assert await _receipts(old_apps, session_id) == {"archive": "no_channel"}
    await begin_front_channel(session_id, provider=provider, now=old_apps.now)
    assert await _receipts(old_apps, session_id) == {"archive": "asked"}


async def test_back_channel_is_the_receipt_of_an_app_with_both(old_apps: World, browser: Browser) -> None:
    """It is framed as well, but only the answered channel says told."""
    tokens = await _sign_in_to(browser, BOTH)
    session_id = await _signed_out(old_apps, browser, tokens["id_token"])
    frames = await begin_front_channel(session_id, provider=old_apps.provider, now=old_apps.now)
    assert [urlsplit(frame).netloc for frame in frames] == ["library.test"]
    assert await _receipts(old_apps, session_id) == {"library": "waiting"}
    await deliver_logout_tokens(provider=old_apps.provider, http=Apps(), worker="w1", now=old_apps.now)
    assert await _receipts(old_apps, session_id) == {"library": "told"}


async def test_all_channels_name_the_person_of_the_sector(old_apps: World, browser: Browser, zhang: Person) -> None:
    """The same person is another `sub` and another `sid` to each app, in every profile."""
    tokens = [await _sign_in_to(browser, ARCHIVE), await _sign_in_to(browser, BOTH)]
    session_id = await _signed_out(old_apps, browser, tokens[0]["id_token"])
    apps = Apps()
    await deliver_logout_tokens(provider=old_apps.provider, http=apps, worker="w1", now=old_apps.now)
    frames = await begin_front_channel(session_id, provider=old_apps.provider, now=old_apps.now)
    archive, library = (claims_of_jwt(one["id_token"]) for one in tokens)
    ((_, logout_token),) = apps.received
    told = claims_of_jwt(logout_token)
    assert (told["sub"], told["sid"]) == (library["sub"], library["sid"])
    assert [dict(parse_qsl(urlsplit(frame).query))["sid"] for frame in frames] == [archive["sid"], library["sid"]]
    assert archive["sub"] != library["sub"]
    assert archive["sid"] != library["sid"]
    assert zhang.person_id not in logout_token + "".join(frames)


@pytest.mark.parametrize("algorithms", ALGORITHMS.values(), ids=ALGORITHMS.keys())
async def test_logout_token_is_made_as_id_tokens_are(
    world: World, browser: Browser, algorithms: dict[str, Any]
) -> None:
    """Back-Channel Logout §2.4: signed, and where the app wants it encrypted, with the same algorithms and keys."""
    await add_all_keys(world)
    await world.add_client(with_algorithms("old-app", **algorithms))
    tokens = await browser.tokens_for("old-app", redirect_uri="https://old.test/cb")
    id_token = tokens["id_token"] if "id_token_encrypted_response" not in algorithms else decrypted(tokens["id_token"])
    await browser.get("/oauth/logout", {"id_token_hint": id_token})
    apps = Apps()
    await deliver_logout_tokens(provider=world.provider, http=apps, worker="w1", now=world.now)
    ((_, logout_token),) = apps.received
    if "id_token_encrypted_response" in algorithms:
        logout_token = decrypted(logout_token)
    told = await verified(world, logout_token, algorithms.get("id_token_signed_response_alg", "ES256"))
    assert told["sid"] == claims_of_jwt(id_token)["sid"]
    assert header_of(logout_token)["typ"] == "logout+jwt"


async def test_app_without_its_key_is_tried_again(world: World, browser: Browser) -> None:
    """Nothing readable can be sent: the receipt waits and names the cause, and the others are told."""
    registration = with_algorithms("old-app", **ALGORITHMS["encrypted"])
    await world.add_client(registration)
    await world.add_client(replace(BOTH, metadata=ClientMetadata()))
    await browser.tokens_for("old-app", redirect_uri="https://old.test/cb")
    tokens = await _sign_in_to(browser, BOTH)
    async with world.provider.db.transaction() as connection:
        kept = render_metadata(registration.metadata) | {"jwks": {"keys": []}}
        await connection.execute(
            update(oauth_clients).where(oauth_clients.c.client_id == "old-app").values(metadata=kept)
        )
    await world.provider.clients.open(world.provider.feed)
    session_id = await _signed_out(world, browser, tokens["id_token"])
    await deliver_logout_tokens(provider=world.provider, http=Apps(), worker="w1", now=world.now)
    assert await _receipts(world, session_id) == {"library": "told", "old-app": "waiting"}
    (waiting,) = [row for row in await world.rows(logout_messages) if row["state"] == "waiting"]
    assert waiting["last_problem"]


async def test_answer_carries_the_session_state(world: World, browser: Browser) -> None:
    """Session Management §2: the digest over client, origin and browser state, which the cookie carries."""
    await browser.tokens_for()
    response = await browser.authorize()
    state = answer(response)["session_state"]
    digest, salt = state.split(".")
    cookie = _state_cookie(response.headers.get_list("set-cookie"))
    expected = hashlib.sha256(f"gzf https://gzf.test {cookie} {salt}".encode()).digest()
    assert digest == base64.urlsafe_b64encode(expected).rstrip(b"=").decode()
    assert len(salt) >= 43
    again = answer(await browser.authorize())["session_state"]
    assert again != state
    assert _is_confirmed(again, "gzf", "https://gzf.test", cookie)


async def test_state_is_worth_nothing_elsewhere(world: World, browser: Browser, zhang: Person) -> None:
    """Another client, another origin, another session, the same person signed in anew: the digest does not fit."""
    await browser.tokens_for()
    response = await browser.authorize()
    state = answer(response)["session_state"]
    cookie = _state_cookie(response.headers.get_list("set-cookie"))
    assert _is_confirmed(state, "gzf", "https://gzf.test", cookie)
    assert not _is_confirmed(state, "qyfw", "https://gzf.test", cookie)
    assert not _is_confirmed(state, "gzf", "https://evil.test", cookie)
    session = await world.sign_in(browser, zhang)
    renewed = _state_cookie((await browser.authorize()).headers.get_list("set-cookie"))
    assert not _is_confirmed(state, "gzf", "https://gzf.test", renewed)
    assert session.session_id not in renewed


async def test_cookie_is_readable_where_it_must_be(browser: Browser) -> None:
    """F19: script of ours reads it in a frame on another site, so None and not HttpOnly; everything else as usual."""
    await browser.tokens_for()
    lines = (await browser.authorize()).headers.get_list("set-cookie")
    (line,) = [one for one in lines if one.startswith(BROWSER_STATE_COOKIE)]
    assert {part.strip() for part in line.split(";")[1:]} == {"Path=/", "Secure", "SameSite=None"}


@pytest.mark.parametrize(
    "changes", [{"prompt": "none", "max_age": "0"}, {"scope": "profile"}, {"redirect_uri": "https://x.test"}]
)
async def test_refusals_tell_nothing_of_the_session(world: World, browser: Browser, changes: dict[str, str]) -> None:
    """Neither the parameter nor the cookie."""
    await browser.tokens_for()
    world.later(seconds=2)
    response = await browser.authorize(**changes)
    assert "session_state" not in response.headers.get("location", "")
    assert not [one for one in response.headers.get_list("set-cookie") if one.startswith(BROWSER_STATE_COOKIE)]


async def test_native_apps_have_no_page_to_watch_from(browser: Browser) -> None:
    """They get no session_state."""
    response = await browser.authorize("counter-app")
    if page_of(response) == "/consent":
        response = await browser.agree(response)
    assert "session_state" not in answer(response)


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://gzf.test/cb", "https://gzf.test"),
        ("https://gzf.test:443/cb?x=1", "https://gzf.test"),
        ("https://gzf.test:8443", "https://gzf.test:8443"),
        ("http://127.0.0.1:80/cb", "http://127.0.0.1"),
        ("http://127.0.0.1:8001/cb", "http://127.0.0.1:8001"),
    ],
)
def test_origin_as_browsers_write_it(uri: str, origin: str) -> None:
    """RFC 6454 §6.2: otherwise the frame, which is told the origin by the browser, would compute another digest."""
    assert browser_origin(uri) == origin


def _is_confirmed(state: str, client_id: str, origin: str, browser_state: str) -> bool:
    return session_state(client_id, origin, browser_state, state.split(".")[1]) == state


def _state_cookie(lines: list[str]) -> str:
    (line,) = [one for one in lines if one.startswith(f"{BROWSER_STATE_COOKIE}=")]
    return line.partition("=")[2].partition(";")[0]
