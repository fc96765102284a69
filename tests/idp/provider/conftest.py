"""The provider's world as fixtures, on both stacks.

`world` is a test's own; `shared_world` serves a whole module of refusals, which leave nothing behind but
ledger entries.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.idp.provider.decoupled_world import COUNTER, KIOSK, OTHER_COUNTER, RINGING, Phone
from tests.idp.provider.world import (
    BUSINESS,
    HOUSING,
    LICENSE_API,
    NATIVE,
    Browser,
    Person,
    World,
    open_world,
)
from tests.servers import Stack

CROSS_PRODUCTS = frozenset(
    {
        "test_authorization_parameters",
        "test_client_authentication",
        "test_client_certificates",
        "test_client_assertions",
        "test_dpop",
        "test_id_token_algorithms",
        "test_logout_hints",
        "test_odd_requests",
        "test_redirect_uris",
        "test_registered_addresses",
        "test_request_objects",
        "test_response_types",
        "test_token_exchange_mutations",
        "test_token_mutations",
    }
)
"""Modules that bend one request in a hundred ways. What they are about is judged before any store is asked, so the everyday run plays them on
one stack and the long run on the other one too; what is stored has modules of its own, on both stacks always."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the second stack of the cross-products to the long run."""
    for item in items:
        is_ours = item.path.parent == Path(__file__).parent and item.path.stem in CROSS_PRODUCTS
        if is_ours and "postgres+redis" in item.name:
            item.add_marker(pytest.mark.long)


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    """A provider with four registered clients."""
    async with open_world(stack) as opened:
        await _register(opened)
        yield opened


@pytest.fixture
async def zhang(world: World) -> Person:
    """A citizen with an open account."""
    return await world.add_person()


@pytest.fixture
async def browser(world: World, zhang: Person) -> Browser:
    """A browser in which the citizen is signed in."""
    opened = Browser(world)
    await world.sign_in(opened, zhang)
    return opened


@pytest.fixture
async def phone(world: World, zhang: Person, browser: Browser) -> Phone:
    """The citizen's own phone; apps that ask on another device are registered."""
    for registration in (KIOSK, COUNTER, RINGING, OTHER_COUNTER):
        await world.add_client(registration)
    return Phone(world, await world.sign_in(browser, zhang))


@pytest.fixture(scope="module", params=["sqlite+memory", "postgres+redis"])
async def shared_world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A provider for the tests of one module that change nothing."""
    if request.param == "sqlite+memory":
        databases, redis_url = request.getfixturevalue("sqlite_databases"), None
    else:
        databases = request.getfixturevalue("postgres_databases")
        redis_url = request.getfixturevalue("redis_server").url(15)
    with databases.fresh() as url:
        async with open_world(Stack(request.param, url, redis_url)) as opened:
            await _register(opened)
            yield opened


@pytest.fixture(scope="module")
async def shared_browser(shared_world: World) -> Browser:
    """A browser of the shared world in which a citizen is signed in and has agreed to what the housing app
    asks.
    """
    opened = Browser(shared_world)
    await shared_world.sign_in(opened, await shared_world.add_person())
    await opened.tokens_for()
    return opened


async def _register(world: World) -> None:
    for registration in (HOUSING, BUSINESS, NATIVE, LICENSE_API):
        await world.add_client(registration)
