"""How rounds become figures, and that driving a server counts right and wrong answers apart. Nothing here is timed."""

import asyncio
import os

import pytest

from loadtests.calls import Call, Conversation, expect
from loadtests.measure import Plan, Round, Target, cpu_seconds, drive, figure_of, percentile, rss_octets


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        pytest.param([], 50, 0.0, id="nothing has the percentile zero"),
        pytest.param([7.0], 99, 7.0, id="a single value is every percentile"),
        pytest.param(
            [1.0, 2.0, 3.0, 4.0], 50, 2.0, id="the nearest rank below the middle, as no value is interpolated"
        ),
        pytest.param([1.0, 2.0, 3.0, 4.0, 5.0], 50, 3.0, id="the middle of an odd count"),
        pytest.param([float(n) for n in range(1, 101)], 99, 99.0, id="the 99th of a hundred"),
        pytest.param([float(n) for n in range(1, 102)], 99, 100.0, id="rounded up when the rank is not whole"),
        pytest.param([1.0, 2.0], 100, 2.0, id="the hundredth is the largest"),
    ],
)
def test_percentile_is_the_nearest_rank(values: list[float], percent: float, expected: float) -> None:
    """Interpolated percentiles show latencies that no request had."""
    assert percentile(values, percent) == expected


def test_figure_takes_throughput_and_cost_of_the_median_round() -> None:
    """One disturbed round must not decide, neither downwards nor upwards; its errors still count."""
    slow = Round([0.5] * 10, errors=2, first_error="late", elapsed_s=1.0, cpu_s=0.9)
    usual = Round([0.1] * 100, elapsed_s=1.0, cpu_s=0.2)
    quick = Round([0.01] * 900, elapsed_s=1.0, cpu_s=0.9)
    figure = figure_of("introspection", [quick, slow, usual], stack="renzheng", rss=123_456_789)
    assert figure.requests_per_s == 100.0
    assert figure.cpu_ms_per_request == 2.0
    assert figure.rss_mb == 123.5
    assert (figure.errors, figure.first_error) == (2, "late")
    assert (figure.p50_ms, figure.p99_ms) == (10.0, 100.0)


def test_figure_of_rounds_without_a_right_answer_is_zero() -> None:
    """A server that answers nothing right has no throughput and no latency, but errors."""
    figure = figure_of("lookup_masked", [Round(errors=3, elapsed_s=1.0)], stack="renzheng", rss=0)
    assert (figure.requests_per_s, figure.p50_ms, figure.p99_ms, figure.errors) == (0.0, 0.0, 0.0, 3)


def test_own_process_has_used_time_and_memory() -> None:
    """The two readings come from the kernel's files, whose columns are easily miscounted."""
    assert 0 < cpu_seconds(os.getpid()) <= sum(os.times()[:2]) + 0.1
    assert 5_000_000 < rss_octets(os.getpid()) < 5_000_000_000


async def test_driving_counts_right_and_wrong_answers_and_reconnects() -> None:
    """Every third answer is a refusal and closes its connection: it is an error, and the run goes on."""
    served = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                served += 1
                if served % 3 == 0:
                    writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy")
                    break
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    def ask(_slot: int, number: int) -> Conversation:
        reply = yield Call("GET", f"/{number}")
        expect(reply, 200, "answer")

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        target = Target(server.sockets[0].getsockname()[1], os.getpid())
        plan = Plan(connections=2, warm_up_s=0.05, round_s=0.2, rounds=2)
        figure = await drive("answer", ask, target, stack="test", plan=plan)
    assert figure.requests_per_s > 0
    assert figure.errors > 0
    assert "503 instead of 200: busy" in figure.first_error or "closed by the server" in figure.first_error
