"""A ledger on a test stack, with everything it needs and nothing else."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import ChangeFeed
from foundation.clock import system_clock
from foundation.database import Database
from foundation.entropy import SystemEntropy
from foundation.ledger import Entry, Ledger
from foundation.ledger.sequencer import sequence
from foundation.ledger.verification import Report, verify_ledger
from foundation.sealing import Sealer, SealingKey

NOW = datetime(2026, 5, 18, 2, 32, tzinfo=UTC)


class FixedSigner:
    """One Ed25519 key, as the note signer of the log `renzheng.test/ledger`."""

    name = "renzheng.test/ledger"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, text: bytes) -> tuple[bytes, bytes]:
        """See `NoteSigner.sign`."""
        return self.public_key, self._key.sign(text)


@dataclass
class LedgerWorld:
    """One node's ledger, its feed and the keys to check it."""

    db: Database
    ledger: Ledger
    feed: ChangeFeed
    signer: FixedSigner
    sealer: Sealer

    async def seal(self) -> int:
        """Bring the tree up to date and return the size of the checkpoint, 0 when nothing was new."""
        checkpoint = await sequence(self.db, signer=self.signer, clock=system_clock)
        return checkpoint.size if checkpoint else 0

    async def verify(self, connection: AsyncConnection | None = None) -> Report:
        """Verify everything, on `connection` when uncommitted changes are to be seen."""
        if connection is not None:
            return await verify_ledger(
                connection, public_keys=[self.signer.public_key], name=self.signer.name, sealer=self.sealer
            )
        async with self.db.read() as own:
            return await self.verify(own)


@asynccontextmanager
async def open_ledger(database_url: str, like: LedgerWorld | None = None) -> AsyncIterator[LedgerWorld]:
    """Open a node on the database; `like` makes it a further node of the same installation."""
    db = Database(database_url)
    sealer = like.sealer if like else Sealer([SealingKey("t1", "A256GCM", os.urandom(32))], entropy=SystemEntropy())
    feed = ChangeFeed(db, system_clock)
    ledger = Ledger(db, sealer=sealer, entropy=SystemEntropy(), feed=feed)
    await ledger.open()
    try:
        yield LedgerWorld(db, ledger, feed, like.signer if like else FixedSigner(), sealer)
    finally:
        await feed.stop()
        await db.close()


def entry(number: int = 0, **changes: object) -> Entry:
    """Return a small entry that names a person in its personal parts."""
    values: dict[str, object] = {
        "kind": "test.act",
        "at": NOW,
        "outcome": "done",
        "actor": f"officer:{number}",
        "details": {"number": number, "text": "办理𠮷"},
        "personal": {"person_id": f"{number:032x}"},
    }
    return Entry(**{**values, **changes})  # type: ignore[arg-type]  # the values come from a test's own keywords
