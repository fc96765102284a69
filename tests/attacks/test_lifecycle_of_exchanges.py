"""Lifecycle states × token exchange and whatever hangs on another's grant: T07, T11, J25, J32.

An exchanged token carries the grant of the application that the officer signed in to, and the consent given to the one that exchanged it.
It dies with either, and with every key, token and family it came from.
"""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx2
import pytest

from foundation.signing.store import list_signing_keys, revoke_signing_key
from idp.provider.authorization.consents import Consent, add_consent
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.policies import TOKEN_EXCHANGE
from idp.provider.connected_apps import withdraw_consent
from tests.idp.provider.officers import ACCESS_TOKEN, ARCHIVE_API, BACKEND, COUNTER, COUNTER_API, AtWork, open_office
from tests.idp.provider.world import LICENSE_API, LICENSES, Browser, World, open_world
from tests.servers import Stack

DESK = dataclasses.replace(
    COUNTER,
    client_id="gzf-desk",
    grant_types=("authorization_code", "refresh_token", TOKEN_EXCHANGE),
    scopes=("openid", "profile", "offline_access", "license.lookup"),
)
ASKING = dataclasses.replace(BACKEND, client_id="gzf-asking", consent="ask", consent_basis=None)
ASKING_OPAQUE = dataclasses.replace(
    ASKING, client_id="gzf-opaque", metadata=ClientMetadata(access_token_format="opaque")
)
ARCHIVE = dataclasses.replace(BACKEND, client_id="gzf-archive", introspects=(ARCHIVE_API,), resources=(LICENSES,))


@dataclass
class Chain:
    """An officer at work, and applications that go on for the officer one after the other."""

    world: World
    browser: Browser
    officer: AtWork

    async def desk(self) -> dict[str, str]:
        """Return the tokens of the application that the officer signed in to."""
        tokens: dict[str, str] = await self.browser.tokens_for(
            "gzf-desk",
            redirect_uri="https://gzf.test/cb",
            scope="openid offline_access license.lookup",
            resource=COUNTER_API,
        )
        return tokens

    async def exchange(self, subject_token: str, client_id: str, resource: str = LICENSES) -> httpx2.Response:
        """Exchange a token as one of the services."""
        return await self.world.token(
            client_id,
            grant_type=TOKEN_EXCHANGE,
            subject_token=subject_token,
            subject_token_type=ACCESS_TOKEN,
            resource=resource,
        )

    async def exchanged(self, subject_token: str, client_id: str = "gzf-asking", resource: str = LICENSES) -> str:
        """Exchange a token and return the new one."""
        answer = await self.exchange(subject_token, client_id, resource)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def lives(self, token: str) -> bool:
        """Ask the license API's own introspection."""
        await self.world.provider.feed.catch_up()
        shown = await self.world.ask("/oauth/introspect", "license-api", token=token)
        return bool(shown.json()["active"])

    async def agree(self, *client_ids: str) -> None:
        """Let the officer agree to what the services ask."""
        world = self.world
        async with world.provider.db.transaction() as connection:
            for client_id in client_ids:
                given = Consent(
                    self.officer.person.person_id, client_id, frozenset({"license.lookup"}), frozenset(), world.now
                )
                await add_consent(connection, world.provider.db, given)

    async def withdraw(self, client_id: str) -> None:
        """Let the officer take it back."""
        world = self.world
        await withdraw_consent(self.officer.person.person_id, client_id, provider=world.provider, now=world.now)


@pytest.fixture
async def chain(stack: Stack) -> AsyncIterator[Chain]:
    """The housing department with its services, each of which the officer has agreed to."""
    async with open_world(stack) as world:
        for registration in (DESK, ASKING, ASKING_OPAQUE, ARCHIVE, LICENSE_API):
            await world.add_client(registration)
        browser = Browser(world)
        chain = Chain(world, browser, await open_office(world, browser, await world.add_person()))
        await chain.agree("gzf-asking", "gzf-opaque")
        yield chain


@pytest.mark.parametrize("client_id", ["gzf-asking", "gzf-opaque"])
async def test_an_exchanged_token_dies_with_the_consent_of_the_one_that_exchanged(chain: Chain, client_id: str) -> None:
    """At once, although its grant is another application's; what others hold goes on, and a new yes begins anew."""
    desk = (await chain.desk())["access_token"]
    first, other = await chain.exchanged(desk, client_id), await chain.exchanged(desk, _other(client_id))
    assert await chain.lives(first)
    await chain.withdraw(client_id)
    assert not await chain.lives(first)
    assert await chain.lives(other)
    assert (await chain.exchange(desk, client_id)).json()["error_code"] == "21155"
    chain.world.later(seconds=1)
    await chain.agree(client_id)
    assert await chain.lives(await chain.exchanged(desk, client_id))
    assert not await chain.lives(first)


async def test_what_came_of_it_further_on_dies_as_well(chain: Chain) -> None:
    """The consent of an application in the middle of the chain."""
    desk = (await chain.desk())["access_token"]
    middle = await chain.exchanged(desk, "gzf-asking", ARCHIVE_API)
    last = await chain.exchanged(middle, "gzf-archive")
    assert await chain.lives(last)
    await chain.withdraw("gzf-asking")
    assert not await chain.lives(last)


async def test_somebody_elses_withdrawal_ends_nothing(chain: Chain) -> None:
    """Positive control: consent is a person's own."""
    desk = (await chain.desk())["access_token"]
    first = await chain.exchanged(desk)
    somebody = await chain.world.add_person("370299190909200028", "李晓禾", "13800000002")
    await withdraw_consent(somebody.person_id, "gzf-asking", provider=chain.world.provider, now=chain.world.now)
    assert await chain.lives(first)


async def _revoke_refresh_token(chain: Chain, tokens: dict[str, str]) -> None:
    await chain.world.ask("/oauth/revoke", "gzf-desk", token=tokens["refresh_token"])


async def _revoke_access_token(chain: Chain, tokens: dict[str, str]) -> None:
    await chain.world.ask("/oauth/revoke", "gzf-desk", token=tokens["access_token"])


async def _reuse_refresh_token(chain: Chain, tokens: dict[str, str]) -> None:
    for _ in range(2):
        await chain.world.token("gzf-desk", grant_type="refresh_token", refresh_token=tokens["refresh_token"])


async def _revoke_key(chain: Chain, _tokens: dict[str, str]) -> None:
    provider = chain.world.provider
    async with provider.db.transaction() as connection:
        for key, _ in await list_signing_keys(connection):
            if key.purpose == "oidc":
                await revoke_signing_key(connection, key.kid, chain.world.now)
    await provider.keys.refresh(provider.db)


ROOTS: dict[str, Callable[[Chain, dict[str, str]], Awaitable[None]]] = {
    "T09 the refresh token revoked": _revoke_refresh_token,
    "T09 the access token revoked": _revoke_access_token,
    "T01 the family ended by reuse": _reuse_refresh_token,
    "J25 the signing key revoked": _revoke_key,
}


@pytest.mark.parametrize("end", ROOTS.values(), ids=ROOTS.keys())
async def test_what_was_exchanged_dies_with_what_it_came_from(
    chain: Chain, end: Callable[[Chain, dict[str, str]], Awaitable[None]]
) -> None:
    """The token at the start, two exchanges on, and an opaque one: all of them, and no new one."""
    tokens = await chain.desk()
    middle = await chain.exchanged(tokens["access_token"], "gzf-asking", ARCHIVE_API)
    held = [
        await chain.exchanged(tokens["access_token"]),
        await chain.exchanged(middle, "gzf-archive"),
        await chain.exchanged(tokens["access_token"], "gzf-opaque"),
    ]
    assert [await chain.lives(token) for token in held] == [True] * 3
    await end(chain, tokens)
    assert [await chain.lives(token) for token in held] == [False] * 3
    refused = await chain.exchange(tokens["access_token"], "gzf-asking")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def _other(client_id: str) -> str:
    return "gzf-opaque" if client_id == "gzf-asking" else "gzf-asking"
