"""The rows of the benchmark, as a table for people and as JSON for programs."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from itertools import groupby

from loadtests.measure import Figure

FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what `bench.json` holds. `ratio_to_floor` is None where a comparison says nothing."""

    operation: str
    stack: str
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_ms_per_request: float
    rss_mb: float
    ratio_to_floor: float | None


def row_of(figure: Figure, *, floor_per_s: float | None) -> Row:
    """Return the row of a figure; without a floor, or without a throughput, it has no ratio."""
    is_rate = floor_per_s is not None and floor_per_s > 0 and figure.requests_per_s > 0
    ratio = round(figure.requests_per_s / floor_per_s, 2) if is_rate and floor_per_s else None
    return Row(
        figure.operation,
        figure.stack,
        figure.requests_per_s,
        figure.p50_ms,
        figure.p99_ms,
        figure.errors,
        figure.cpu_ms_per_request,
        figure.rss_mb,
        ratio,
    )


def mean_of(floors: Sequence[Figure]) -> Figure:
    """Return one figure for the floor from its measurements at the beginning and at the end of a run."""
    return replace(
        floors[0],
        requests_per_s=round(statistics.fmean(one.requests_per_s for one in floors), 1),
        p50_ms=round(statistics.fmean(one.p50_ms for one in floors), 2),
        p99_ms=round(statistics.fmean(one.p99_ms for one in floors), 2),
        errors=sum(one.errors for one in floors),
        cpu_ms_per_request=round(statistics.fmean(one.cpu_ms_per_request for one in floors), 3),
        rss_mb=max(one.rss_mb for one in floors),
        first_error=next((one.first_error for one in floors if one.first_error), ""),
    )


def median_rows(runs: Iterable[Sequence[Row]]) -> list[Row]:
    """Return for each operation and stack the row of the run with the median throughput; errors of all runs are summed."""
    every = [row for run in runs for row in run]
    order = list(dict.fromkeys((row.operation, row.stack) for row in every))
    every.sort(key=lambda row: order.index((row.operation, row.stack)))
    chosen = []
    for _, group in groupby(every, key=lambda row: (row.operation, row.stack)):
        rows = sorted(group, key=lambda row: (row.ratio_to_floor or 0.0, row.requests_per_s, -row.p50_ms))
        chosen.append(replace(rows[len(rows) // 2], errors=sum(row.errors for row in rows)))
    return chosen


def render_table(rows: Sequence[Row]) -> str:
    """Render the rows in columns of even width, names to the left and numbers to the right."""
    heads = [field.name for field in fields(Row)]
    lines = [heads, *(_shown(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def render_json(rows: Sequence[Row]) -> str:
    """Render the rows as the list that `bench.json` holds."""
    return json.dumps([asdict(row) for row in rows], indent=1) + "\n"


def _shown(row: Row) -> list[str]:
    """Return the texts of a line; a dash stands where nothing was driven or measured, which is not the same as nought."""
    was_driven = bool(row.requests_per_s or row.errors)
    return ["-" if value is None or (value == 0 and not was_driven) else str(value) for value in astuple(row)]
