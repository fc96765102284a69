"""Lifecycle states × grants: whatever has ended gives nothing more, whichever door is tried.

Every grant is brought to the point before its last step by an officer at work, then one thing ends by its own use case, then the last step
is taken. One table says what each door answers; beside every refusal stands the same grant with nothing ended. C16, T07, D05, G08.
"""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest

from foundation.signing import ensure_keys, revoke_signing_key
from foundation.signing.store import list_signing_keys
from idp.people.accounts import set_password_hash
from idp.people.directory import Directory
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.policies import TOKEN_EXCHANGE
from idp.provider.connected_apps import withdraw_consent
from idp.provider.decoupled.requests import DecoupledRequest
from idp.provider.registration.register import rotate_client_secret, set_client_status
from idp.provider.sign_out.session_endings import GrantAndLogoutEndings
from idp.signin.account_status import close_account, disable_account, enable_account
from idp.signin.enrolment import end_officer
from idp.signin.entrance import Entrance, open_entrance
from idp.signin.limits import SignInLimits
from idp.signin.outcomes import Refused
from idp.signin.password_change import change_password
from idp.signin.session_endings import end_own_session
from idp.signin.visits import Visit
from tests.idp.provider.decoupled_world import COUNTER as CIBA_COUNTER
from tests.idp.provider.decoupled_world import KIOSK, Phone, begin_ciba, begin_device, poll_ciba, poll_device
from tests.idp.provider.officers import ACCESS_TOKEN, BACKEND, COUNTER, COUNTER_API, AtWork, open_office
from tests.idp.provider.world import LICENSE_API, LICENSES, POLICY, Browser, World, answer, open_world
from tests.idp.stage import CHEAP_HASHING, CitizenRegister, PhoneNetwork
from tests.servers import Stack

ACTOR = "system:test"
PASSWORD, NEW_PASSWORD = "Harbour-01-Lantern-Quiet", "Lantern-02-Harbour-Quiet"
VISIT = Visit(browser="tests", network="127.0.0.1")
CALLBACK = {"redirect_uri": "https://gzf.test/cb"}
ALIVE = "alive"

DESK = dataclasses.replace(
    COUNTER,
    client_id="gzf-desk",
    grant_types=("authorization_code", "refresh_token", TOKEN_EXCHANGE),
    scopes=("openid", "profile", "offline_access", "license.lookup"),
    consent="ask",
    consent_basis=None,
)
OPAQUE_DESK = dataclasses.replace(
    DESK, client_id="gzf-opaque-desk", metadata=ClientMetadata(access_token_format="opaque")
)
SCREEN = dataclasses.replace(KIOSK, application_type="service", token_endpoint_auth_method="client_secret_basic")

Door = Callable[[], Awaitable[str]]


@dataclass
class Scene:
    """A provider and a sign-in room over one database, and an officer who is at work in it."""

    world: World
    entrance: Entrance
    browser: Browser
    officer: AtWork

    @property
    def phone(self) -> Phone:
        """The officer's own device."""
        return Phone(self.world, self.officer.session)

    async def tokens(self, client_id: str = "gzf-desk", scope: str = "openid profile", **more: str) -> dict[str, str]:
        """Tokens of the counter app, by the code flow."""
        tokens: dict[str, str] = await self.browser.tokens_for(client_id, scope=scope, **CALLBACK, **more)
        return tokens

    async def subject_token(self) -> str:
        """A token of the officer that the backend may exchange."""
        return (await self.tokens(scope="openid license.lookup", resource=COUNTER_API))["access_token"]

    async def exchange(self, subject_token: str) -> httpx2.Response:
        """Exchange it as the backend."""
        return await self.world.token(
            "gzf-backend",
            grant_type=TOKEN_EXCHANGE,
            subject_token=subject_token,
            subject_token_type=ACCESS_TOKEN,
            resource=LICENSES,
        )


def told(response: httpx2.Response) -> str:
    """What a back-channel answer comes to."""
    return ALIVE if response.status_code == 200 else str(response.json()["error"])


async def hold_code(scene: Scene) -> Door:
    """An authorization code that was not redeemed yet."""
    code = await scene.browser.code_for("gzf-desk", **CALLBACK)

    async def redeem() -> str:
        return told(await scene.browser.redeem(code, "gzf-desk", **CALLBACK))

    return redeem


async def hold_refresh_token(scene: Scene) -> Door:
    """A refresh token."""
    token = (await scene.tokens(scope="openid offline_access"))["refresh_token"]

    async def refresh() -> str:
        return told(await scene.world.token("gzf-desk", grant_type="refresh_token", refresh_token=token))

    return refresh


async def hold_device_code(scene: Scene) -> Door:
    """A device code to which the person has said yes."""
    begun = await begin_device(scene.world)
    waiting = await scene.phone.enter(begun["user_code"])
    assert isinstance(waiting, DecoupledRequest)
    await scene.phone.agree(waiting.request_id)

    async def poll() -> str:
        return told(await poll_device(scene.world, begun["device_code"]))

    return poll


async def hold_auth_req_id(scene: Scene) -> Door:
    """An auth_req_id to which the person has said yes."""
    begun = await begin_ciba(scene.world)
    (request_id,) = await scene.phone.waiting()
    await scene.phone.agree(request_id)

    async def poll() -> str:
        return told(await poll_ciba(scene.world, begun["auth_req_id"]))

    return poll


async def hold_subject_token(scene: Scene) -> Door:
    """The officer's token at the counter, to be exchanged by the backend."""
    token = await scene.subject_token()

    async def exchange() -> str:
        return told(await scene.exchange(token))

    return exchange


async def hold_exchanged_token(scene: Scene) -> Door:
    """What the backend got for it, shown to the license API."""
    token = (await scene.exchange(await scene.subject_token())).json()["access_token"]

    async def introspect() -> str:
        shown = await scene.world.ask("/oauth/introspect", "license-api", token=token)
        return ALIVE if shown.json()["active"] else "inactive"

    return introspect


def _hold_access_token(client_id: str) -> Callable[[Scene], Awaitable[Door]]:
    async def hold(scene: Scene) -> Door:
        token = (await scene.tokens(client_id))["access_token"]

        async def ask() -> str:
            return told(await scene.world.userinfo(token))

        return ask

    return hold


async def hold_session_cookie(scene: Scene) -> Door:
    """A browser that is signed in and known to the app: silent sign-in."""
    await scene.tokens()

    async def authorize() -> str:
        response = await scene.browser.authorize("gzf-desk", prompt="none", **CALLBACK)
        return "page" if response.status_code == 400 else answer(response).get("error", ALIVE)

    return authorize


async def hold_client_credentials(scene: Scene) -> Door:
    """The backend's own credentials."""

    async def ask() -> str:
        return told(await scene.world.token("gzf-backend", grant_type="client_credentials", resource=LICENSES))

    return ask


HOLD: dict[str, tuple[str, Callable[[Scene], Awaitable[Door]]]] = {
    "code": ("gzf-desk", hold_code),
    "refresh token": ("gzf-desk", hold_refresh_token),
    "device code": ("kiosk", hold_device_code),
    "CIBA": ("counter", hold_auth_req_id),
    "token exchange": ("gzf-backend", hold_subject_token),
    "client credentials": ("gzf-backend", hold_client_credentials),
    "exchanged token": ("gzf-backend", hold_exchanged_token),
    "access token": ("gzf-desk", _hold_access_token("gzf-desk")),
    "opaque token": ("gzf-opaque-desk", _hold_access_token("gzf-opaque-desk")),
    "session cookie": ("gzf-desk", hold_session_cookie),
}
"""What is held, with the client that takes its last step."""


async def disable(scene: Scene, _client_id: str) -> None:
    """An operator disables the account."""
    account_id = scene.officer.person.account_id
    done = await disable_account(account_id, actor=ACTOR, visit=VISIT, entrance=scene.entrance, now=scene.world.now)
    assert done


async def close(scene: Scene, _client_id: str) -> None:
    """The account is closed for good."""
    account_id = scene.officer.person.account_id
    assert await close_account(account_id, actor=ACTOR, visit=VISIT, entrance=scene.entrance, now=scene.world.now)


async def change(scene: Scene, _client_id: str) -> None:
    """The person changes the password, on whatever device."""
    entrance, now = scene.entrance, scene.world.now
    async with entrance.hasher.turn() as turn:
        password_hash = await turn.hash(PASSWORD)
    async with entrance.db.transaction() as connection:
        await set_password_hash(connection, scene.officer.person.account_id, password_hash, now=now)
    outcome = await change_password(
        scene.officer.session, PASSWORD, NEW_PASSWORD, visit=VISIT, entrance=entrance, now=now
    )
    assert not isinstance(outcome, Refused)


async def sign_out(scene: Scene, _client_id: str) -> None:
    """The session ends."""
    assert await end_own_session(scene.officer.session, visit=VISIT, entrance=scene.entrance, now=scene.world.now)


async def leave(scene: Scene, _client_id: str) -> None:
    """The officer's post ends."""
    officer_id = scene.officer.officer_id
    assert await end_officer(officer_id, actor=ACTOR, visit=VISIT, entrance=scene.entrance, now=scene.world.now)


async def withdraw(scene: Scene, client_id: str) -> None:
    """The person takes consent back from the app that holds it."""
    given_to = "gzf-desk" if client_id == "gzf-backend" else client_id
    await withdraw_consent(scene.officer.person.person_id, given_to, provider=scene.world.provider, now=scene.world.now)


async def disable_client(scene: Scene, client_id: str) -> None:
    """An operator disables the application that takes the last step."""
    provider = scene.world.provider
    await set_client_status(
        client_id,
        "disabled",
        token_lifetime=provider.limits.access_token_lifetime,
        db=provider.db,
        ledger=provider.ledger,
        actor=ACTOR,
        now=scene.world.now,
    )
    await provider.feed.catch_up()


async def disable_and_enable(scene: Scene, client_id: str) -> None:
    """An operator enables the account again: what had ended stays ended."""
    await disable(scene, client_id)
    account_id = scene.officer.person.account_id
    assert await enable_account(account_id, actor=ACTOR, visit=VISIT, entrance=scene.entrance, now=scene.world.now)


async def disable_and_enable_client(scene: Scene, client_id: str) -> None:
    """An operator enables the application again a moment later: access tokens, codes and answers from before stay worthless."""
    await disable_client(scene, client_id)
    scene.world.later(seconds=1)
    provider = scene.world.provider
    await set_client_status(
        client_id,
        "active",
        token_lifetime=provider.limits.access_token_lifetime,
        db=provider.db,
        ledger=provider.ledger,
        actor=ACTOR,
        now=scene.world.now,
    )
    await provider.feed.catch_up()


async def revoke_key(scene: Scene, _client_id: str) -> None:
    """A signing key is known to be stolen: what it signed proves nothing any more, and the next key signs from now on."""
    provider = scene.world.provider
    async with provider.db.transaction() as connection:
        for key, _ in await list_signing_keys(connection):
            assert await revoke_signing_key(connection, key.kid, scene.world.now)
    await ensure_keys(provider.db, sealer=scene.world.sealer, policy=POLICY, now=scene.world.now)
    await provider.keys.refresh(provider.db)


async def disable_first(scene: Scene, _client_id: str) -> None:
    """An operator disables the application that the officer had signed in to."""
    await disable_client(scene, "gzf-desk")


async def rotate(scene: Scene, client_id: str) -> None:
    """The secret is replaced without overlap, and the old one is tried."""
    provider = scene.world.provider
    await rotate_client_secret(
        client_id,
        overlap=timedelta(0),
        db=provider.db,
        ledger=provider.ledger,
        entropy=provider.entropy,
        actor=ACTOR,
        now=scene.world.now,
    )
    await provider.feed.catch_up()


END: dict[str, Callable[[Scene, str], Awaitable[None]]] = {
    "account disabled": disable,
    "account closed": close,
    "password changed": change,
    "session ended": sign_out,
    "officer left": leave,
    "consent withdrawn": withdraw,
    "client disabled": disable_client,
    "first client disabled": disable_first,
    "secret rotated": rotate,
    "account back": disable_and_enable,
    "client back": disable_and_enable_client,
    "key revoked": revoke_key,
}
OF_THE_PERSON = (
    "account disabled",
    "account back",
    "account closed",
    "password changed",
    "session ended",
    "officer left",
)
OF_THE_CLIENT = ("client disabled", "secret rotated")
REFUSED_WITH = {
    "code": "invalid_grant",
    "refresh token": "invalid_grant",
    "device code": "invalid_grant",
    "CIBA": "invalid_grant",
    "token exchange": "invalid_request",
    "exchanged token": "inactive",
    "access token": "invalid_token",
    "opaque token": "invalid_token",
}
SIGNED = ("token exchange", "exchanged token", "access token", "opaque token")


def expected(state: str, held: str) -> str:
    """What the door must answer; `alive` where the state does not concern it."""
    if held == "session cookie":
        by_state = {"consent withdrawn": "consent_required", "client disabled": "page", "first client disabled": "page"}
        return "login_required" if state in OF_THE_PERSON else by_state.get(state, ALIVE)
    if held == "client credentials":
        return "invalid_client" if state in OF_THE_CLIENT else ALIVE
    if state == "key revoked":
        # An opaque token stands for a signed one.
        return REFUSED_WITH[held] if held in SIGNED else ALIVE
    if state == "client back":
        # Only what lives on without the person can be used again: new tokens for the subject token of another app, and by refreshing.
        return ALIVE if held in ("refresh token", "token exchange") else REFUSED_WITH[held]
    shows_a_token = held in ("access token", "opaque token", "exchanged token")
    if state == "secret rotated":
        return ALIVE if shows_a_token else "invalid_client"
    if state == "client disabled" and not shows_a_token:
        return "invalid_client"
    if state == "first client disabled" and held in ("device code", "CIBA", "opaque token"):
        return ALIVE
    if state == "first client disabled" and held in ("code", "refresh token"):
        return "invalid_client"
    return REFUSED_WITH[held]


@pytest.fixture
async def scene(stack: Stack) -> AsyncIterator[Scene]:
    """An officer at the counter of the housing department."""
    async with open_world(stack) as world:
        for registration in (DESK, OPAQUE_DESK, BACKEND, SCREEN, CIBA_COUNTER, LICENSE_API):
            await world.add_client(registration)
        person = await world.add_person()
        provider, sms = world.provider, PhoneNetwork()
        entrance = open_entrance(
            db=provider.db,
            ledger=provider.ledger,
            feed=provider.feed,
            sealer=world.sealer,
            index=world.index,
            store=provider.store,
            entropy=provider.entropy,
            limits=SignInLimits(**CHEAP_HASHING),
            sms=sms,
            proofing=CitizenRegister(),
            centers={},
            directory=Directory.open(provider.db, provider.feed),
            end_with_sessions=GrantAndLogoutEndings(provider),
        )
        browser = Browser(world)
        try:
            yield Scene(world, entrance, browser, await open_office(world, browser, person))
        finally:
            await entrance.close()


@pytest.mark.parametrize("held", HOLD)
async def test_what_is_held_is_good_while_nothing_ends(scene: Scene, held: str) -> None:
    """Positive control."""
    assert await (await HOLD[held][1](scene))() == ALIVE


@pytest.mark.parametrize("state", END)
@pytest.mark.parametrize("held", HOLD)
async def test_what_has_ended_gives_nothing_more(scene: Scene, state: str, held: str) -> None:
    """The state, then the last step: refused by its right name, on record once, and refused again when tried again."""
    client_id, hold = HOLD[held]
    take = await hold(scene)
    await END[state](scene, client_id)
    before, wanted = len(await scene.world.entries()), expected(state, held)
    assert await take() == wanted
    written = (await scene.world.entries())[before:]
    if wanted not in (ALIVE, "inactive"):
        assert [entry["outcome"] for entry in written] == ["refused"]
        assert (await take()) == wanted
