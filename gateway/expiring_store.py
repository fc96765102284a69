"""Which expiring store a process uses: Redis when it is configured, memory otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from foundation.expiring import ExpiringStore, MemoryExpiringStore, RedisExpiringStore
from gateway.settings import Settings


@asynccontextmanager
async def open_expiring_store(settings: Settings) -> AsyncIterator[ExpiringStore]:
    """Open the store of the settings and close it again."""
    store: ExpiringStore
    if settings.redis_url is None:
        store = MemoryExpiringStore()
    else:
        store = RedisExpiringStore(settings.redis_url.get_secret_value())
    try:
        yield store
    finally:
        await store.close()
