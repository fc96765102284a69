"""The expiring store on Redis, shared by every node.

Three dangers are dealt with here and nowhere else. A cancelled caller must not leave a half-read connection
in the pool, where the next caller would read somebody else's answer: every command runs in a task of its
own that the caller only watches. A slow server must not hold requests: each command has a deadline, and
after several failures in a row calls are refused at once until a probe succeeds. An emptied server must not
open limits: see ``scripts``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from foundation.expiring import scripts
from foundation.expiring.port import StoreFlushed, StoreUnavailable, Window, WindowResult, check_ttl

COMMAND_TIMEOUT = timedelta(milliseconds=200)
QUEUE_TIMEOUT = timedelta(seconds=1)
REST_AFTER_FAILURES = timedelta(milliseconds=500)
FAILURES_BEFORE_REST = 5

_T = TypeVar("_T")


class RedisExpiringStore:
    """See ExpiringStore. Make one per event loop with ``open_redis_store``."""

    def __init__(self, client: Redis, *, prefix: str, epoch: str) -> None:
        self._client = client
        self._prefix = prefix
        self._epoch_key = f"{prefix}epoch"
        self._epoch = epoch
        self._add = client.register_script(scripts.ADD)
        self._increment = client.register_script(scripts.INCREMENT)
        self._hit_windows = client.register_script(scripts.HIT_WINDOWS)
        self._adopt_epoch = client.register_script(scripts.ADOPT_EPOCH)
        self._running: set[asyncio.Task[Any]] = set()
        self._failures = 0
        self._rests_until = 0.0

    async def get(self, key: str) -> bytes | None:
        """See ExpiringStore."""
        return cast(bytes | None, await self._run(lambda: self._client.get(self._value(key))))

    async def set(self, key: str, value: bytes, ttl: timedelta) -> None:
        """See ExpiringStore."""
        milliseconds = check_ttl(ttl)
        await self._run(lambda: self._client.set(self._value(key), value, px=milliseconds))

    async def take(self, key: str) -> bytes | None:
        """See ExpiringStore."""
        return cast(bytes | None, await self._run(lambda: self._client.getdel(self._value(key))))

    async def add(self, key: str, value: bytes, ttl: timedelta) -> bool:
        """See ExpiringStore."""
        arguments = (self._epoch, value, check_ttl(ttl))
        answer = await self._run(lambda: self._add(keys=[self._epoch_key, self._value(key)], args=arguments))
        return int(_trusted(answer)) == 1

    async def increment(self, key: str, ttl: timedelta, by: int = 1) -> int:
        """See ExpiringStore."""
        arguments = (self._epoch, by, check_ttl(ttl))
        keys = [self._epoch_key, self._counter(key)]
        return int(_trusted(await self._run(lambda: self._increment(keys=keys, args=arguments))))

    async def hit_window(self, key: str, limit: int, length: timedelta) -> WindowResult:
        """See ExpiringStore."""
        return (await self.hit_windows((Window(key, limit, length),)))[0]

    async def hit_windows(self, windows: Sequence[Window]) -> list[WindowResult]:
        """See ExpiringStore."""
        keys = [self._epoch_key, *(self._window(window.key) for window in windows)]
        arguments: list[str | int] = [self._epoch]
        for window in windows:
            arguments += [window.limit, round(window.length / timedelta(microseconds=1))]
        answer = _trusted(await self._run(lambda: self._hit_windows(keys=keys, args=arguments)))
        return [
            WindowResult(answer[at] == 1, int(answer[at + 1]), timedelta(microseconds=int(answer[at + 2])))
            for at in range(0, len(answer), 3)
        ]

    async def delete(self, key: str) -> None:
        """See ExpiringStore."""
        names = (self._value(key), self._counter(key), self._window(key))
        await self._run(lambda: self._client.delete(*names))

    async def ping(self) -> None:
        """See ExpiringStore."""
        await self._run(lambda: self._client.ping())

    async def epoch(self) -> str | None:
        """See ExpiringStore."""
        mark = await self._run(lambda: self._client.get(self._epoch_key))
        return None if mark is None else cast(bytes, mark).decode("utf-8")

    async def acknowledge_flush(self, epoch: str) -> str:
        """See ExpiringStore. Of several nodes that acknowledge at once the first one's mark stands."""
        answer = await self._run(lambda: self._adopt_epoch(keys=[self._epoch_key], args=[epoch]))
        self._epoch = cast(bytes, answer).decode("utf-8")
        return self._epoch

    async def close(self) -> None:
        """See ExpiringStore; commands under way are waited for, since each has a deadline."""
        if self._running:
            await asyncio.wait(self._running)
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    def _value(self, key: str) -> str:
        return f"{self._prefix}v:{key}"

    def _counter(self, key: str) -> str:
        return f"{self._prefix}c:{key}"

    def _window(self, key: str) -> str:
        return f"{self._prefix}w:{key}"

    async def _run(self, command: Callable[[], Awaitable[_T]]) -> _T:
        """Run one command to its end even when the caller is cancelled, and translate every failure."""
        if asyncio.get_running_loop().time() < self._rests_until:
            raise StoreUnavailable("resting after failures in a row")
        task = asyncio.ensure_future(self._carry_out(command))
        self._running.add(task)
        task.add_done_callback(self._settle)
        return await asyncio.shield(task)

    async def _carry_out(self, command: Callable[[], Awaitable[_T]]) -> _T:
        try:
            answer = await command()
        except (RedisError, OSError, TimeoutError) as failure:
            self._failures += 1
            if self._failures >= FAILURES_BEFORE_REST:
                rest = REST_AFTER_FAILURES.total_seconds()
                self._rests_until = asyncio.get_running_loop().time() + rest
                # One failure of the probe after the rest begins the next rest.
                self._failures = FAILURES_BEFORE_REST - 1
            raise StoreUnavailable(f"redis: {type(failure).__name__}") from failure
        self._failures = 0
        return answer

    def _settle(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        # A failure nobody waits for any more is still read, or the loop would report it as lost.
        if not task.cancelled():
            task.exception()


async def open_redis_store(
    url: str,
    *,
    epoch: str,
    prefix: str = "rz:",
    connections: int = 32,
    command_timeout: timedelta = COMMAND_TIMEOUT,
) -> RedisExpiringStore:
    """Return a store on the Redis at ``url``.

    ``epoch`` is the mark the caller trusts: the one it kept from before, or a fresh unguessable one at
    first start. When the server has no mark, or another one, counters and one-time keys raise StoreFlushed
    until ``acknowledge_flush``. Nothing is connected yet, so an unreachable server shows at the first call.
    Commands are never retried, for a counter would count twice.
    """
    seconds = command_timeout.total_seconds()
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=QUEUE_TIMEOUT.total_seconds(),
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return RedisExpiringStore(Redis(connection_pool=pool), prefix=prefix, epoch=epoch)


def _trusted(answer: Any) -> Any:
    if answer == scripts.FLUSHED:
        raise StoreFlushed("the mark of the content is missing or another one")
    return answer
