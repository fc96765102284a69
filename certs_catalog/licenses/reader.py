"""Reading licenses for lookups:

Concurrent questions share one statement (see ``foundation.batching.Coalescer``).
"""

import asyncio
from collections.abc import Mapping, Sequence

from certs_catalog.licenses.store import StoredLicense, find_by_keys, select_by_keys
from foundation.batching import Coalescer
from foundation.database import Database


class LicenseReader:
    """Licenses by key, as of now; nothing is cached, so a status change is seen by the next answer."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._statement = select_by_keys(db)
        self._coalescer: Coalescer[bytes, tuple[StoredLicense, ...]] = Coalescer(self._fetch)

    async def find(self, keys: Sequence[bytes]) -> list[StoredLicense]:
        """Return the licenses of these keys, each once. Raises StorageUnavailable."""
        if len(keys) == 1:
            return list(await self._coalescer.load(keys[0]) or ())
        groups = await asyncio.gather(*(self._coalescer.load(key) for key in keys))
        return list({one.license_id: one for group in groups for one in group or ()}.values())

    async def _fetch(self, keys: Sequence[bytes]) -> Mapping[bytes, tuple[StoredLicense, ...]]:
        async with self._db.read() as connection:
            return await find_by_keys(connection, self._statement, keys)
