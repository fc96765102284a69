"""The pure rules of throttling, as tables."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.signin.limits import SignInLimits
from idp.signin.throttling import (
    Counted,
    Counter,
    Held,
    Window,
    count_attempt,
    count_password_attempt,
    count_towards_stop,
)
from tests.idp.stage import START

LIMITS = SignInLimits()


def _pauses(failures: int, *, pace: timedelta) -> list[float]:
    """Seconds of pause after each of so many failures; whoever is held waits, then goes on at the pace."""
    counter, now, pauses = Counter(), START, []
    for _ in range(failures):
        if counter.blocked_until is not None and now < counter.blocked_until:
            now = counter.blocked_until
        verdict = count_password_attempt(counter, LIMITS, now=now)
        assert isinstance(verdict, Counted)
        counter = verdict.counter
        blocked = counter.blocked_until
        pauses.append((blocked - now).total_seconds() if blocked and blocked > now else 0.0)
        now += pace
    return pauses


@pytest.mark.parametrize(
    ("sentence", "failures", "pace", "expected"),
    [
        (
            "fast guesses pause after five, then ever longer, and lock from ten",
            14,
            timedelta(seconds=1),
            [0, 0, 0, 0, 60, 30, 60, 120, 240, 600, 1200, 2400, 3600, 3600],
        ),
        (
            "five failures spread over minutes only add to the row",
            9,
            timedelta(minutes=1),
            [0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            "ten failures in a row lock however slow they were",
            11,
            timedelta(minutes=1),
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 600, 1200],
        ),
        (
            "a day of quiet forgets the row",
            12,
            timedelta(hours=24),
            [0] * 12,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_pauses_of_password_attempts(sentence: str, failures: int, pace: timedelta, expected: list[float]) -> None:
    """The pauses of limits.md: 5/60 s → 60 s, then 30 s to 1 h, ten minutes at ten."""
    assert _pauses(failures, pace=pace) == expected, sentence


def test_a_clock_that_jumped_back_does_not_turn_a_pause_into_a_day() -> None:
    """The wait shown is never longer than the longest pause (V16)."""
    counter = Counter(blocked_until=START + timedelta(hours=1))
    held = count_password_attempt(counter, LIMITS, now=START - timedelta(days=1))
    assert held == Held(START - timedelta(days=1) + LIMITS.password_longest_pause)


def test_the_hard_stop_does_not_pass_by_waiting() -> None:
    """Only another way of signing in helps."""
    counter = Counter()
    for _ in range(80):
        verdict = count_towards_stop(counter, 80, now=START)
        assert isinstance(verdict, Counted)
        counter = verdict.counter
    assert count_towards_stop(counter, 80, now=START + timedelta(days=365)) == Held(None)


def test_stops_of_known_and_other_devices_sum_up_to_a_hundred() -> None:
    """NIST SP 800-63B-4 §3.2.2 allows no more than one hundred consecutive failures."""
    assert LIMITS.password_hard_stop + LIMITS.known_device_hard_stop <= 100


@given(
    gaps=st.lists(st.integers(min_value=0, max_value=200), max_size=60),
    limit=st.integers(min_value=1, max_value=5),
    period=st.integers(min_value=1, max_value=300),
)
def test_a_window_never_lets_more_through_than_its_limit(gaps: list[int], limit: int, period: int) -> None:
    """In any span of the period at most `limit` attempts were counted, wherever the span begins."""
    windows = (Window(limit, timedelta(seconds=period)), Window(limit + 3, timedelta(seconds=4 * period)))
    counter, now, allowed = Counter(), START, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        verdict = count_attempt(counter, windows, now=now)
        if isinstance(verdict, Counted):
            counter = verdict.counter
            allowed.append(now)
        else:
            assert verdict.until is not None
            assert verdict.until > now
            assert isinstance(count_attempt(counter, windows, now=verdict.until), Counted)
    for window in windows:
        for begin in allowed:
            inside = [hit for hit in allowed if begin <= hit < begin + window.period]
            assert len(inside) <= window.limit
    assert len(counter.hits) <= limit + 3
