"""Which processor core does what: the server under test has one for itself, everything else shares the others.

On a machine with a single core nothing is bound, and the figures say more about the generator than about the server.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the server, and the cores of load generator, PostgreSQL and Redis."""

    server: frozenset[int]
    others: frozenset[int]


def share_out(available: frozenset[int]) -> Cores | None:
    """Give the first core to the server; None when there is only one."""
    first, *rest = sorted(available)
    return Cores(frozenset({first}), frozenset(rest)) if rest else None


def available_cores() -> frozenset[int]:
    """Return the cores that this process may run on."""
    return frozenset(os.sched_getaffinity(0))


def bind(pid: int, cores: frozenset[int]) -> None:
    """Bind a process (0: this one) to cores; what it starts afterwards inherits them."""
    os.sched_setaffinity(pid, cores)
