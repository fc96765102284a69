"""The provider's world as fixtures, on both stacks."""

from collections.abc import AsyncIterator

import pytest

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


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    """A provider with four registered clients."""
    async with open_world(stack) as opened:
        for registration in (HOUSING, BUSINESS, NATIVE, LICENSE_API):
            await opened.add_client(registration)
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
