"""Fixtures of the attack tests: the same town as the fault tests, so that one worker starts one alone."""

from collections.abc import AsyncIterator

import pytest

from tests.faults.nodes import Town, the_town
from tests.faults.visitor import Doors, open_doors


@pytest.fixture(scope="session")
def town(pytestconfig: pytest.Config) -> Town:
    """The town of this worker."""
    return the_town(pytestconfig)


@pytest.fixture
async def doors(town: Town) -> AsyncIterator[Doors]:
    """The nodes, reached over HTTP."""
    async with open_doors(town) as opened:
        yield opened
