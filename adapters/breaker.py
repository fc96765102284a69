"""A circuit breaker for one outside system: after many failures it refuses at once, then lets a few probes
decide.

It opens when at least `failure_share` of `minimum_calls` or more calls within `window` failed; after `pause`
it admits `probes` calls, and closes when all of them succeeded or opens again at the first that failed.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

Monotonic = Callable[[], float]
"""Seconds of a clock that never steps back."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When to open and how to recover."""

    window: timedelta = timedelta(seconds=30)
    minimum_calls: int = 20
    failure_share: float = 0.5
    pause: timedelta = timedelta(seconds=10)
    probes: int = 3


class BreakerOpen(Exception):
    """The call was not made: the system failed too often. `retry_after` says when a probe may be admitted."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"open for another {retry_after.total_seconds():.1f} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Closed:
    """Calls pass and are counted."""


@dataclass(frozen=True, slots=True)
class Open:
    """Calls are refused until the monotonic instant `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class Probing:
    """A few calls pass; `admitted` are under way or done, `succeeded` of them came back well."""

    admitted: int = 0
    succeeded: int = 0


State = Closed | Open | Probing


@dataclass(slots=True)
class Breaker:
    """The breaker of one system within one event loop; it performs no I/O and takes no lock."""

    policy: BreakerPolicy
    monotonic: Monotonic
    state: State = field(default_factory=Closed)
    _calls: deque[tuple[float, bool]] = field(default_factory=deque)

    @asynccontextmanager
    async def guard(self, counts_as_failure: tuple[type[Exception], ...]) -> AsyncIterator[None]:
        """Run the body if calls pass, else raise BreakerOpen; the named exceptions count as failures of the
        system.

        Any other exception means that the system answered. A cancelled call counts as nothing and gives its
        probe back.
        """
        self._admit()
        try:
            yield
        except counts_as_failure:
            self._settle(succeeded=False)
            raise
        except Exception:
            self._settle(succeeded=True)
            raise
        except BaseException:
            if isinstance(self.state, Probing):
                self.state = replace(self.state, admitted=max(0, self.state.admitted - 1))
            raise
        else:
            self._settle(succeeded=True)

    def _admit(self) -> None:
        now = self.monotonic()
        if isinstance(self.state, Open):
            if now < self.state.until:
                raise BreakerOpen(timedelta(seconds=self.state.until - now))
            self.state = Probing()
        if isinstance(self.state, Probing):
            if self.state.admitted >= self.policy.probes:
                raise BreakerOpen(timedelta(seconds=1))
            self.state = replace(self.state, admitted=self.state.admitted + 1)

    def _settle(self, *, succeeded: bool) -> None:
        now = self.monotonic()
        match self.state:
            case Probing(admitted=admitted, succeeded=before):
                if not succeeded:
                    self._open(now)
                elif before + 1 >= self.policy.probes:
                    self.state = Closed()
                    self._calls.clear()
                else:
                    self.state = Probing(admitted, before + 1)
            case Closed():
                self._count(now, succeeded)
            case Open():
                pass  # A call admitted before the breaker opened says nothing about recovery.

    def _count(self, now: float, succeeded: bool) -> None:
        self._calls.append((now, succeeded))
        oldest = now - self.policy.window.total_seconds()
        while self._calls[0][0] < oldest:
            self._calls.popleft()
        failed = sum(1 for _, well in self._calls if not well)
        enough = len(self._calls) >= self.policy.minimum_calls
        if enough and failed >= self.policy.failure_share * len(self._calls):
            self._open(now)

    def _open(self, now: float) -> None:
        self.state = Open(until=now + self.policy.pause.total_seconds())
        self._calls.clear()
