"""The memory of registered applications that every endpoint asks.

A client is looked up several times in every request, so the registry answers from memory. A change of one client is announced on the topic
`client`; the registry marks that client at once and reads it again before the next answer. Until a change is heard from another node,
whatever was refused because of it is judged again with what `look_again` finds.
"""

import asyncio
import re
from collections.abc import Callable
from functools import partial

from foundation.batching import Coalescer
from foundation.changes import Change, ChangeFeed
from foundation.database import Database
from idp.provider.clients.registry import TOPIC, Client, load_clients, load_clients_named

LOOK_AGAIN_S = 1.0
"""A client that cannot be authenticated is read again at most once in so many seconds, however often somebody guesses."""
_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}", re.ASCII)


class ClientRegistry:
    """Every client of the provider, in memory; share one per process."""

    def __init__(self, db: Database, *, monotonic: Callable[[], float] | None = None) -> None:
        self._db = db
        self._monotonic = monotonic or (lambda: asyncio.get_running_loop().time())
        self._looked_at: dict[str, float] = {}
        self._clients: dict[str, Client] = {}
        self._generation = 0
        self._stale: dict[str, int] = {}
        self._reading = asyncio.Lock()
        self._unheard: Coalescer[str, Client] = Coalescer(partial(load_clients_named, db))
        self._feed: ChangeFeed | None = None

    async def open(self, feed: ChangeFeed) -> None:
        """Read all clients; subscribes first, so that no change can fall between."""
        self._feed = feed
        feed.subscribe(TOPIC, self._hear)
        self._clients = {client.client_id: client for client in await load_clients(self._db)}

    async def refresh(self) -> None:
        """Read again what was announced as changed; every endpoint awaits this before it trusts `find`.

        Costs no SQL while nothing changed. Raises StorageUnavailable rather than answering from a stale memory:
        also when the feed has not been heard lately, since a disabled client or a lost entitlement may be
        missing.
        """
        if self._feed is not None:
            self._feed.check_fresh()
        if self._stale:
            async with self._reading:
                while self._stale:
                    await self._read_stale()

    async def learn(self, client_id: str) -> None:
        """Read a client that another node registered a moment ago, before this worker heard of it; call after `refresh`.

        Costs no SQL for a client in memory, and one shared read for one that nobody knows.
        """
        if client_id in self._clients or not _CLIENT_ID.fullmatch(client_id):
            return
        found = await self._unheard.load(client_id)
        # What was heard meanwhile is newer than what was read.
        if found is not None and client_id not in self._stale:
            self._clients.setdefault(client_id, found)

    async def look_again(self, judged: Client) -> Client | None:
        """Return the client as it is by now when that differs from the one that was judged and refused, otherwise None.

        Another node may have changed its secret or keys a moment ago. Costs one read of one row, shared by all who ask meanwhile, and none
        within `LOOK_AGAIN_S` of the last one. Raises StorageUnavailable.
        """
        now, looked_at = self._monotonic(), self._looked_at.get(judged.client_id)
        is_due = looked_at is None or now >= looked_at + LOOK_AGAIN_S
        if is_due and self.find(judged.client_id) is judged:
            self._looked_at[judged.client_id] = now
            self._mark(judged.client_id)
        await self.refresh()
        current = self.find_active(judged.client_id)
        return None if current is judged else current

    async def read_now(self, client_id: str) -> Client | None:
        """Return the client as the database has it by now, when it is active; for the rare request that changes it. Costs a read."""
        self._mark(client_id)
        await self.refresh()
        return self.find_active(client_id)

    async def _read_stale(self) -> None:
        asked = dict(self._stale)
        found = await load_clients_named(self._db, asked)
        for client_id, generation in asked.items():
            known = self._clients.pop(client_id, None)
            if client_id in found:
                # What did not change stays the same object: by it others know what they made of it, and what they judged.
                self._clients[client_id] = (
                    known if known is not None and known == found[client_id] else found[client_id]
                )
            # A change that arrived while reading may not be in what was read.
            if self._stale[client_id] == generation:
                del self._stale[client_id]

    def find(self, client_id: str) -> Client | None:
        """Return the client whatever its status, or None; memory alone."""
        return self._clients.get(client_id)

    def find_active(self, client_id: str) -> Client | None:
        """Return the client when it is registered and not disabled."""
        client = self._clients.get(client_id)
        return client if client is not None and client.is_active else None

    def all(self) -> tuple[Client, ...]:
        """Return every client, ordered by identifier."""
        return tuple(self._clients[client_id] for client_id in sorted(self._clients))

    def _hear(self, change: Change) -> None:
        self._mark(change.key)

    def _mark(self, client_id: str) -> None:
        self._generation += 1
        self._stale[client_id] = self._generation
