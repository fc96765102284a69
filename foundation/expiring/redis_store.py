"""The expiring store on Redis, shared by every node.

Commands travel in batches (see ``redis_lanes``), never longer than their deadline and never twice. An
emptied server must not open limits: whatever counts compares the mark of the content first (see
``scripts``).
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from foundation.batching import Turns
from foundation.expiring import scripts
from foundation.expiring.port import StoreFlushed, Window, WindowResult, check_ttl
from foundation.expiring.redis_lanes import LANES, RedisLanes

ANSWER_TIMEOUT = timedelta(milliseconds=200)
# One script serves so many callers; a longer one would keep Redis from everybody else.
_MOST_HITS = 32
_MICROSECOND = timedelta(microseconds=1)
_Hit = tuple[Sequence[Window], "asyncio.Future[list[WindowResult]]"]


class RedisExpiringStore:
    """See ExpiringStore. Make one per event loop with ``open_redis_store``."""

    def __init__(self, client: Redis, *, prefix: str, epoch: str) -> None:
        self._lanes = RedisLanes(client, scripts.ALL)
        self._prefix = prefix
        self._epoch_key = f"{prefix}epoch"
        self._epoch = epoch
        self._hits: Turns[_Hit] = Turns(self._serve_hits, max_batch=_MOST_HITS)

    async def get(self, key: str) -> bytes | None:
        """See ExpiringStore."""
        return cast(bytes | None, await self._lanes.run("GET", self._value(key)))

    async def set(self, key: str, value: bytes, ttl: timedelta) -> None:
        """See ExpiringStore."""
        await self._lanes.run("SET", self._value(key), value, "PX", check_ttl(ttl))

    async def take(self, key: str) -> bytes | None:
        """See ExpiringStore."""
        return cast(bytes | None, await self._lanes.run("GETDEL", self._value(key)))

    async def add(self, key: str, value: bytes, ttl: timedelta) -> bool:
        """See ExpiringStore."""
        keys = (self._epoch_key, self._value(key))
        command = scripts.ADD.command(keys, (self._epoch, value, check_ttl(ttl)))
        return int(_trusted(await self._lanes.run(*command))) == 1

    async def increment(self, key: str, ttl: timedelta, by: int = 1) -> int:
        """See ExpiringStore."""
        keys = (self._epoch_key, self._counter(key))
        command = scripts.INCREMENT.command(keys, (self._epoch, by, check_ttl(ttl)))
        return int(_trusted(await self._lanes.run(*command)))

    async def hit_window(self, key: str, limit: int, length: timedelta) -> WindowResult:
        """See ExpiringStore."""
        return (await self.hit_windows((Window(key, limit, length),)))[0]

    async def hit_windows(self, windows: Sequence[Window]) -> list[WindowResult]:
        """See ExpiringStore."""
        done: asyncio.Future[list[WindowResult]] = asyncio.get_running_loop().create_future()
        self._hits.put((windows, done))
        return await done

    async def _serve_hits(self, batch: Sequence[_Hit]) -> None:
        """Ask for the windows of several callers with one script; each caller's own are counted together or not at all."""
        waiting = [hit for hit in batch if not hit[1].done()]
        keys, numbers = [self._epoch_key], []
        for windows, _ in waiting:
            numbers.append(len(windows))
            for window in windows:
                keys.append(self._window(window.key))
                numbers += (window.limit, window.length // _MICROSECOND)
        try:
            command = scripts.HIT_WINDOWS.command(keys, (self._epoch, " ".join(map(str, numbers))))
            answer = iter(_trusted(await self._lanes.run(*command)))
        except Exception as failure:
            for _, done in waiting:
                if not done.done():
                    done.set_exception(failure)
            return
        for windows, done in waiting:
            results = [
                WindowResult(next(answer) == 1, next(answer), timedelta(microseconds=next(answer))) for _ in windows
            ]
            if not done.done():
                done.set_result(results)

    async def delete(self, key: str) -> None:
        """See ExpiringStore."""
        await self._lanes.run("DEL", self._value(key), self._counter(key), self._window(key))

    async def ping(self) -> None:
        """See ExpiringStore."""
        await self._lanes.run("PING")

    async def epoch(self) -> str | None:
        """See ExpiringStore."""
        mark = await self._lanes.run("GET", self._epoch_key)
        return None if mark is None else cast(bytes, mark).decode("utf-8")

    async def acknowledge_flush(self, epoch: str) -> str:
        """See ExpiringStore. Of several nodes that acknowledge at once the first one's mark stands."""
        answer = await self._lanes.run(*scripts.ADOPT_EPOCH.command((self._epoch_key,), (epoch,)))
        self._epoch = cast(bytes, answer).decode("utf-8")
        return self._epoch

    async def close(self) -> None:
        """See ExpiringStore."""
        await self._lanes.close()

    def _value(self, key: str) -> str:
        return f"{self._prefix}v:{key}"

    def _counter(self, key: str) -> str:
        return f"{self._prefix}c:{key}"

    def _window(self, key: str) -> str:
        return f"{self._prefix}w:{key}"


async def open_redis_store(
    url: str, *, epoch: str, prefix: str = "rz:", answer_timeout: timedelta = ANSWER_TIMEOUT
) -> RedisExpiringStore:
    """Return a store on the Redis at ``url``.

    ``epoch`` is the mark the caller trusts: the one it kept from before, or a fresh unguessable one at
    first start. When the server has no mark, or another one, counters and one-time keys raise StoreFlushed
    until ``acknowledge_flush``. Nothing is connected yet, so an unreachable server shows at the first call.
    """
    seconds = answer_timeout.total_seconds()
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=LANES,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return RedisExpiringStore(Redis(connection_pool=pool), prefix=prefix, epoch=epoch)


def _trusted(answer: Any) -> Any:
    if answer == scripts.FLUSHED:
        raise StoreFlushed("the mark of the content is missing or another one")
    return answer
