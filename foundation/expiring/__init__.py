"""Expiring things behind one port, with a memory adapter for one process and a Redis adapter for many."""

from foundation.expiring.memory import MemoryExpiringStore
from foundation.expiring.port import ExpiringStore, StoreFlushed, StoreUnavailable, Window, WindowResult
from foundation.expiring.redis_store import RedisExpiringStore, open_redis_store

__all__ = [
    "ExpiringStore",
    "MemoryExpiringStore",
    "RedisExpiringStore",
    "StoreFlushed",
    "StoreUnavailable",
    "Window",
    "WindowResult",
    "open_redis_store",
]
