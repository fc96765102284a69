"""What the Redis adapter does when the server is emptied, gone, slow, full or read-only."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import redis.asyncio

from foundation.expiring import RedisExpiringStore, StoreFlushed, StoreUnavailable, open_redis_store
from foundation.expiring.redis_lanes import REST_AFTER_FAILURES
from loadtests.servers import run_redis

LONG = timedelta(minutes=5)


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisExpiringStore]:
    """A store on the shared server that trusts its content."""
    store = await open_redis_store(redis_url, epoch="first")
    await store.acknowledge_flush("first")
    yield store
    await store.close()


async def _flush(redis_url: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.flushdb()


async def test_flush_fails_closed_until_it_is_acknowledged(store: RedisExpiringStore, redis_url: str) -> None:
    """After FLUSHDB no limit is open and no one-time key is free, while plain reads just miss."""
    await store.set("k", b"x", LONG)
    await store.add("jti", b"", LONG)
    await _flush(redis_url)
    for refused in (store.add("jti", b"", LONG), store.increment("n", LONG), store.hit_window("w", 9, LONG)):
        with pytest.raises(StoreFlushed):
            await refused
    assert await store.get("k") is None
    assert await store.take("k") is None
    await store.set("k", b"y", LONG)
    assert await store.epoch() is None
    assert await store.acknowledge_flush("second") == "second"
    assert await store.increment("n", LONG) == 1


async def test_node_that_acknowledges_does_not_open_another(store: RedisExpiringStore, redis_url: str) -> None:
    """Each node notices the flush for itself, also when a new mark is already set; the first mark stands."""
    other = await open_redis_store(redis_url, epoch="first")
    assert await other.increment("n", LONG) == 1
    await _flush(redis_url)
    await store.acknowledge_flush("second")
    with pytest.raises(StoreFlushed):
        await other.increment("n", LONG)
    assert await other.acknowledge_flush("third") == "second"
    assert await other.increment("n", LONG) == 1
    await other.close()


async def test_node_that_starts_after_a_flush_notices_it(redis_url: str) -> None:
    """A mark kept in SQL from before does not match the empty server."""
    late = await open_redis_store(redis_url, epoch="kept")
    with pytest.raises(StoreFlushed):
        await late.hit_window("w", 5, LONG)
    await late.close()


async def test_stopped_server_is_reported_and_recovered_from() -> None:
    """Gone means 503 at once and no hanging; back without its content means flushed, then acknowledged."""
    with run_redis() as server:
        store = await open_redis_store(server.url(0), epoch="e")
        await store.acknowledge_flush("e")
        process = server.process
        assert process is not None
        process.stop()
        begin = time.monotonic()
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                await store.get("k")
        assert time.monotonic() - begin < 2
        process.start()
        await asyncio.sleep(REST_AFTER_FAILURES.total_seconds())
        with pytest.raises(StoreFlushed):
            await store.increment("n", LONG)
        await store.acknowledge_flush("f")
        assert await store.increment("n", LONG) == 1
        await store.close()


async def test_silent_server_costs_a_deadline_and_not_more() -> None:
    """A server that accepts and never answers costs 200 ms; after three failed batches calls are refused at
    once.
    """
    connections: list[asyncio.StreamWriter] = []

    async def swallow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = await open_redis_store(f"redis://127.0.0.1:{port}/0", epoch="e")
    for _ in range(3):
        begin = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.increment("n", LONG)
        assert time.monotonic() - begin < 0.7
    begin = time.monotonic()
    for _ in range(50):
        with pytest.raises(StoreUnavailable):
            await store.increment("n", LONG)
    assert time.monotonic() - begin < 0.1
    await store.close()
    for writer in connections:
        writer.close()
    server.close()
    await server.wait_closed()


async def test_full_and_read_only_servers_are_unavailable_not_broken() -> None:
    """OOM and READONLY answers are 503, and the store works again once the server does."""
    with run_redis() as server:
        url = server.url(0)
        store = await open_redis_store(url, epoch="e")
        await store.acknowledge_flush("e")
        async with redis.asyncio.Redis.from_url(url) as admin:
            await admin.config_set("maxmemory", "1mb")
            for refused in (store.set("k", b"x", LONG), store.increment("n", LONG)):
                with pytest.raises(StoreUnavailable):
                    await refused
            await admin.config_set("maxmemory", "0")
            await store.set("k", b"x", LONG)
            await admin.replicaof("127.0.0.1", "1")
            for refused in (store.set("k", b"y", LONG), store.increment("n", LONG)):
                with pytest.raises(StoreUnavailable):
                    await refused
            await admin.replicaof("no", "one")
        assert await store.get("k") == b"x"
        assert await store.increment("n", LONG) == 1
        await store.close()


async def test_scripts_survive_a_restart_of_the_script_cache(store: RedisExpiringStore, redis_url: str) -> None:
    """SCRIPT FLUSH, or a failover to a server that never saw the scripts, goes unnoticed."""
    assert await store.increment("n", LONG) == 1
    async with redis.asyncio.Redis.from_url(redis_url) as admin:
        await admin.script_flush()
    assert await store.increment("n", LONG) == 2
