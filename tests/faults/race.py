"""Fifty parties use one thing at the same moment on two nodes, and what came of it.

A starved machine refuses for lack of time or answers too late. It may so lose the answer of the winner; it never makes a second one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

PARALLEL = 50
NODES = 2

Use = Callable[..., Coroutine[Any, Any, httpx2.Response]]
"""One use, given `node` as a keyword."""


@dataclass(frozen=True)
class Race:
    """The answers of those that won, the different refusals as (status, error), and how many got no answer or were told to come again."""

    winners: Sequence[httpx2.Response]
    refusals: frozenset[tuple[int, str]]
    lost: int

    def expect_one(self, refusal: tuple[int, str]) -> None:
        """Exactly one won, unless its answer was lost; all others were told `refusal`."""
        self.expect_at_most_one(refusal)
        assert self.winners or self.lost

    def expect_at_most_one(self, refusal: tuple[int, str]) -> None:
        """Nobody or one won; all others were told `refusal`."""
        assert len(self.winners) <= 1
        assert self.refusals == {refusal}


async def race(use: Use) -> Race:
    """Let fifty use it, in turn on both nodes."""
    answers = await asyncio.gather(*(_in_time(use(node=number % NODES)) for number in range(PARALLEL)))
    told = [
        answer for answer in answers if answer is not None and answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE
    ]
    refused = [answer for answer in told if answer.status_code != httpx2.codes.OK]
    return Race(
        [answer for answer in told if answer.status_code == httpx2.codes.OK],
        frozenset((answer.status_code, answer.json()["error"]) for answer in refused),
        len(answers) - len(told),
    )


def expect_most_decided(races: Sequence[Race]) -> None:
    """Control: a machine that refuses everything for lack of time shows nothing."""
    undecided = sum(one.lost > 0 for one in races)
    assert undecided <= len(races) // 2, (
        f"{undecided} of {len(races)} rounds lost answers: the machine is too busy for this test"
    )


async def _in_time(asked: Coroutine[Any, Any, httpx2.Response]) -> httpx2.Response | None:
    try:
        return await asked
    except httpx2.TimeoutException:
        return None
