"""One host, two departments, one instant: subjects are pairwise by sector, so of two departments one alone gets it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from idp.provider.registration.register import register_client
from idp.provider.tables import oauth_clients
from tests.idp.provider.invited_apps import Registrar
from tests.idp.provider.world import BUSINESS, World, open_world
from tests.servers import Stack

ROUNDS = 4
OTHERS = "redirect_uris: the host belongs to the sector of another department"


@pytest.fixture
async def nodes(stack: Stack, world: World) -> AsyncIterator[tuple[Registrar, Registrar]]:
    """Two nodes; what one stores the other hears later."""
    async with open_world(stack, url=stack.database_url) as other:
        yield Registrar(world), Registrar(other)


async def owners_of(world: World, host: str) -> list[str]:
    """Return the departments that have clients in a sector."""
    return sorted({row["department_id"] for row in await world.rows(oauth_clients) if row["sector"] == host})


async def test_two_departments_register_one_host_at_once(nodes: tuple[Registrar, Registrar]) -> None:
    """One is told so and keeps its invitation, whichever node it asked."""
    for number in range(ROUNDS):
        host = f"shared-{number}.test"
        address = [f"https://{host}/cb"]
        tokens = [await nodes[0].invite(department_id=name) for name in ("housing", "market")]
        answers = await asyncio.gather(
            *(node.register(token, redirect_uris=address) for node, token in zip(nodes, tokens, strict=True))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 400]
        (refused,) = [place for place, answer in enumerate(answers) if answer.status_code == 400]
        assert answers[refused].json()["error_description"] == OTHERS
        assert len(await owners_of(nodes[0].world, host)) == 1
        # What was refused has spent nothing.
        again = await nodes[refused].register(tokens[refused], redirect_uris=[f"https://own-{number}.test/cb"])
        assert again.status_code == 201


async def test_a_host_that_another_node_registered_a_moment_ago_is_taken(nodes: tuple[Registrar, Registrar]) -> None:
    """Although this node has not heard of it; the same department may have it (the positive control)."""
    here, there = nodes
    address = ["https://shared.test/cb"]
    assert (await here.register(await here.invite(), redirect_uris=address)).status_code == 201
    refused = await there.register(await there.invite(department_id="market"), redirect_uris=address)
    assert (refused.status_code, refused.json()["error_description"]) == (400, OTHERS)
    assert (await there.register(await there.invite(), redirect_uris=address)).status_code == 201


async def test_two_departments_move_to_one_host_at_once(nodes: tuple[Registrar, Registrar]) -> None:
    """RFC 7592 §2.2: an update asks like a registration; whoever is refused keeps what it had."""
    here, there = nodes
    first = (await here.register(await here.invite(), redirect_uris=["https://one.test/cb"])).json()
    second = await there.register(await there.invite(department_id="market"), redirect_uris=["https://two.test/cb"])
    address = ["https://shared.test/cb"]
    answers = await asyncio.gather(
        here.manage("PUT", first, redirect_uris=address), there.manage("PUT", second.json(), redirect_uris=address)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert len(await owners_of(here.world, "shared.test")) == 1
    kept = [host for host in ("one.test", "two.test") if await owners_of(here.world, host)]
    assert len(kept) == 1


async def test_a_host_that_an_operator_gives_away_at_once_is_taken(nodes: tuple[Registrar, Registrar]) -> None:
    """Operators may put departments into one sector on purpose; an application never does, whatever an operator does meanwhile."""
    here, there = nodes
    provider = here.world.provider
    for number in range(ROUNDS):
        host = f"given-{number}.test"
        wanted = replace(BUSINESS, client_id=f"given-{number}", redirect_uris=(f"https://{host}/cb",))
        token = await there.invite()
        _, answer = await asyncio.gather(
            register_client(
                wanted,
                db=provider.db,
                ledger=provider.ledger,
                entropy=provider.entropy,
                actor="system:test",
                now=here.world.now,
            ),
            there.register(token, redirect_uris=[f"https://{host}/cb"]),
        )
        registered = [
            entry["department"]
            for entry in await here.world.entries()
            if entry["kind"] == "oauth.client_registered" and entry["details"]["sector"] == host
        ]
        # An application that came first has its host; the operator may join it, but not the other way round.
        assert registered == (["housing", "market"] if answer.status_code == 201 else ["market"])
