"""Commands of many callers sent to Redis in batches, over two connections.

A request waits for one or two answers of this store, and thousands of requests run at once: one round trip
per tick of the loop is far cheaper than one per caller. It is also safer: callers wait for a future and
never hold a connection, so a caller that is cancelled cannot leave half an answer behind for the next one.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha1
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from foundation.expiring.port import StoreUnavailable

LANES = 2
LARGEST_BATCH = 256
FAILURES_BEFORE_REST = 3
REST_AFTER_FAILURES = timedelta(milliseconds=500)

_Argument = str | bytes | int


class Script:
    """A Lua script and the name under which Redis caches it (its SHA-1, by the Redis protocol)."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = sha1(source.encode("utf-8"), usedforsecurity=False).hexdigest()

    def command(self, keys: Sequence[str], arguments: Sequence[_Argument]) -> tuple[_Argument, ...]:
        """Return the command that runs the script by its name."""
        return ("EVALSHA", self.digest, len(keys), *keys, *arguments)


class _Waiting:
    """One command, the future its caller awaits, and whether it was sent before."""

    __slots__ = ("answer", "arguments", "sent_before")

    def __init__(self, arguments: tuple[_Argument, ...], answer: "asyncio.Future[Any]") -> None:
        self.arguments = arguments
        self.answer = answer
        self.sent_before = False


class RedisLanes:
    """The sending side. Commands are never repeated after a failure, for a counter would count twice.

    After three failed batches in a row calls are refused at once for half a second, so that a dead or
    silent server does not hold every request for its full deadline; the next batch then probes again.
    """

    def __init__(self, client: Redis, scripts: Sequence[Script]) -> None:
        self._client = client
        self._scripts = scripts
        self._waiting: deque[_Waiting] = deque()
        self._lanes: set[asyncio.Task[None]] = set()
        self._open_lanes = 0
        self._failures = 0
        self._rests_until = 0.0

    async def run(self, *arguments: _Argument) -> Any:
        """Return the server's answer, or raise StoreUnavailable.

        A cancelled caller's command is dropped while it waits and carried out once it was sent.
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._rests_until:
            raise StoreUnavailable("resting after failures in a row")
        waiting = _Waiting(arguments, loop.create_future())
        self._waiting.append(waiting)
        if self._open_lanes < LANES:
            self._open_lanes += 1
            lane = loop.create_task(self._drive_lane())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        return await waiting.answer

    async def close(self) -> None:
        """Wait for the batches under way, each of which has a deadline, and close the connections."""
        if self._lanes:
            await asyncio.wait(self._lanes)
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    async def _drive_lane(self) -> None:
        # The count falls in the same step that finds nothing waiting; a task ends one step later, too late
        # to count tasks.
        try:
            while self._waiting:
                if batch := self._next_batch():
                    await self._send(batch)
        finally:
            self._open_lanes -= 1

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < LARGEST_BATCH:
            waiting = self._waiting.popleft()
            if not waiting.answer.done():
                batch.append(waiting)
        return batch

    async def _send(self, batch: list[_Waiting]) -> None:
        try:
            pipeline = self._client.pipeline(transaction=False)
            for waiting in batch:
                pipeline.execute_command(*waiting.arguments)
            answers = await pipeline.execute(raise_on_error=False)
            unknown = [
                waiting
                for waiting, answer in zip(batch, answers, strict=True)
                if isinstance(answer, NoScriptError) and not waiting.sent_before
            ]
            if unknown:
                # The server never saw the scripts, so these commands did nothing and may be sent again, once.
                for script in self._scripts:
                    await self._client.script_load(script.source)
        except (RedisError, OSError, TimeoutError) as failure:
            self._note_failure()
            for waiting in batch:
                _refuse(waiting, failure)
            return
        except BaseException as stop:
            # The loop is being torn down, or a bug showed: nobody may be left waiting for ever.
            for waiting in batch:
                _refuse(waiting, stop)
            raise
        self._failures = 0
        for waiting, answer in zip(batch, answers, strict=True):
            if isinstance(answer, NoScriptError) and not waiting.sent_before:
                waiting.sent_before = True
                self._waiting.append(waiting)
            elif isinstance(answer, RedisError):
                _refuse(waiting, answer)
            elif not waiting.answer.done():
                waiting.answer.set_result(answer)

    def _note_failure(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES_BEFORE_REST:
            self._rests_until = asyncio.get_running_loop().time() + REST_AFTER_FAILURES.total_seconds()
            # One more failure, of the probe after the rest, begins the next rest.
            self._failures = FAILURES_BEFORE_REST - 1


def _refuse(waiting: _Waiting, failure: BaseException) -> None:
    if not waiting.answer.done():
        refusal = StoreUnavailable(f"redis: {type(failure).__name__}")
        refusal.__cause__ = failure
        waiting.answer.set_exception(refusal)
