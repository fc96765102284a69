"""Deciding whether one more attempt may be made: pure functions over the counter of one subject.

An attempt is counted before it is evaluated, so a burst in parallel never evaluates more than the limit. Windows slide exactly:
the latest attempts are kept by their instants, never more of them than the largest limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idp.signin.limits import SignInLimits


@dataclass(frozen=True, slots=True)
class Counter:
    """What is remembered about the attempts on one subject; `hits` are the latest, oldest first."""

    hits: tuple[datetime, ...] = ()
    consecutive: int = 0
    blocks: int = 0
    blocked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` attempts within any `period`."""

    limit: int
    period: timedelta


@dataclass(frozen=True, slots=True)
class Counted:
    """The attempt may be made and is counted in `counter`."""

    counter: Counter


@dataclass(frozen=True, slots=True)
class Held:
    """The attempt may not be made before `until`; None says that waiting alone does not help."""

    until: datetime | None


def count_attempt(counter: Counter, windows: Sequence[Window], *, now: datetime) -> Counted | Held:
    """Count one attempt against every window, or say when the strictest of them opens again."""
    hits = _until_now(counter.hits, now)
    waits = [
        hits[-window.limit] + window.period
        for window in windows
        if len(hits) >= window.limit and hits[-window.limit] > now - window.period
    ]
    if waits:
        return Held(max(waits))
    kept = max(window.limit for window in windows)
    return Counted(replace(counter, hits=(*hits, now)[-kept:]))


def count_password_attempt(counter: Counter, limits: SignInLimits, *, now: datetime) -> Counted | Held:
    """Count one password attempt of one account from one network or known device.

    The counter assumes failure; success forgets it. The fifth failure within the window pauses, each later one pauses twice as
    long as the one before, and from the tenth in a row the pause is a lock. Five failures spread over hours only add to the row.
    """
    if counter.blocked_until is not None and now < counter.blocked_until:
        # A clock that jumped back must not turn a pause into a day.
        return Held(min(counter.blocked_until, now + limits.password_longest_pause))
    hits = _until_now(counter.hits, now)
    if hits and now - hits[-1] >= limits.failure_memory:
        counter, hits = Counter(), ()
    recent = tuple(hit for hit in hits if hit > now - limits.password_window)
    hits = (*recent, now)
    consecutive = counter.consecutive + 1
    pause = _pause(len(hits), consecutive, counter.blocks, limits)
    return Counted(
        Counter(
            hits=hits[-limits.password_window_failures :],
            consecutive=consecutive,
            blocks=counter.blocks + (1 if pause else 0),
            blocked_until=now + pause if pause else None,
        )
    )


def count_towards_stop(counter: Counter, hard_stop: int, *, now: datetime) -> Counted | Held:
    """Count one attempt of the whole account; after `hard_stop` in a row only another way of signing in helps."""
    if counter.consecutive >= hard_stop:
        return Held(None)
    return Counted(Counter(hits=(now,), consecutive=counter.consecutive + 1))


def _pause(in_window: int, consecutive: int, blocks: int, limits: SignInLimits) -> timedelta:
    longest = limits.password_longest_pause
    beyond = consecutive - limits.password_lock_failures
    if beyond >= 0:
        return _doubled(limits.password_lock, beyond, longest)
    if blocks:
        return _doubled(limits.password_next_pause, blocks - 1, longest)
    if in_window >= limits.password_window_failures:
        return limits.password_first_pause
    return timedelta()


def _doubled(pause: timedelta, times: int, longest: timedelta) -> timedelta:
    return min(pause * (1 << min(times, 16)), longest)


def _until_now(hits: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    """A clock that jumped back leaves hits in the future; they count as made now."""
    return tuple(min(hit, now) for hit in hits)
