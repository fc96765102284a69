"""Which expiring store a process uses: Redis when it is configured, memory otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from foundation.clock import Clock
from foundation.database import Database
from foundation.entropy import Entropy
from foundation.expiring import ExpiringStore, MemoryExpiringStore, StoreUnavailable, mend_epoch, open_shared_store
from gateway.settings import Settings

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_expiring_store(
    settings: Settings, *, db: Database, clock: Clock, entropy: Entropy
) -> AsyncIterator[ExpiringStore]:
    """Open the store of the settings and close it again; a Redis that is away now may come back later."""
    if settings.redis_url is None:
        store: ExpiringStore = MemoryExpiringStore()
    else:
        store = await open_shared_store(settings.redis_url.get_secret_value(), db=db, entropy=entropy)
    try:
        await mend_epoch(db, store, now=clock(), entropy=entropy)
    except StoreUnavailable as failure:
        log.warning("expiring_store.unreachable", detail=failure.detail)
    try:
        yield store
    finally:
        await store.close()
