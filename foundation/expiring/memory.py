"""The expiring store of a single process: a dictionary, a heap of deadlines and a monotonic clock.

Atomic because no method awaits. Full means refused, never evicted: dropping a counter to make room would
open a limit.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from foundation.expiring.port import StoreUnavailable, Window, WindowResult, check_ttl

DEFAULT_CAPACITY = 200_000

_Space = Literal["value", "counter", "window"]
_Key = tuple[_Space, str]


@dataclass(slots=True)
class _Held:
    content: bytes | int | deque[float]
    over_at: float


class MemoryExpiringStore:
    """See ExpiringStore. ``monotonic`` returns seconds; ``capacity`` bounds the number of live keys."""

    def __init__(self, *, capacity: int = DEFAULT_CAPACITY, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._monotonic = monotonic
        self._held: dict[_Key, _Held] = {}
        self._deadlines: list[tuple[float, _Key]] = []

    async def get(self, key: str) -> bytes | None:
        """See ExpiringStore."""
        held = self._find(("value", key))
        return held.content if held is not None and isinstance(held.content, bytes) else None

    async def set(self, key: str, value: bytes, ttl: timedelta) -> None:
        """See ExpiringStore."""
        self._put(("value", key), value, check_ttl(ttl) / 1000)

    async def take(self, key: str) -> bytes | None:
        """See ExpiringStore."""
        value = await self.get(key)
        self._held.pop(("value", key), None)
        return value

    async def add(self, key: str, value: bytes, ttl: timedelta) -> bool:
        """See ExpiringStore."""
        seconds = check_ttl(ttl) / 1000
        if self._find(("value", key)) is not None:
            return False
        self._put(("value", key), value, seconds)
        return True

    async def increment(self, key: str, ttl: timedelta, by: int = 1) -> int:
        """See ExpiringStore."""
        seconds = check_ttl(ttl) / 1000
        held = self._find(("counter", key))
        if held is None or not isinstance(held.content, int):
            self._put(("counter", key), by, seconds)
            return by
        held.content += by
        return held.content

    async def hit_window(self, key: str, limit: int, length: timedelta) -> WindowResult:
        """See ExpiringStore."""
        return (await self.hit_windows((Window(key, limit, length),)))[0]

    async def hit_windows(self, windows: Sequence[Window]) -> list[WindowResult]:
        """See ExpiringStore."""
        now = self._monotonic()
        counted = [(window, self._hits(window, now)) for window in windows]
        open_to_all = all(len(hits) < window.limit for window, hits in counted)
        results: list[WindowResult] = []
        for window, hits in counted:
            had_room = len(hits) < window.limit
            if open_to_all:
                hits.append(now)
                self._put(("window", window.key), hits, window.length.total_seconds())
            wait = 0.0 if had_room else hits[len(hits) - window.limit] + window.length.total_seconds() - now
            results.append(WindowResult(had_room, max(0, window.limit - len(hits)), timedelta(seconds=wait)))
        return results

    async def delete(self, key: str) -> None:
        """See ExpiringStore."""
        spaces: tuple[_Space, ...] = ("value", "counter", "window")
        for space in spaces:
            self._held.pop((space, key), None)

    async def ping(self) -> None:
        """See ExpiringStore; memory always answers."""

    async def epoch(self) -> str | None:
        """See ExpiringStore: the content lives as long as the process, so its mark never changes."""
        return "memory"

    async def acknowledge_flush(self, epoch: str) -> str:
        """See ExpiringStore; there is nothing to acknowledge."""
        return "memory"

    async def close(self) -> None:
        """See ExpiringStore."""
        self._held.clear()
        self._deadlines.clear()

    def _hits(self, window: Window, now: float) -> deque[float]:
        held = self._find(("window", window.key))
        hits = held.content if held is not None and isinstance(held.content, deque) else deque[float]()
        while hits and hits[0] <= now - window.length.total_seconds():
            hits.popleft()
        return hits

    def _find(self, key: _Key) -> _Held | None:
        held = self._held.get(key)
        if held is None or held.over_at > self._monotonic():
            return held
        del self._held[key]
        return None

    def _put(self, key: _Key, content: bytes | int | deque[float], seconds: float) -> None:
        now = self._monotonic()
        self._drop_overdue(now)
        if key not in self._held and len(self._held) >= self._capacity:
            raise StoreUnavailable("the memory store is full")
        self._held[key] = _Held(content, now + seconds)
        heapq.heappush(self._deadlines, (now + seconds, key))
        # Rewriting one key again and again leaves its old deadlines behind; the heap is rebuilt before they
        # pile up.
        if len(self._deadlines) > 2 * len(self._held) + 1024:
            self._deadlines = [(held.over_at, key) for key, held in self._held.items()]
            heapq.heapify(self._deadlines)

    def _drop_overdue(self, now: float) -> None:
        while self._deadlines and self._deadlines[0][0] <= now:
            _, key = heapq.heappop(self._deadlines)
            held = self._held.get(key)
            if held is not None and held.over_at <= now:
                del self._held[key]
