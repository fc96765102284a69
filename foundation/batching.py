"""Many callers, one round trip.

A round trip to the database costs more than everything else a hot request does. While one trip is under way, the keys of the
requests that arrive meanwhile are collected, and go together in the next one. Where trips follow each other closely, the next one
waits a few milliseconds for company: under load every trip carries many requests, and an idle system waits for nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

LINGER_S = 0.003
"""How long a trip that follows another one waits for company, in seconds."""
ENOUGH = 12
"""With so many on board a trip waits no longer."""

Item = TypeVar("Item")
K = TypeVar("K")
V = TypeVar("V")


class Turns(Generic[Item]):
    """Collect items and hand them to `work` in batches, one batch at a time, in order of arrival.

    `work` must not raise: it settles each item's own future, also on failure.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[None]], *, max_batch: int) -> None:
        self._work = work
        self._max_batch = max_batch
        self._waiting: list[Item] = []
        self._task: asyncio.Task[None] | None = None
        self._last_end = -1.0
        self._crowded = False
        self._company: asyncio.Future[None] | None = None

    def put(self, item: Item) -> None:
        """Add one item; a batch starts at the next turn of the event loop unless one is under way."""
        self._waiting.append(item)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())
        elif self._company is not None and len(self._waiting) >= ENOUGH:
            _arrive(self._company)

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                # Whoever travelled alone last time is probably alone again: one caller in a row of its own never waits.
                if self._crowded and loop.time() - self._last_end < LINGER_S and len(self._waiting) < ENOUGH:
                    await self._await_company(loop)
                batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
                await self._work(batch)
                self._crowded, self._last_end = len(batch) > 1, loop.time()
        finally:
            self._task = None

    async def _await_company(self, loop: asyncio.AbstractEventLoop) -> None:
        self._company = loop.create_future()
        timer = loop.call_later(LINGER_S, _arrive, self._company)
        try:
            await self._company
        finally:
            timer.cancel()
            self._company = None


class Coalescer(Generic[K, V]):
    """Reads that share round trips: every caller of a key gets the value that `fetch` returned for it, or None.

    A caller never gets a value that was read before it asked, so what it wrote itself is seen. A failed `fetch` fails every
    caller of that batch with the same exception. Cancelling one caller harms no other.
    """

    def __init__(self, fetch: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, max_batch: int = 256) -> None:
        self._fetch = fetch
        self._turns: Turns[tuple[K, asyncio.Future[V | None]]] = Turns(self._serve, max_batch=max_batch)

    async def load(self, key: K) -> V | None:
        """Return the value of `key` as of now."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._turns.put((key, future))
        return await future

    async def _serve(self, batch: Sequence[tuple[K, asyncio.Future[V | None]]]) -> None:
        try:
            found = await self._fetch(list(dict.fromkeys(key for key, _ in batch)))
        except Exception as failure:
            _fail_all((future for _, future in batch), failure)
            return
        for key, future in batch:
            if not future.done():
                future.set_result(found.get(key))


class Claims(Generic[K, V]):
    """Single-use rows that share round trips: of all callers of one key at most one gets the row.

    `claim` is one conditional `UPDATE … WHERE spent_at IS NULL RETURNING` over the keys of a batch: the database decides between
    processes, this class between the callers that fell into one batch. A winner that was cancelled meanwhile has spent the row.
    """

    def __init__(self, claim: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, max_batch: int = 256) -> None:
        self._claim = claim
        self._turns: Turns[tuple[K, asyncio.Future[V | None]]] = Turns(self._serve, max_batch=max_batch)

    async def claim(self, key: K) -> V | None:
        """Return the row of `key` to its one winner; None says that it is unknown or already spent."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._turns.put((key, future))
        return await future

    async def _serve(self, batch: Sequence[tuple[K, asyncio.Future[V | None]]]) -> None:
        try:
            won = dict(await self._claim(list(dict.fromkeys(key for key, _ in batch))))
        except Exception as failure:
            _fail_all((future for _, future in batch), failure)
            return
        for key, future in batch:
            row = won.pop(key, None)
            if not future.done():
                future.set_result(row)


def _arrive(company: "asyncio.Future[None]") -> None:
    if not company.done():
        company.set_result(None)


def _fail_all(futures: Iterable[asyncio.Future[V | None]], failure: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(failure)
