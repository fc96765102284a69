"""`python -m loadtests.bench`: measure the hot paths against the floor, print one table, write `bench.json`.

Within one run: floor, cold start, every operation, memory, floor again. The ratio of an operation is to the mean of both floors.
Exit status 0; 1 when an operation gave wrong answers, or with --strict when a budget is missed.
"""

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

from loadtests.budgets import PRODUCT, compare_with_peers, missed_budgets
from loadtests.calls import Call, Conversation, WrongAnswer, expect
from loadtests.choices import Choices, parse_choices
from loadtests.cores import Cores, available_cores, bind, share_out
from loadtests.floor import ROWS, URL_VARIABLE
from loadtests.measure import Figure, Plan, Target, drive, rss_octets
from loadtests.peer import PEER, Peer, PeerMissing, running_peer
from loadtests.peer_scenarios import PEER_SCENARIOS
from loadtests.product import Installation, clean_environment, installed, serving, serving_product
from loadtests.scenarios import Scenario
from loadtests.servers import PostgresServer, free_port, run_postgres, run_redis
from loadtests.table import FLOOR, Row, mean_of, median_rows, render_json, render_table, row_of

FLOOR_STACK = "starlette+sqlalchemy"
INTERRUPTED = 130
DISTURBED = 1.1
_FLOOR_DATABASE = "floor"
_PROFILE_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Servers that stand for the whole run."""

    postgres: PostgresServer
    installation: Installation
    directory: Path
    cores: Cores | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status; whoever interrupts it leaves no server behind."""
    choices = parse_choices(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with laboratory() as lab:
            if choices.profiles:
                for scenario in choices.scenarios:
                    _profile(lab, scenario, choices)
                return 0
            notes: list[str] = []
            runs = [_measure_once(lab, choices, notes) for _ in range(choices.repeat)]
    except KeyboardInterrupt:
        _say("interrupted; nothing was written")
        return INTERRUPTED
    return _conclude(median_rows(runs), notes, choices)


def _conclude(rows: Sequence[Row], notes: Sequence[str], choices: Choices) -> int:
    """Write the rows down, print them with what has to be known of them, and return the exit status."""
    choices.output.write_text(render_json(rows), encoding="utf-8")
    print(render_table(rows))
    missed = missed_budgets(rows)
    said = [*compare_with_peers(rows), *dict.fromkeys(notes), *(f"below budget: {sentence}" for sentence in missed)]
    print("\n".join(["", *said, f"written: {choices.output}"]))
    wrong = [row.operation for row in rows if row.errors]
    return 1 if wrong or (missed and choices.strict) else 0


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
        _say("filling a database of its own")
        installation = stack.enter_context(installed(postgres, redis, directory=directory, cores=cores))
        _say(f"the world stands after {time.monotonic() - begun:.1f} s")
        yield Laboratory(postgres, installation, directory, cores)


def _measure_once(lab: Laboratory, choices: Choices, notes: list[str]) -> list[Row]:
    """Measure everything once and return the rows; what has to be said of them is appended to `notes`."""
    floors = [_measure_floor(lab, choices.plan)]
    starts, rest = [], 0.0
    for _ in range(choices.cold_starts):
        with serving_product(lab.installation) as running:
            starts.append(running.ready_after_s * 1000)
            rest = rss_octets(running.target.pid) / 1e6
    figures = [_still("cold_start", p50_ms=statistics.median(starts), p99_ms=max(starts), rss_mb=rest)]
    _say(f"cold_start: {figures[0].p50_ms} ms")
    figures += _measure_product(lab, choices)
    figures += _measure_peer(lab, choices, notes)
    floors.append(_measure_floor(lab, choices.plan))
    floor = mean_of(floors)
    first, last = (one.requests_per_s for one in floors)
    if max(first, last) > min(first, last) * DISTURBED:
        notes.append(
            f"the machine was busy with something else: the floor was {first}/s at first and {last}/s in the end"
        )
    return [row_of(figure, floor_per_s=floor.requests_per_s) for figure in [floor, *figures]]


def _measure_product(lab: Laboratory, choices: Choices) -> list[Figure]:
    """Measure the operations on one server, and those that leave hashing out on another afterwards."""
    figures = []
    ordinary = [one for one in choices.scenarios if not one.light_hashing]
    light = [one for one in choices.scenarios if one.light_hashing]
    if ordinary:
        with serving_product(lab.installation) as running:
            figures += [_measure(lab, scenario, running.target, choices.plan) for scenario in ordinary]
            figures.append(_still("after_load", rss_mb=rss_octets(running.target.pid) / 1e6))
    if light:
        with serving_product(lab.installation, light_hashing=True) as running:
            figures += [_measure(lab, scenario, running.target, choices.plan) for scenario in light]
    return figures


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
        try:
            operation = await scenario.prepare(lab.installation.world, target)
        except (WrongAnswer, ConnectionError) as failure:
            # The other operations are worth measuring all the same; the exit status tells of this one.
            return replace(_still(scenario.name), errors=1, first_error=f"in its preparation: {failure}")
        wanted = replace(plan, connections=scenario.connections)
        return await drive(scenario.name, operation, target, stack=PRODUCT, plan=wanted)

    figure = uvloop.run(work())
    _report(figure)
    return figure


def _measure_peer(lab: Laboratory, choices: Choices, notes: list[str]) -> list[Figure]:
    """Measure what the peer does too, in the same run; nothing when it cannot run here, which is said."""
    chosen = {scenario.name for scenario in choices.scenarios}
    shared = [name for name in PEER_SCENARIOS if name in chosen]
    if not shared:
        return []

    async def work(peer: Peer) -> list[Figure]:
        figures = []
        for name in shared:
            operation = await PEER_SCENARIOS[name](peer)
            figures.append(await drive(name, operation, peer.target, stack=PEER, plan=choices.plan))
            _report(figures[-1])
        return figures

    try:
        with running_peer(cores=lab.cores, log=lab.directory / "peer.log", say=_say) as peer:
            return uvloop.run(work(peer))
    except PeerMissing as missing:
        notes.append(f"left out: {PEER} ({missing})")
        _say(notes[-1])
        return []


def _profile(lab: Laboratory, scenario: Scenario, choices: Choices) -> None:
    """Measure one operation with the profiler on, and leave its report; the figure itself is not to be believed."""
    output = choices.output.absolute().with_name(f"profile-{scenario.name}.txt")
    output.unlink(missing_ok=True)
    with serving_product(lab.installation, profile=output, light_hashing=scenario.light_hashing) as running:

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
    beside = f" on {figure.stack}" if figure.stack == PEER else ""
    wrong = f"; wrong answers: {figure.errors}, the first: {figure.first_error}" if figure.errors else ""
    _say(
        f"{figure.operation}{beside}: {figure.requests_per_s}/s, p50 {figure.p50_ms} ms, p99 {figure.p99_ms} ms, "
        f"{figure.cpu_ms_per_request} ms of processor time{wrong}"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
