"""The stage of people and sign-in as a fixture, on both stacks."""

from collections.abc import AsyncIterator

import pytest

from tests.idp.stage import Stage, open_stage
from tests.servers import Stack


@pytest.fixture
async def stage(stack: Stack) -> AsyncIterator[Stage]:
    """A stage with the default limits."""
    async with open_stage(stack) as opened:
        yield opened
