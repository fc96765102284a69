"""`python -m loadtests.soak`: keep the product under a mixed load for a long time, and judge it by stated budgets.

The same installation as in the benchmark, driven by the users of `locustfile.py`. Exit status 0 when every budget held.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from loadtests.cores import available_cores, bind, share_out
from loadtests.measure import rss_octets
from loadtests.product import clean_environment, installed, serving_product
from loadtests.servers import run_postgres, run_redis
from loadtests.world import write_world

WORLD_VARIABLE = "SOAK_WORLD"
LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak test and return locust's exit status; memory before and after goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.soak", description="Hold the product under load.")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default 10)")
    parser.add_argument("--users", type=int, default=32, help="users at the same time (default 32)")
    parser.add_argument("--only", nargs="*", default=[], metavar="USER", help="classes of locustfile.py (default all)")
    parser.add_argument("--csv", type=Path, help="prefix of locust's CSV files")
    given = parser.parse_args(arguments)
    cores = share_out(available_cores())
    if cores is not None:
        bind(0, cores.others)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="renzheng-soak-")))
        postgres = stack.enter_context(run_postgres(durable=True))
        redis = stack.enter_context(run_redis())
        installation = stack.enter_context(installed(postgres, redis, directory=directory, cores=cores))
        running = stack.enter_context(serving_product(installation))
        world_file = directory / "world.json"
        write_world(world_file, installation.world)
        before = rss_octets(running.target.pid)
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
        command += ["--host", installation.world.issuer, "--users", str(given.users), "--spawn-rate", str(given.users)]
        command += ["--run-time", f"{max(int(given.minutes * 60), 1)}s", "--stop-timeout", "10", *given.only]
        command += ["--csv", str(given.csv)] if given.csv else []
        done = subprocess.run(command, env=clean_environment() | {WORLD_VARIABLE: str(world_file)}, check=False)
        after = rss_octets(running.target.pid)
        print(f"memory of the worker: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after", file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
