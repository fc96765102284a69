"""What the command line of the benchmark asks for."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.measure import Plan
from loadtests.scenarios import SCENARIOS, Scenario, find_scenarios

COLD_STARTS = 3


@dataclass(frozen=True, slots=True)
class Choices:
    """The operations, how long and how often they are driven, and what becomes of the figures."""

    scenarios: Sequence[Scenario]
    plan: Plan
    cold_starts: int
    repeat: int
    strict: bool
    output: Path
    profiles: bool


def parse_choices(arguments: Sequence[str] | None) -> Choices:
    """Read the command line; argparse ends the process when it is wrong."""
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description="Measure the hot paths.")
    parser.add_argument("--only", nargs="+", choices=names, default=[], metavar="OPERATION", help=", ".join(names))
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one round (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of an operation; the median counts (default 3)")
    parser.add_argument("--repeat", type=int, default=1, help="repeat the whole run and take medians (default 1)")
    parser.add_argument("--quick", action="store_true", help="one short round and one cold start: does it work at all?")
    parser.add_argument("--strict", action="store_true", help="a missed budget makes the exit status 1")
    parser.add_argument(
        "--profile",
        nargs="+",
        choices=names,
        default=[],
        metavar="OPERATION",
        help="sample operations instead of measuring; writes profile-OPERATION.txt beside the output",
    )
    parser.add_argument("--output", type=Path, default=Path("bench.json"), help="where to write (default bench.json)")
    given = parser.parse_args(arguments)
    plan = (
        Plan(warm_up_s=0.5, round_s=1.0, rounds=1) if given.quick else Plan(round_s=given.seconds, rounds=given.rounds)
    )
    return Choices(
        scenarios=find_scenarios(given.profile or given.only),
        plan=plan,
        cold_starts=1 if given.quick else COLD_STARTS,
        repeat=max(given.repeat, 1),
        strict=given.strict,
        output=given.output,
        profiles=bool(given.profile),
    )
