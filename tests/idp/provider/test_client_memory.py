"""The memory of clients: a change is never missed, a deaf worker trusts none of it, and a loss counts at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import Change
from foundation.database import Database
from idp.provider.clients.memory import LOOK_AGAIN_S, ClientRegistry
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.registration.changes import change_client
from idp.provider.registration.register import ClientRegistration, rotate_client_secret
from idp.provider.tables import oauth_clients
from tests.idp.provider.invited_apps import Registrar
from tests.idp.provider.proving import PROVER, asserted, assertion_claims, post
from tests.idp.provider.signed_requests import sign
from tests.idp.provider.world import Browser, World, answer, open_world, transaction_of
from tests.servers import Stack


class HeldAfterReading(Database):
    """A database whose readers may be kept from their rows after they were read."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.has_read = asyncio.Event()
        self.go_on = asyncio.Event()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Read as ever, then wait for `go_on`."""
        async with super().read() as connection:
            yield connection
        self.has_read.set()
        await self.go_on.wait()


async def change(world: World, **values: Any) -> None:
    """Change the housing app's registration in the database, and let this worker hear of it."""
    async with world.provider.db.transaction() as connection:
        await connection.execute(update(oauth_clients).where(oauth_clients.c.client_id == "gzf").values(**values))
    world.provider.feed.apply([Change("client", "gzf")])


async def test_a_change_heard_while_reading_is_not_lost(world: World) -> None:
    """The row that was read before the change does not stay as if it were the newest."""
    db = HeldAfterReading(world.provider.db.engine.url.render_as_string(hide_password=False))
    registry = ClientRegistry(db)
    try:
        db.go_on.set()
        await registry.open(world.provider.feed)
        db.go_on.clear()
        db.has_read.clear()
        await change(world, name_en="First")
        reading = asyncio.create_task(registry.refresh())
        await asyncio.wait_for(db.has_read.wait(), 10)
        await change(world, name_en="Second")
        db.go_on.set()
        await asyncio.wait_for(reading, 10)
        await registry.refresh()
        found = registry.find("gzf")
        assert found is not None
        assert found.name_en == "Second"
    finally:
        await db.close()


@pytest.mark.parametrize("door", ["authorize", "client_credentials", "wrong secret"])
async def test_deaf_worker_opens_no_oauth_door(world: World, browser: Browser, door: str) -> None:
    """A worker that cannot hear of a disabled client serves no client (fail closed)."""
    await world.provider.feed.stop()
    world.later(seconds=6)
    if door == "authorize":
        response = await browser.authorize()
    elif door == "client_credentials":
        response = await world.token("gzf", grant_type="client_credentials")
    else:
        world.secrets["gzf"] = "wrong"
        response = await world.token("gzf", grant_type="client_credentials")
    assert response.status_code == 503, response.text


async def test_a_removed_address_is_not_followed(world: World, browser: Browser) -> None:
    """A redirect URI that was taken from the registration meanwhile gets neither a code nor an error."""
    waiting = transaction_of(await browser.authorize())
    await change(world, redirect_uris=["https://gzf.test/elsewhere"])
    resumed = await browser.get("/test/resume", {"transaction": waiting})
    agreed = await browser.post("/test/consent", {"transaction": waiting, "agreed": "profile"})
    for response in (resumed, agreed):
        assert "gzf.test" not in response.headers.get("location", "")
        assert response.status_code == 400, response.text


@pytest.mark.parametrize(
    ("lost", "error"),
    [({"scopes": ["openid"]}, "invalid_scope"), ({"policy": "unheard-of"}, "unauthorized_client")],
)
async def test_a_lost_entitlement_stops_a_waiting_authorization(
    world: World, browser: Browser, lost: dict[str, Any], error: str
) -> None:
    """What the client may no longer ask for is not given to it because it asked early."""
    waiting = transaction_of(await browser.authorize())
    await change(world, **lost)
    refused = answer(await browser.post("/test/consent", {"transaction": waiting, "agreed": "profile"}))
    assert refused["error"] == error
    assert "code" not in refused


async def _registered_elsewhere(world: World, client_id: str) -> None:
    """Copy the housing app's row under another identifier, as another node's registration that is not heard of yet."""
    async with world.provider.db.transaction() as connection:
        row = (
            (await connection.execute(select(oauth_clients).where(oauth_clients.c.client_id == "gzf"))).mappings().one()
        )
        await connection.execute(insert(oauth_clients).values({**row, "client_id": client_id}))


async def test_a_client_registered_elsewhere_is_known_before_it_is_heard_of(world: World) -> None:
    """Its first request may come to this worker a moment after another one registered it; a stranger stays one."""
    registry = world.provider.clients
    await _registered_elsewhere(world, "newcomer")
    await registry.refresh()
    assert registry.find("newcomer") is None
    for client_id in ("newcomer", "nobody", "", "n" * 5_000):
        await registry.learn(client_id)
    assert registry.find_active("newcomer") is not None
    assert registry.find("nobody") is None


async def test_what_is_heard_while_learning_is_newer(world: World) -> None:
    """A client that is disabled between the reading and its end does not come back as active."""
    db = HeldAfterReading(world.provider.db.engine.url.render_as_string(hide_password=False))
    registry = ClientRegistry(db)
    try:
        db.go_on.set()
        await registry.open(world.provider.feed)
        await _registered_elsewhere(world, "shortlived")
        db.go_on.clear()
        db.has_read.clear()
        learning = asyncio.create_task(registry.learn("shortlived"))
        await asyncio.wait_for(db.has_read.wait(), 10)
        async with world.provider.db.transaction() as connection:
            await connection.execute(
                update(oauth_clients).where(oauth_clients.c.client_id == "shortlived").values(status="disabled")
            )
        world.provider.feed.apply([Change("client", "shortlived")])
        db.go_on.set()
        await asyncio.wait_for(learning, 10)
        await registry.refresh()
        assert registry.find_active("shortlived") is None
    finally:
        db.go_on.set()
        await db.close()


@asynccontextmanager
async def deaf_node(stack: Stack) -> AsyncIterator[World]:
    """Open another node that hears of nothing by itself any more, as in the moment before it does."""
    async with open_world(stack) as node:
        await node.provider.feed.stop()
        yield node


async def _rotate(world: World, client_id: str) -> str:
    """Give the client a new secret on this node; the old one ends at once."""
    provider = world.provider
    return await rotate_client_secret(
        client_id,
        overlap=timedelta(0),
        db=provider.db,
        ledger=provider.ledger,
        entropy=provider.entropy,
        actor="system:test",
        now=world.now,
    )


async def _status(node: World, secret: str) -> int:
    """Return what a node answers to the housing app with this secret."""
    node.secrets["gzf"] = secret
    return (await node.token("gzf", grant_type="client_credentials", scope="license.lookup")).status_code


async def test_a_secret_renewed_elsewhere_counts_before_it_is_heard_of(stack: Stack, world: World) -> None:
    """The application's next request may come to a node that has not heard of its new secret; also many at once."""
    async with deaf_node(stack) as node:
        secret = await _rotate(world, "gzf")
        assert set(await asyncio.gather(*(_status(node, secret) for _ in range(10)))) == {200}
        assert await _status(node, world.secrets["gzf"]) == 401


async def test_keys_renewed_elsewhere_count_before_they_are_heard_of(stack: Stack, world: World) -> None:
    """The same for keys that stand in the registration."""
    old, new = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("old", "new"))

    def signing_with(key: ECKey) -> ClientRegistration:
        return replace(PROVER, metadata=ClientMetadata(jwks={"keys": [key.as_dict(private=False)]}))

    async def status(node: World, key: ECKey) -> int:
        token = sign(assertion_claims(node, "prover"), key=key, typ="JWT", kid=key.kid)
        return (await post(node, "/oauth/introspect", {"token": "x", **asserted(token)})).status_code

    await world.add_client(signing_with(old))
    async with deaf_node(stack) as node:
        assert await status(node, old) == 200
        provider = world.provider
        tools: dict[str, Any] = {"db": provider.db, "ledger": provider.ledger, "entropy": provider.entropy}
        await change_client(signing_with(new), **tools, actor="system:test", now=world.now)
        assert await status(node, new) == 200
        assert await status(node, old) == 401


async def test_a_registration_token_renewed_elsewhere_counts_before_it_is_heard_of(stack: Stack, world: World) -> None:
    """An update answers with the next registration token, which may be shown to another node at once."""
    first = await Registrar(world).registered()
    async with deaf_node(stack) as node:
        second = (await Registrar(world).manage("PUT", first)).json()
        assert (await Registrar(node).manage("GET", second)).status_code == 200
        assert (await Registrar(node).manage("GET", first)).status_code == 401


class Counted(Database):
    """A database that counts how often it is read."""

    reads = 0

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Read as ever."""
        self.reads += 1
        async with super().read() as connection:
            yield connection


async def test_guessing_reads_one_row_a_second(world: World) -> None:
    """Whoever guesses secrets of a client that is known makes no flood of questions to the database."""
    at = 1_000.0
    db = Counted(world.provider.db.engine.url.render_as_string(hide_password=False))
    registry = ClientRegistry(db, monotonic=lambda: at)
    try:
        await registry.open(world.provider.feed)
        known = registry.find_active("gzf")
        assert known is not None
        before = db.reads
        for _ in range(50):
            assert await registry.look_again(known) is None
        assert db.reads == before + 1
        at += LOOK_AGAIN_S
        assert await registry.look_again(known) is None
        assert db.reads == before + 2
        assert registry.find_active("gzf") is known, "what did not change is another object"
    finally:
        await db.close()
