"""Four months of key rotation under load, on two nodes that hear of it at different times: no relying party ever fails.

V20, OpenID Connect Core §10.1.1: the relying parties here keep the key set for exactly as long as its `Cache-Control` allows, and never ask
early, not even for a key they do not know.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc.jwe import JWERegistry, encrypt_compact
from joserfc.jwk import JWKRegistry

from foundation.signing import RotationPolicy, ensure_keys
from idp.provider.tokens.jwt_encryption import decrypt_request_object
from tests.idp.provider.answers import check_signed, header_of, parts_of_answer, with_algorithms
from tests.idp.provider.world import START, Browser, Person, World, authorization, open_world
from tests.servers import Stack

SIGNING = ("ES256", "RS256", "PS256", "EdDSA")
ADDRESS = "https://old.test/cb"
POLICY = RotationPolicy()
AROUND = (timedelta(seconds=-1), timedelta(0), timedelta(seconds=1), timedelta(minutes=8), timedelta(minutes=16))
_MAX_AGE = re.compile(r"max-age=([0-9]+)", re.ASCII)
_ENCRYPTION = JWERegistry(algorithms=["ECDH-ES", "A256GCM"])


@dataclass
class Nodes:
    """Two nodes of one product. The first rotates at every step, the second hears of it half as often."""

    first: World
    second: World
    steps: int = 0

    async def move_to(self, instant: datetime) -> None:
        for world in (self.first, self.second):
            world.now = instant
            await world.provider.feed.catch_up()

    async def rotate(self) -> None:
        """What the periodic job does on each node."""
        self.steps += 1
        for world in (self.first, self.second)[: 2 - self.steps % 2]:
            await ensure_keys(world.provider.db, sealer=world.sealer, policy=POLICY, now=world.now)
            await world.provider.keys.refresh(world.provider.db)


@dataclass
class RelyingParty:
    """An app with one algorithm, and its cached key set."""

    client_id: str
    alg: str
    keys: dict[str, Any] = field(default_factory=dict)
    fresh_until: datetime | None = None
    last: dict[str, Any] = field(default_factory=dict)
    fetches: int = 0
    kids: set[str] = field(default_factory=set)

    async def key_set(self, world: World) -> dict[str, Any]:
        if self.fresh_until is None or world.now >= self.fresh_until:
            async with world.http() as http:
                answer = await http.get("/oauth/jwks")
            lifetime = _MAX_AGE.search(answer.headers["cache-control"])
            assert lifetime is not None
            self.keys, self.fresh_until = answer.json(), world.now + timedelta(seconds=int(lifetime[1]))
            self.fetches += 1
        return self.keys

    async def check(self, world: World, token: str) -> dict[str, Any]:
        self.kids.add(header_of(token)["kid"])
        return check_signed(await self.key_set(world), token, self.alg)

    async def sign_in(self, here: Browser, there: Browser) -> None:
        """Authorize at one node, redeem at the other, and use everything that is still good from the last time."""
        asked = authorization(self.client_id, redirect_uri=ADDRESS, response_type="code id_token")
        asked["scope"] = "openid offline_access"
        if self.last:
            asked |= {"id_token_hint": self.last["id_token"], "prompt": "none"}
        response = await here.post("/oauth/authorize", asked)
        _, found = parts_of_answer(response)
        assert "code" in found, found
        claims = await self.check(here.world, found["id_token"])
        if self.last:
            await self._use_again(here, there)
        redeemed = await there.redeem(found["code"], self.client_id, redirect_uri=ADDRESS)
        assert redeemed.status_code == 200, redeemed.text
        body = redeemed.json()
        assert (await self.check(there.world, body["id_token"]))["sub"] == claims["sub"]
        told = await here.world.userinfo(body["access_token"])
        assert (await self.check(here.world, told.text))["sub"] == claims["sub"]
        await self._encrypt_to(here.world)
        self.last = {**body, "at": here.world.now}

    async def _use_again(self, here: Browser, there: Browser) -> None:
        if here.world.now - self.last["at"] < timedelta(minutes=10):
            for world in (here.world, there.world):
                assert (await world.userinfo(self.last["access_token"])).status_code == 200
        renewed = await there.world.token(
            self.client_id, grant_type="refresh_token", refresh_token=self.last["refresh_token"]
        )
        assert renewed.status_code == 200, renewed.text
        await self.check(there.world, renewed.json()["id_token"])

    async def _encrypt_to(self, world: World) -> None:
        (jwk,) = [key for key in (await self.key_set(world))["keys"] if key["use"] == "enc" and key["kty"] == "EC"]
        header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": jwk["kid"]}
        made = encrypt_compact(header, "a.b.c", JWKRegistry.import_key(jwk), registry=_ENCRYPTION)
        assert decrypt_request_object(made, world.provider, world.now) == "a.b.c"


@pytest.fixture
async def nodes(stack: Stack) -> AsyncIterator[Nodes]:
    """Two nodes on one database."""
    async with AsyncExitStack() as worlds:
        first = await worlds.enter_async_context(open_world(stack))
        second = await worlds.enter_async_context(open_world(stack))
        opened = Nodes(first, second)
        for _ in range(2):
            await opened.rotate()
        for alg in SIGNING:
            await first.add_client(
                with_algorithms(alg.lower(), id_token_signed_response_alg=alg, userinfo_signed_response_alg=alg)
            )
        second.secrets = first.secrets
        await second.provider.feed.catch_up()
        await second.provider.clients.refresh()
        yield opened


async def test_rotation_under_load_fails_no_request(nodes: Nodes) -> None:
    """Around each instant of two generations: published, signing, retired, withdrawn; every request and every check succeeds."""
    person = await nodes.first.add_person()
    apps = [RelyingParty(alg.lower(), alg) for alg in SIGNING]
    await _agree(nodes.first, person, apps)
    for event in _events():
        browsers = await _signed_in(nodes, person, event + AROUND[0])
        for app in apps:
            app.last = {}
        for offset in AROUND:
            await nodes.move_to(event + offset)
            await asyncio.gather(
                nodes.rotate(),
                *(app.sign_in(*browsers[:: 1 if number % 2 else -1]) for number, app in enumerate(apps)),
            )
    # Three generations of every algorithm signed, and nobody asked for the keys more often than it had to.
    assert [len(app.kids) for app in apps] == [3, 3, 3, 3]
    assert all(app.fetches <= 2 * len(_events()) for app in apps)


async def test_an_early_rotation_is_as_quiet(nodes: Nodes) -> None:
    """`renzheng keys rotate --purpose oidc` retires the keys after the time of publication."""
    from gateway.cli.early_retirement import retire_early

    person = await nodes.first.add_person()
    app = RelyingParty("ps256", "PS256")
    await _agree(nodes.first, person, [app])
    lead = POLICY.purposes[0].publish_lead
    begun = START + timedelta(hours=1)
    await nodes.move_to(begun)
    async with nodes.first.provider.db.transaction() as connection:
        assert len(await retire_early(connection, "oidc", begun + lead - timedelta(seconds=1))) == 4
    for instant in (begun, begun + lead - timedelta(seconds=2), begun + lead, begun + lead + timedelta(minutes=9)):
        browsers = await _signed_in(nodes, person, instant)
        app.last = {}
        await app.key_set(nodes.first)
        await asyncio.gather(nodes.rotate(), app.sign_in(*browsers))
        await nodes.rotate()
        await app.sign_in(*browsers)
    assert len(app.kids) == 2


def _events() -> list[datetime]:
    """The instants at which the default plan changes something, for two successors of the first keys."""
    oidc = POLICY.purposes[0]
    assert oidc.overlap is not None
    found = []
    for generation in (1, 2):
        retires = START + generation * oidc.signing_life
        found += [retires - oidc.publish_lead, retires, retires + oidc.overlap]
    return found


async def _agree(world: World, person: Person, apps: list[RelyingParty]) -> None:
    browser = Browser(world)
    await world.sign_in(browser, person)
    for app in apps:
        response = await browser.authorize(app.client_id, redirect_uri=ADDRESS, scope="openid offline_access")
        assert "code" in parts_of_answer(await browser.agree(response))[1]


async def _signed_in(nodes: Nodes, person: Person, instant: datetime) -> tuple[Browser, Browser]:
    """One browser with a fresh session, seen from both nodes."""
    await nodes.move_to(instant)
    browser = Browser(nodes.first)
    await nodes.first.sign_in(browser, person)
    return browser, Browser(nodes.second, browser.cookies)
