"""The sampling profiler sees where processor time goes."""

import signal
import time

from loadtests.sampling import Samples


def spin(until: float) -> int:
    """Use processor time."""
    turns = 0
    while time.process_time() < until:
        turns += 1
    return turns


def test_function_that_uses_the_time_leads_the_report() -> None:
    """Half a second of work is far above the resolution of the timer, whatever else the machine does."""
    samples = Samples()
    before = signal.getsignal(signal.SIGPROF)
    samples.start()
    try:
        spin(time.process_time() + 0.5)
    finally:
        samples.stop()
        signal.signal(signal.SIGPROF, before)
    assert samples.taken > 20
    assert samples.on_top.most_common(1)[0][0].endswith("test_sampling.py:spin")
    assert samples.anywhere[samples.on_top.most_common(1)[0][0]] <= samples.taken
    report = samples.render(rows=3)
    assert "own time, by function" in report
    assert "test_sampling.py:spin" in report
