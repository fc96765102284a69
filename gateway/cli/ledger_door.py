"""Database, sealer and ledger for commands that change stored things and have to leave an entry."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from foundation.changes import ChangeFeed
from foundation.clock import system_clock
from foundation.database import Database
from foundation.entropy import Entropy, SystemEntropy
from foundation.ledger import Ledger
from foundation.sealing import Sealer
from gateway.cli.stores import make_sealer, open_database
from gateway.cli.surroundings import read_settings
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class LedgerDoor:
    """What an administrative act needs to happen and to be on record."""

    settings: Settings
    db: Database
    sealer: Sealer
    ledger: Ledger
    entropy: Entropy


@asynccontextmanager
async def open_ledger_door() -> AsyncIterator[LedgerDoor]:
    """Open the database of the settings with a ledger that appends to it; close it at the end."""
    settings = read_settings()
    sealer = make_sealer(settings)
    entropy = SystemEntropy()
    async with open_database(settings) as db:
        ledger = Ledger(db, sealer=sealer, entropy=entropy, feed=ChangeFeed(db, system_clock))
        await ledger.open()
        yield LedgerDoor(settings, db, sealer, ledger, entropy)
