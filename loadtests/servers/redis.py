"""A private Redis server in memory: no snapshot, no append-only file, so that a restart is a flush."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from loadtests.servers.processes import (
    LOOPBACK,
    LocalProcess,
    ServerFailed,
    private_directory,
    start_on_free_port,
    unprivileged_account,
)
from loadtests.servers.programs import find_redis

DATABASES = 32
MAX_MEMORY = "256mb"


@dataclass(frozen=True)
class RedisServer:
    """A running Redis; `process` stops, kills, freezes and restarts it."""

    port: int
    process: LocalProcess | None

    def url(self, database: int = 0) -> str:
        """The URL of one of the 32 numbered databases."""
        return f"redis://{LOOPBACK}:{self.port}/{database}"


@contextmanager
def run_redis() -> Iterator[RedisServer]:
    """Start an empty Redis on a free port; ServerFailed when it is not installed.

    Memory is bounded and nothing is evicted, as in production: a full Redis refuses writes.
    """
    program = find_redis()
    if program is None:
        raise ServerFailed("Redis is not installed")
    account = unprivileged_account("redis")
    with private_directory("redis", account) as directory:

        def server_on(port: int) -> LocalProcess:
            argv = [str(program), "--port", str(port), "--bind", LOOPBACK, "--dir", str(directory)]
            argv += ["--save", "", "--appendonly", "no", "--daemonize", "no", "--databases", str(DATABASES)]
            argv += ["--maxmemory", MAX_MEMORY, "--maxmemory-policy", "noeviction"]
            return LocalProcess(
                argv,
                directory=directory,
                account=account,
                stop_signal=signal.SIGTERM,
                is_ready=partial(_answers, port),
            )

        process, port = start_on_free_port(server_on)
        try:
            yield RedisServer(port, process)
        finally:
            process.stop()


def _answers(port: int) -> bool:
    """Whether the server on the port says PONG, in the inline form of the Redis protocol."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
