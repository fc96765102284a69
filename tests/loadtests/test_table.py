"""The benchmark's rows: ratios, medians over runs, budgets, and the two ways of writing them down."""

import json
from dataclasses import replace

import pytest

from loadtests.budgets import BUDGETS, compare_with_peers, missed_budgets
from loadtests.choices import parse_choices
from loadtests.cores import share_out
from loadtests.measure import Figure
from loadtests.scenarios import SCENARIOS
from loadtests.table import Row, mean_of, median_rows, render_json, render_table, row_of

FLOOR = Figure("floor", "starlette+sqlalchemy", 1_000.0, 10.0, 20.0, 0, 0.9, 70.0)
TOKENS = Figure("client_credentials", "renzheng", 1_500.0, 8.0, 16.0, 0, 0.6, 120.0)


def test_ratio_is_to_the_floor() -> None:
    """The one number that can be compared between machines."""
    assert row_of(TOKENS, floor_per_s=1_000.0).ratio_to_floor == 1.5


@pytest.mark.parametrize("floor", [None, 0.0], ids=["no floor was measured", "the floor answered nothing"])
def test_without_a_floor_there_is_no_ratio(floor: float | None) -> None:
    """A ratio to nothing would be a number that means nothing."""
    assert row_of(TOKENS, floor_per_s=floor).ratio_to_floor is None


def test_what_is_not_driven_has_no_ratio() -> None:
    """Start-up time and memory are rows as well, but no throughputs."""
    assert (
        row_of(replace(TOKENS, operation="cold_start", requests_per_s=0.0), floor_per_s=1_000.0).ratio_to_floor is None
    )


def test_both_floors_of_a_run_are_averaged() -> None:
    """A machine that grows slower during a run shifts every operation; the mean of both ends takes half of that out."""
    floor = mean_of([FLOOR, replace(FLOOR, requests_per_s=800.0, errors=1, rss_mb=72.0)])
    assert (floor.requests_per_s, floor.errors, floor.rss_mb) == (900.0, 1, 72.0)


def test_median_over_runs_keeps_order_and_sums_errors() -> None:
    """The row shown is a whole row of one run, never a mixture; an error of any run is not lost."""
    runs = [
        [
            row_of(FLOOR, floor_per_s=1_000.0),
            row_of(replace(TOKENS, requests_per_s=rate, errors=errors), floor_per_s=1_000.0),
        ]
        for rate, errors in ((1_400.0, 0), (900.0, 4), (2_000.0, 0))
    ]
    rows = median_rows(runs)
    assert [row.operation for row in rows] == ["floor", "client_credentials"]
    assert (rows[1].requests_per_s, rows[1].ratio_to_floor, rows[1].errors) == (1_400.0, 1.4, 4)


def test_table_shows_every_column_and_aligns_numbers() -> None:
    """What is printed holds the same columns as the file."""
    text = render_table([row_of(FLOOR, floor_per_s=1_000.0), row_of(TOKENS, floor_per_s=None)])
    head, floor, tokens = text.splitlines()
    assert head.split() == [
        "operation", "stack", "requests_per_s", "p50_ms", "p99_ms", "errors", "cpu_ms_per_request", "rss_mb", "ratio_to_floor",
    ]  # fmt: skip
    assert floor.split() == ["floor", "starlette+sqlalchemy", "1000.0", "10.0", "20.0", "0", "0.9", "70.0", "1.0"]
    assert tokens.split()[-1] == "-"
    assert head.index("requests_per_s") + len("requests_per_s") == floor.index("1000.0") + len("1000.0")


def test_table_shows_a_dash_for_what_was_not_measured() -> None:
    """Nought requests a second is what a server that answers nothing right gets; a start has no rate at all."""
    start = replace(TOKENS, operation="cold_start", requests_per_s=0.0, p99_ms=0.0, cpu_ms_per_request=0.0)
    broken = replace(TOKENS, operation="introspection", requests_per_s=0.0, errors=7)
    _, first, second = render_table([row_of(one, floor_per_s=1_000.0) for one in (start, broken)]).splitlines()
    assert first.split() == ["cold_start", "renzheng", "-", "8.0", "-", "-", "-", "120.0", "-"]
    assert second.split()[2:6] == ["0.0", "8.0", "16.0", "7"]


def test_json_is_a_list_of_rows() -> None:
    """Programs read `bench.json`; the names of its members are an interface."""
    (row,) = json.loads(render_json([row_of(TOKENS, floor_per_s=1_000.0)]))
    assert row == {
        "operation": "client_credentials",
        "stack": "renzheng",
        "requests_per_s": 1500.0,
        "p50_ms": 8.0,
        "p99_ms": 16.0,
        "errors": 0,
        "cpu_ms_per_request": 0.6,
        "rss_mb": 120.0,
        "ratio_to_floor": 1.5,
    }


def _row(
    operation: str,
    *,
    ratio_to_floor: float = 1.0,
    p50_ms: float = 10.0,
    p99_ms: float = 20.0,
    rss_mb: float = 120.0,
    stack: str = "renzheng",
) -> Row:
    return Row(operation, stack, 1_000.0, p50_ms, p99_ms, 0, 0.5, rss_mb, ratio_to_floor)


@pytest.mark.parametrize(
    ("row", "missed"),
    [
        pytest.param(_row("client_credentials", ratio_to_floor=1.3), [], id="a bound that is just reached holds"),
        pytest.param(
            _row("client_credentials", ratio_to_floor=1.29),
            ["client_credentials: 1.29 of the floor, budget 1.3"],
            id="a ratio below its bound",
        ),
        pytest.param(
            _row("lookup_masked", ratio_to_floor=0.5, p99_ms=61.0),
            ["lookup_masked: 0.5 of the floor, budget 0.8", "lookup_masked: p99_ms 61.0, budget 60.0"],
            id="two bounds of one operation",
        ),
        pytest.param(
            _row("cold_start", p50_ms=2_100.0), ["cold_start: p50_ms 2100.0, budget 2000.0"], id="a slow start"
        ),
        pytest.param(
            _row("after_load", rss_mb=181.0), ["after_load: rss_mb 181.0, budget 180.0"], id="too much memory"
        ),
        pytest.param(_row("password_login", ratio_to_floor=0.01), [], id="an operation without a budget"),
        pytest.param(_row("introspection", ratio_to_floor=0.1, stack="another"), [], id="a row of another stack"),
    ],
)
def test_budgets_name_what_is_missed(row: Row, missed: list[str]) -> None:
    """Each bound is judged by itself, so that the sentence says what to work on."""
    assert missed_budgets([row]) == missed


def test_product_is_set_beside_the_peer_of_its_run() -> None:
    """The figure that says whether a recorded token is as quick as a forgotten one; the other server is judged by nothing."""
    peer = "oidc-provider (memory)"
    rows = [
        _row("floor", stack="starlette+sqlalchemy"),
        _row("sign_in_round", ratio_to_floor=0.1),
        _row("sso_round"),
        replace(_row("sign_in_round", stack=peer), requests_per_s=1_250.0),
    ]
    assert compare_with_peers(rows) == ["sign_in_round: 0.80 of oidc-provider (memory)"]
    assert missed_budgets(rows) == ["sign_in_round: 0.80 of the peer, budget 1.0"]
    assert missed_budgets(rows[:3]) == []


def test_every_budget_belongs_to_a_row_that_is_measured() -> None:
    """A budget for a misspelt operation would hold for ever."""
    assert set(BUDGETS) <= {scenario.name for scenario in SCENARIOS} | {"cold_start", "after_load"}


@pytest.mark.parametrize(
    ("available", "server", "others"),
    [({0, 1}, {0}, {1}), ({2, 3, 5}, {2}, {3, 5})],
    ids=["two cores", "the first of those that are allowed"],
)
def test_server_has_a_core_for_itself(available: set[int], server: set[int], others: set[int]) -> None:
    """Where the generator shares the server's core, it is the generator that is measured."""
    cores = share_out(frozenset(available))
    assert cores is not None
    assert (set(cores.server), set(cores.others)) == (server, others)


def test_single_core_is_not_shared_out() -> None:
    """Nothing can be kept apart there."""
    assert share_out(frozenset({0})) is None


def test_command_line_chooses_scenarios_in_their_own_order() -> None:
    """Order decides what warms what up, so it is not left to the caller."""
    choices = parse_choices(["--only", "lookup_masked", "client_credentials", "--quick"])
    assert [scenario.name for scenario in choices.scenarios] == ["client_credentials", "lookup_masked"]
    assert choices.plan.rounds == 1
