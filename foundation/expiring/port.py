"""The port of expiring things: cached values, counters and rate windows that may be lost, but never lie.

What must not be used twice is spent in SQL; this store accelerates and throttles. Losing it may cost a
re-login, never a second use.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Protocol

from foundation.problems import ErrorCode, ServiceUnavailable, register
from foundation.values import value_type


class StoreUnavailable(ServiceUnavailable):
    """The expiring store did not answer in time, is full or read-only. Whether a write took effect is
    unknown.
    """

    error_code: ClassVar[ErrorCode] = register(
        ErrorCode(
            code="10003",
            status=503,
            title_zh="缓存服务暂时不可用",
            title_en="Expiring store temporarily unavailable",
            cause_zh="限流与临时状态服务没有在规定时间内应答，本次操作没有执行。",
            cause_en=("The store of limits and temporary states did not answer in time; nothing was carried out."),
            remedy_zh="请稍候片刻再试，系统会自行恢复。",
            remedy_en="Please wait a moment and try again. The system recovers by itself.",
        )
    )


class StoreFlushed(StoreUnavailable):
    """The store lost its content: a counter or a one-time key can not be trusted until the flush is
    acknowledged.
    """

    error_code = register(
        ErrorCode(
            code="10004",
            status=503,
            title_zh="限流状态正在恢复",
            title_en="Limits are being restored",
            cause_zh="限流与一次性状态的数据被清空，系统在恢复前拒绝依赖它的操作。",
            cause_en=("The data of limits and one-time states was emptied; the system refuses to rely on it yet."),
            remedy_zh="请稍候片刻再试；运维人员应检查缓存服务。",
            remedy_en="Please wait a moment and try again. Operators should check the expiring store.",
        )
    )


@value_type
class Window:
    """At most ``limit`` hits of ``key`` within any span of ``length``."""

    key: str
    limit: int
    length: timedelta

    def __post_init__(self) -> None:
        if self.limit < 1 or self.length <= timedelta():
            raise ValueError("a window has a positive limit and length")


@value_type
class WindowResult:
    """What one window said: whether it had room, how many hits remain, and after how long it has room
    again.
    """

    allowed: bool
    remaining: int
    retry_after: timedelta


class ExpiringStore(Protocol):
    """Keys with a time to live.

    Keys are short texts without personal data (callers pass hashes or blind indexes); plain values,
    counters and windows live in separate name spaces. Every method is one atomic step and at most one round
    trip, may be called from any task, and answers or raises StoreUnavailable within the adapter's deadline.
    A cancelled call may have taken effect, and never disturbs another call. A time to live must be
    positive, else ValueError; nothing outlives it, but anything may vanish before. ``add``, ``increment``
    and the windows raise StoreFlushed when the content was lost and that was not acknowledged, so that
    limits fail closed; ``get`` and ``take`` then simply find nothing.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None when it is absent or over."""
        ...

    async def set(self, key: str, value: bytes, ttl: timedelta) -> None:
        """Write the value, replacing any other and its time to live."""
        ...

    async def take(self, key: str) -> bytes | None:
        """Return and delete the value: of many parallel callers at most one gets it."""
        ...

    async def add(self, key: str, value: bytes, ttl: timedelta) -> bool:
        """Write the value if the key is absent: of many parallel callers exactly one gets True."""
        ...

    async def increment(self, key: str, ttl: timedelta, by: int = 1) -> int:
        """Add to the counter and return its new value; the time to live begins with the first increment."""
        ...

    async def hit_window(self, key: str, limit: int, length: timedelta) -> WindowResult:
        """Hit one sliding window; a refused hit does not count."""
        ...

    async def hit_windows(self, windows: Sequence[Window]) -> list[WindowResult]:
        """Hit several windows at once: the hit counts in all of them if each had room, else in none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the value, the counter and the window of this key; absent ones are fine."""
        ...

    async def ping(self) -> None:
        """Do one round trip."""
        ...

    async def epoch(self) -> str | None:
        """Return the mark of the content now held, or None when the content was lost and no mark is set."""
        ...

    async def acknowledge_flush(self, epoch: str) -> str:
        """Accept the loss: set the mark if there is none, trust the store again, and return the mark in
        force.
        """
        ...

    async def close(self) -> None:
        """Release connections; the store must not be used afterwards."""
        ...


def check_ttl(ttl: timedelta) -> int:
    """Return the time to live in whole milliseconds, at least one; zero and less raise ValueError."""
    if ttl <= timedelta():
        raise ValueError("a time to live is positive")
    return max(1, round(ttl / timedelta(milliseconds=1)))
