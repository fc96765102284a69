"""`python -m loadtests.bench`: measure the hot paths against the floor, print one table, write `bench.json`.

Within one run: floor, cold start, every operation, memory, floor again. The ratio of an operation is to the mean of both floors.
Exit status 0; 1 when an operation gave wrong answers, or with --strict when a budget is missed.
"""

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from loadtests.budgets import PRODUCT, missed_budgets
from loadtests.calls import Call, Conversation, expect
from loadtests.cores import Cores, available_cores, bind, share_out
from loadtests.floor import ROWS, URL_VARIABLE
from loadtests.measure import Figure, Plan, Target, drive, rss_octets
from loadtests.peer import PEER, Peer, PeerMissing, running_peer
from loadtests.product import Installation, clean_environment, installed, serving, serving_product
from loadtests.scenarios import SCENARIOS, TOKENS, Scenario, find_scenarios, hold_all
from loadtests.servers import PostgresServer, free_port, run_postgres, run_redis
from loadtests.table import FLOOR, Row, mean_of, median_rows, render_json, render_table, row_of

FLOOR_STACK = "starlette+sqlalchemy"
COLD_STARTS = 3
DISTURBED = 1.1
_FLOOR_DATABASE = "floor"
_PROFILE_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line asked for."""

    scenarios: Sequence[Scenario]
    plan: Plan
    cold_starts: int
    repeat: int
    strict: bool
    output: Path
    profiles: bool


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Servers that stand for the whole run."""

    postgres: PostgresServer
    installation: Installation
    directory: Path
    cores: Cores | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status."""
    choices = parse_choices(arguments)
    with laboratory() as lab:
        if choices.profiles:
            for scenario in choices.scenarios:
                _profile(lab, scenario, choices)
            return 0
        runs = [_measure_once(lab, choices) for _ in range(choices.repeat)]
    rows = median_rows(runs)
    choices.output.write_text(render_json(rows), encoding="utf-8")
    print(render_table(rows))
    missed = missed_budgets(rows)
    for sentence in missed:
        print(f"below budget: {sentence}")
    wrong = [row.operation for row in rows if row.errors]
    return 1 if wrong or (missed and choices.strict) else 0


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


@contextmanager
def laboratory() -> Iterator[Laboratory]:
    """Share out the cores, start PostgreSQL as durable as in production, Redis and the simulators, and fill the database."""
    cores = share_out(available_cores())
    if cores is not None:
        bind(0, cores.others)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="renzheng-bench-")))
        postgres = stack.enter_context(run_postgres(durable=True))
        redis = stack.enter_context(run_redis())
        postgres.create_database(_FLOOR_DATABASE)
        begun = time.monotonic()
        installation = stack.enter_context(installed(postgres, redis, directory=directory, cores=cores))
        _say(f"the world stands after {time.monotonic() - begun:.1f} s")
        yield Laboratory(postgres, installation, directory, cores)


def _measure_once(lab: Laboratory, choices: Choices) -> list[Row]:
    floors = [_measure_floor(lab, choices.plan)]
    starts, rest = [], 0.0
    for _ in range(choices.cold_starts):
        with serving_product(lab.installation) as running:
            starts.append(running.ready_after_s * 1000)
            rest = rss_octets(running.target.pid) / 1e6
    figures = [_still("cold_start", p50_ms=statistics.median(starts), p99_ms=max(starts), rss_mb=rest)]
    with serving_product(lab.installation) as running:
        figures += [_measure(lab, scenario, running.target, choices.plan) for scenario in choices.scenarios]
        figures.append(_still("after_load", rss_mb=rss_octets(running.target.pid) / 1e6))
    figures += _measure_peer(lab, choices)
    floors.append(_measure_floor(lab, choices.plan))
    floor = mean_of(floors)
    rates = [one.requests_per_s for one in floors]
    if max(rates) > min(rates) * DISTURBED:
        _say(
            f"the machine was busy with something else: the floor was {rates[0]}/s at first and {rates[1]}/s in the end"
        )
    return [row_of(figure, floor_per_s=floor.requests_per_s) for figure in [floor, *figures]]


def _measure_floor(lab: Laboratory, plan: Plan) -> Figure:
    port = free_port()
    environment = clean_environment() | {URL_VARIABLE: lab.postgres.url(_FLOOR_DATABASE)}
    arguments = [
        *("loadtests.floor:create_app", "--factory", "--host", "127.0.0.1", "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
    ]
    address = f"http://127.0.0.1:{port}/people/0"
    log = lab.directory / "floor.log"
    with serving(arguments, address, environment, log=log, cores=lab.cores, program=("uvicorn",)) as running:
        figure = uvloop.run(
            drive(FLOOR, lambda _slot, number: _find_person(number), running.target, stack=FLOOR_STACK, plan=plan)
        )
    _report(figure)
    return figure


def _find_person(number: int) -> Conversation:
    reply = yield Call("GET", f"/people/{number % ROWS}")
    expect(reply, 200, "floor")


def _measure(lab: Laboratory, scenario: Scenario, target: Target, plan: Plan) -> Figure:
    async def work() -> Figure:
        operation = await scenario.prepare(lab.installation.world, target)
        wanted = replace(plan, connections=scenario.connections)
        return await drive(scenario.name, operation, target, stack=PRODUCT, plan=wanted)

    figure = uvloop.run(work())
    _report(figure)
    return figure


def _measure_peer(lab: Laboratory, choices: Choices) -> list[Figure]:
    """Measure what the peer does too, in the same run; nothing when it cannot run here, which is said."""
    wanted = {scenario.name for scenario in choices.scenarios}
    if not wanted & {"client_credentials", "introspection"}:
        return []

    async def work(peer: Peer) -> list[Figure]:
        figures: list[Figure] = []
        tokens: list[str] = []
        if "client_credentials" in wanted:
            plan = choices.plan
            figures.append(
                await drive(
                    "client_credentials", lambda _s, _n: peer.ask_for_token(), peer.target, stack=PEER, plan=plan
                )
            )
        if "introspection" in wanted:
            await hold_all((peer.ask_for_token("opaque", tokens) for _ in range(TOKENS)), peer.target)
            begin = lambda _slot, number: peer.introspect(tokens[number % TOKENS])  # noqa: E731 - an operation, as in scenarios.py
            figures.append(await drive("introspection", begin, peer.target, stack=PEER, plan=choices.plan))
        return figures

    try:
        with running_peer(cores=lab.cores, log=lab.directory / "peer.log") as peer:
            figures = uvloop.run(work(peer))
    except PeerMissing as missing:
        _say(f"left out: oidc-provider ({missing})")
        return []
    for figure in figures:
        _report(figure)
    return figures


def _profile(lab: Laboratory, scenario: Scenario, choices: Choices) -> None:
    """Measure one operation with the profiler on, and leave its report; the figure itself is not to be believed."""
    output = choices.output.absolute().with_name(f"profile-{scenario.name}.txt")
    output.unlink(missing_ok=True)
    with serving_product(lab.installation, profile=output) as running:

        async def work() -> Figure:
            operation = await scenario.prepare(lab.installation.world, running.target)
            warm = Plan(scenario.connections, warm_up_s=choices.plan.warm_up_s, round_s=0.5, rounds=1)
            await drive(scenario.name, operation, running.target, stack=PRODUCT, plan=warm)
            os.kill(running.process.pid, signal.SIGUSR1)
            plan = replace(choices.plan, connections=scenario.connections, warm_up_s=0.1)
            figure = await drive(scenario.name, operation, running.target, stack=PRODUCT, plan=plan)
            os.kill(running.process.pid, signal.SIGUSR2)
            return figure

        _report(uvloop.run(work()))
        deadline = time.monotonic() + _PROFILE_WAIT_S
        while not output.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    _say(f"written: {output}")


def _still(operation: str, *, p50_ms: float = 0.0, p99_ms: float = 0.0, rss_mb: float = 0.0) -> Figure:
    """Return a figure of something that is not driven."""
    return Figure(operation, PRODUCT, 0.0, round(p50_ms, 1), round(p99_ms, 1), 0, 0.0, round(rss_mb, 1))


def _report(figure: Figure) -> None:
    wrong = f", {figure.errors} wrong answers, first: {figure.first_error}" if figure.errors else ""
    _say(
        f"{figure.operation}: {figure.requests_per_s}/s, p50 {figure.p50_ms} ms, p99 {figure.p99_ms} ms, "
        f"{figure.cpu_ms_per_request} ms of processor time{wrong}"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
