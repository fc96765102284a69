"""A bulkhead: at most so many calls to one system at once, so that a slow system cannot take every worker's
tasks with it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta


class BulkheadFull(Exception):
    """The call was not made: all places were taken for as long as the caller was ready to wait."""


class Bulkhead:
    """`places` concurrent calls; a further one waits up to `patience` and is then refused."""

    def __init__(self, places: int, patience: timedelta) -> None:
        self._free = asyncio.Semaphore(places)
        self._patience = patience.total_seconds()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one place for the body, or raise BulkheadFull."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError as error:
            raise BulkheadFull("every place is taken") from error
        try:
            yield
        finally:
            self._free.release()
