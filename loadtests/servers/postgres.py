"""A private PostgreSQL server in a temporary directory.

Loopback connections are trusted, as the server holds synthetic data for the length of one run. By default
nothing is flushed to disk (`fsync` off), which is right for tests of behaviour; `durable=True` keeps
PostgreSQL's own defaults, for benchmarks and for tests that kill it.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from loadtests.servers.processes import (
    LOOPBACK,
    LocalProcess,
    ServerFailed,
    private_directory,
    run_to_end,
    start_on_free_port,
    unprivileged_account,
)
from loadtests.servers.programs import find_postgres

SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "jit": "off",
}
VOLATILE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class PostgresServer:
    """A running PostgreSQL; `process` stops, kills, freezes and restarts it."""

    port: int
    process: LocalProcess | None

    def url(self, database: str, *, driver: str = "asyncpg") -> str:
        """The SQLAlchemy URL of a database on this server; `driver` is `asyncpg` or `psycopg`."""
        return f"postgresql+{driver}://{SUPERUSER}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """Create a database as a copy of `template`, to which nobody may be connected."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        self._administer(statement)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, closing the connections that are still open to it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host=LOOPBACK, port=self.port, user=SUPERUSER, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


@contextmanager
def run_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Start PostgreSQL on a free port with an empty cluster; ServerFailed when it is not installed."""
    programs = find_postgres()
    if programs is None:
        raise ServerFailed("PostgreSQL is not installed")
    account = unprivileged_account("postgres")
    with private_directory("postgres", account) as directory:
        cluster = directory / "cluster"
        initdb = [str(programs / "initdb"), "--pgdata", str(cluster), "--username", SUPERUSER]
        initdb += ["--auth", "trust", "--no-sync", "--encoding", "UTF8", "--no-locale"]
        run_to_end(initdb, directory=directory, account=account)
        settings = SETTINGS | {"unix_socket_directories": str(directory)}
        settings |= {} if durable else VOLATILE_SETTINGS
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

        def server_on(port: int) -> LocalProcess:
            return LocalProcess(
                [str(programs / "postgres"), "-D", str(cluster), "-p", str(port), *options],
                directory=directory,
                account=account,
                stop_signal=signal.SIGINT,
                is_ready=partial(_answers, port),
            )

        process, port = start_on_free_port(server_on)
        try:
            yield PostgresServer(port, process)
        finally:
            process.stop()


def _answers(port: int) -> bool:
    try:
        psycopg.connect(host=LOOPBACK, port=port, user=SUPERUSER, dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
