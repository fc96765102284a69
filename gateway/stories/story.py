"""A story is a list of named steps; each says what it observed, and a failed one ends the story.

A step is a function that plays its part and returns one line about what it saw. It tells that something is
not as it has to be
by raising `NotAsTold`; everything else that it raises is reported as a failure of the step as well.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx2

Actor = TypeVar("Actor")
Seen = TypeVar("Seen")
POLL_S = 0.1


class NotAsTold(Exception):
    """What happened is not what the story says; the text tells what was expected and what was seen."""


def expect(holds: bool, otherwise: str) -> None:
    """Raise NotAsTold with the text unless the condition holds."""
    if not holds:
        raise NotAsTold(otherwise)


def wait_until(look: Callable[[], Seen | None], *, seconds: float, otherwise: str) -> Seen:
    """Look again every 100 ms until something is seen; NotAsTold when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen is not None:
            return seen
        if time.monotonic() > deadline:
            raise NotAsTold(f"{otherwise} within {seconds:g} s")
        time.sleep(POLL_S)


@dataclass(frozen=True, slots=True)
class Step(Generic[Actor]):
    """One step: the point of the story that it belongs to, its name, and how it is played."""

    point: int
    name: str
    play: Callable[[Actor], str]


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one step; `milliseconds` is how long it took."""

    point: int
    name: str
    passed: bool
    observed: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole story, played; steps after a failed one are not played and count as failed."""

    steps: tuple[Played, ...]

    @property
    def passed(self) -> int:
        """The number of steps that held."""
        return sum(step.passed for step in self.steps)

    @property
    def failed(self) -> int:
        """The number of steps that did not hold or were not reached."""
        return len(self.steps) - self.passed


def play(steps: Sequence[Step[Actor]], actor: Actor, *, report: Callable[[Played], None]) -> Outcome:
    """Play the steps in order and report each as soon as it is over.

    A later step builds on what earlier ones did, so nothing is played after a failure.
    """
    played: list[Played] = []
    for step in steps:
        if played and not played[-1].passed:
            result = Played(step.point, step.name, False, "not reached", 0)
        else:
            result = _play_one(step, actor)
        played.append(result)
        report(result)
    return Outcome(tuple(played))


def _play_one(step: Step[Actor], actor: Actor) -> Played:
    started = time.monotonic()
    try:
        observed, passed = step.play(actor), True
    except NotAsTold as failure:
        observed, passed = str(failure), False
    except httpx2.HTTPError as failure:
        observed, passed = f"{type(failure).__name__}: {failure}", False
    except (KeyError, ValueError, LookupError) as failure:
        # An answer of another shape than the story reads; the type says more than the text alone.
        observed, passed = f"the answer has another shape: {type(failure).__name__}: {failure}", False
    return Played(step.point, step.name, passed, observed, round((time.monotonic() - started) * 1000))
