"""Waiting for what has to come true within a promised time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx2

REFUSED = frozenset({400, 401, 403})


async def await_refused(ask: Callable[[], Awaitable[httpx2.Response]], *, within: float) -> float:
    """Return after how many seconds the question is refused; fails when it is still answered later than `within`."""
    began = time.monotonic()
    while True:
        asked_at = time.monotonic() - began
        answer = await ask()
        if answer.status_code in REFUSED:
            return asked_at
        assert asked_at <= within, f"still {answer.status_code} after {asked_at:.1f} s"
        await asyncio.sleep(0.05)


async def await_status(ask: Callable[[], Awaitable[httpx2.Response]], wanted: int, *, within: float) -> httpx2.Response:
    """Ask until the answer has this status; fails with the last answer after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = await ask()
        if answer.status_code == wanted:
            return answer
        assert time.monotonic() < deadline, f"{answer.status_code} instead of {wanted}: {answer.text[-500:]}"
        await asyncio.sleep(0.1)
