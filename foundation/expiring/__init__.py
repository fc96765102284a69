"""Expiring things behind one port, with a memory adapter for one process and a Redis adapter for many."""

from foundation.expiring.epochs import Trust, mend_epoch, open_shared_store
from foundation.expiring.memory import MemoryExpiringStore
from foundation.expiring.port import ExpiringStore, StoreFlushed, StoreUnavailable, Window, WindowResult
from foundation.expiring.redis_store import RedisExpiringStore, open_redis_store

__all__ = [
    "ExpiringStore",
    "MemoryExpiringStore",
    "RedisExpiringStore",
    "StoreFlushed",
    "StoreUnavailable",
    "Trust",
    "Window",
    "WindowResult",
    "mend_epoch",
    "open_redis_store",
    "open_shared_store",
]
