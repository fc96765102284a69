"""`python -m loadtests.launch [--profile OUTPUT] [--light-hashing] serve …`: the command line, prepared for a measurement.

With --profile, SIGUSR1 starts a sampling profiler and SIGUSR2 ends it and writes OUTPUT. With --light-hashing, passwords cost next to
nothing to hash. Nothing of either is in the product.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from gateway.cli.main import app
from loadtests.light_hashing import hash_lightly
from loadtests.sampling import Samples

ROWS = 60


def main(arguments: Sequence[str]) -> None:
    """Prepare as asked and hand over to the command line."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.launch")
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--light-hashing", action="store_true")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    if given.light_hashing:
        hash_lightly()
    if given.profile:
        sample_on_signal(given.profile)
    app(args=given.rest, prog_name="renzheng")


def sample_on_signal(output: Path) -> None:
    """Install the two signals."""
    samples = Samples()

    def start(_number: int, _frame: FrameType | None) -> None:
        samples.start()

    def stop(_number: int, _frame: FrameType | None) -> None:
        samples.stop()
        # Renamed in one step, so that whoever waits for the file finds it whole.
        draft = output.with_suffix(".draft")
        draft.write_text(samples.render(rows=ROWS), encoding="utf-8")
        draft.rename(output)

    signal.signal(signal.SIGUSR1, start)
    signal.signal(signal.SIGUSR2, stop)


if __name__ == "__main__":
    main(sys.argv[1:])
