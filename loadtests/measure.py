"""Driving one operation at a fixed number of connections, and what the server paid for it.

Each operation is warmed up, then run in several rounds; the throughput reported is that of the median round, so that one
disturbance of the machine does not decide. Latency is measured from the write of the first request of an operation to the end
of its last answer, over all rounds.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.calls import Conversation, WrongAnswer, hold
from loadtests.connection import Connection

Operation = Callable[[int, int], Conversation]
"""Begins one operation, given the number of its connection and a number that no other operation of the run has."""

GRACE_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard an operation is driven."""

    connections: int = 32
    warm_up_s: float = 1.5
    round_s: float = 4.0
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Target:
    """The server under test: its port, its Host header, and the process whose costs are counted."""

    port: int
    pid: int

    @property
    def host(self) -> str:
        """Return the authority of its address."""
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Figure:
    """What one operation reached; times in milliseconds, memory in MB (10**6 octets). `first_error` says what went wrong."""

    operation: str
    stack: str
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_ms_per_request: float
    rss_mb: float
    first_error: str = ""


@dataclass(slots=True)
class Round:
    """What one round saw; `cpu_s` is what the server's process used meanwhile."""

    latencies_s: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""
    elapsed_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Return the right answers a second."""
        return len(self.latencies_s) / self.elapsed_s if self.elapsed_s else 0.0


async def drive(name: str, operation: Operation, target: Target, *, stack: str, plan: Plan) -> Figure:
    """Run the operation and return its figure; TimeoutError when the server stops answering."""
    connections = [await Connection.open(target.port) for _ in range(plan.connections)]
    numbers = iter(range(10**12))
    try:
        await _run_round(connections, operation, target, numbers, plan.warm_up_s)
        rounds = [await _run_round(connections, operation, target, numbers, plan.round_s) for _ in range(plan.rounds)]
    finally:
        for connection in connections:
            connection.close()
    return figure_of(name, rounds, stack=stack, rss=rss_octets(target.pid))


def figure_of(name: str, rounds: Sequence[Round], *, stack: str, rss: int) -> Figure:
    """Sum rounds up: throughput and cost of the median round, latencies and errors of all."""
    middle = sorted(rounds, key=lambda one: one.per_s)[len(rounds) // 2]
    latencies = sorted(latency for one in rounds for latency in one.latencies_s)
    return Figure(
        operation=name,
        stack=stack,
        requests_per_s=round(middle.per_s, 1),
        p50_ms=round(percentile(latencies, 50) * 1000, 2),
        p99_ms=round(percentile(latencies, 99) * 1000, 2),
        errors=sum(one.errors for one in rounds),
        cpu_ms_per_request=round(middle.cpu_s * 1000 / max(len(middle.latencies_s), 1), 3),
        rss_mb=round(rss / 1e6, 1),
        first_error=next((one.first_error for one in rounds if one.first_error), ""),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of the ascending values do not exceed (nearest rank); 0.0 of none."""
    if not ordered:
        return 0.0
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]


async def _run_round(
    connections: list[Connection], operation: Operation, target: Target, numbers: Iterator[int], seconds: float
) -> Round:
    seen = Round()
    cpu, begun = cpu_seconds(target.pid), time.perf_counter()
    end = begun + seconds

    async def keep_going(slot: int) -> None:
        while (sent := time.perf_counter()) < end:
            try:
                if not connections[slot].is_open:
                    connections[slot] = await Connection.open(target.port)
                await hold(operation(slot, next(numbers)), connections[slot], host=target.host)
            except (WrongAnswer, ConnectionError) as failure:
                seen.errors += 1
                seen.first_error = seen.first_error or f"{type(failure).__name__}: {failure}"
            else:
                seen.latencies_s.append(time.perf_counter() - sent)

    workers: list[Awaitable[None]] = [keep_going(slot) for slot in range(len(connections))]
    await asyncio.wait_for(asyncio.gather(*workers), seconds + GRACE_S)
    seen.elapsed_s = time.perf_counter() - begun
    seen.cpu_s = cpu_seconds(target.pid) - cpu
    return seen


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, user and system, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_octets(pid: int) -> int:
    """Return the resident memory of a process in octets."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
