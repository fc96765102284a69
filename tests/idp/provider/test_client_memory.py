"""The memory of clients: a change is never missed, a deaf worker trusts none of it, and a loss counts at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import Change
from foundation.database import Database
from idp.provider.clients.registry import ClientRegistry
from idp.provider.tables import oauth_clients
from tests.idp.provider.world import Browser, World, answer, transaction_of


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
