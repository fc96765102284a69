"""`python -m loadtests.profiled OUTPUT serve …`: the command line with a profiler that SIGUSR1 starts and SIGUSR2 ends.

The result is written to OUTPUT at SIGUSR2. Nothing of it is in the product.
"""

import signal
import sys
from pathlib import Path
from types import FrameType

from gateway.cli.main import app
from loadtests.sampling import Samples

ROWS = 60


def main() -> None:
    """Install the two signals and hand over to the command line."""
    output, arguments = Path(sys.argv[1]), sys.argv[2:]
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
    app(args=arguments, prog_name="renzheng")


if __name__ == "__main__":
    main()
