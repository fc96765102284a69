"""The database and the sealer alone, for commands that look at stored things without the rest of the
product."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foundation.database import Database
    from foundation.sealing import Sealer
    from gateway.settings import Settings


@asynccontextmanager
async def open_database(settings: "Settings") -> AsyncIterator["Database"]:
    """Open the database of the settings and close it at the end."""
    from foundation.database import Database

    db = Database(settings.database_url, pool_size=2)
    try:
        yield db
    finally:
        await db.close()


def make_sealer(settings: "Settings") -> "Sealer":
    """Make the sealer of the settings; raises UnusableSealingKey."""
    from foundation.entropy import SystemEntropy
    from foundation.sealing import Sealer, parse_sealing_keys

    keys = parse_sealing_keys([key.get_secret_value() for key in settings.sealing_keys])
    return Sealer(keys, entropy=SystemEntropy())
