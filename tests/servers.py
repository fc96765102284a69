"""The servers of one test run, shared by all its workers, and the databases that each worker makes on them.

The process that the developer started owns the servers. Under pytest-xdist that is the controller, which
starts them before its workers and tells them the ports by environment; without it they start with the first
test that needs them.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import psycopg
import pytest

from loadtests.servers import (
    PostgresServer,
    RedisServer,
    find_chromium,
    find_nginx,
    find_postgres,
    find_redis,
    run_postgres,
    run_redis,
)
from tests.emptying import emptied, shape_of
from tests.schema import create_schema

POSTGRES_PORT = "RENZHENG_TEST_POSTGRES_PORT"
REDIS_PORT = "RENZHENG_TEST_REDIS_PORT"

NOTHING_LEFT_OUT = "RENZHENG_TEST_NOTHING_LEFT_OUT"
"""Set by .ci/run: what is missing there is a failure, not a shorter run."""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 -- not a fixed name in it: the directory is made for this process alone
MEMORY_PREFIX = "renzheng-sqlite-"
LEAST_MEMORY_BYTES = 1 << 30

_numbers = count(1)


@dataclass(frozen=True)
class Stack:
    """What one test runs on: an empty database with the current schema, and Redis where the stack has it.

    `database_url` is an SQLAlchemy URL with an asynchronous driver; without `redis_url` the expiring store is
    memory.
    """

    name: str
    database_url: str
    redis_url: str | None


@dataclass(frozen=True)
class RunningServers:
    """The servers of this run, as one worker sees them."""

    postgres: PostgresServer
    redis: RedisServer


def leave_out(reason: str) -> NoReturn:
    """Skip a test for want of something outside the checkout; where nothing may be left out, fail it."""
    if os.environ.get(NOTHING_LEFT_OUT):
        pytest.fail(f"nothing may be left out, but {reason}", pytrace=False)
    pytest.skip(f"left out: {reason}")


def missing_programs() -> list[str]:
    """The programs that some tests need and this machine lacks, by name."""
    found = {
        "postgresql": find_postgres(),
        "redis": find_redis(),
        "chromium": find_chromium(),
        "nginx": find_nginx(),
        # The parties that others wrote: npm `oidc-provider` and `openid-client`.
        "node": shutil.which("node"),
        "npm": shutil.which("npm"),
    }
    return [name for name, path in found.items() if path is None]


def servers_installed() -> bool:
    """Whether the PostgreSQL + Redis half of the suite can run."""
    return find_postgres() is not None and find_redis() is not None


def start_servers(stack: ExitStack) -> RunningServers:
    """Start both servers, stopped when `stack` closes, and publish their ports to the workers to come."""
    postgres = stack.enter_context(run_postgres())
    redis = stack.enter_context(run_redis())
    os.environ[POSTGRES_PORT] = str(postgres.port)
    os.environ[REDIS_PORT] = str(redis.port)
    stack.callback(os.environ.pop, POSTGRES_PORT, None)
    stack.callback(os.environ.pop, REDIS_PORT, None)
    return RunningServers(postgres, redis)


def published_servers() -> RunningServers:
    """The servers that the controller of this worker started."""
    return RunningServers(
        PostgresServer(int(os.environ[POSTGRES_PORT]), None), RedisServer(int(os.environ[REDIS_PORT]), None)
    )


@contextmanager
def memory_directory() -> Iterator[Path]:
    """A directory in memory where the system offers one, else an ordinary temporary one; it is gone with the block.

    SQLite waits for the disk at every commit, as the product asks it to; on a busy machine that is most of what a test on SQLite takes.
    What earlier runs left because they were killed is removed.
    """
    has_memory = os.access(SHARED_MEMORY, os.W_OK) and shutil.disk_usage(SHARED_MEMORY).free >= LEAST_MEMORY_BYTES
    if has_memory:
        for path in SHARED_MEMORY.glob(f"{MEMORY_PREFIX}*"):
            owner = path.name.removeprefix(MEMORY_PREFIX).partition("-")[0]
            if not Path(f"/proc/{owner}").exists():
                shutil.rmtree(path, ignore_errors=True)
    prefix, parent = f"{MEMORY_PREFIX}{os.getpid()}-", SHARED_MEMORY if has_memory else None
    with TemporaryDirectory(prefix=prefix, dir=parent) as directory:
        yield Path(directory)


class SQLiteDatabases:
    """Fresh SQLite databases, each a copy of one file in which the schema was made once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._template = directory / "template.db"
        create_schema(f"sqlite+aiosqlite:///{self._template}")
        with sqlite3.connect(self._template) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty database with the current schema; its files are removed at the end."""
        path = self._directory / f"test{next(_numbers)}.db"
        shutil.copyfile(self._template, path)
        try:
            yield f"sqlite+aiosqlite:///{path}"
        finally:
            for file in self._directory.glob(f"{path.name}*"):
                file.unlink()


class PostgresDatabases:
    """PostgreSQL databases without rows: one that an earlier test is done with, emptied, else a copy of a template.

    The template is made once per worker. What a test gets shows no trace of earlier ones: `tests/emptying.py`.
    """

    def __init__(self, server: PostgresServer, worker: str) -> None:
        self._server = server
        self._worker = worker
        self._template = f"template_{worker}"
        self._idle: list[tuple[str, psycopg.Connection]] = []
        server.create_database(self._template)
        create_schema(server.url(self._template))
        with self._connection(self._template) as connection:
            self._shape = shape_of(connection)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty database with the current schema; at the end its connections are closed, whoever holds them."""
        name, connection = self._idle.pop() if self._idle else self._copy()
        try:
            yield self._server.url(name)
        finally:
            if emptied(connection, self._shape):
                self._idle.append((name, connection))
            else:
                connection.close()
                self._server.drop_database(name)

    def close(self) -> None:
        """Close the connections over which the databases are emptied."""
        for _, connection in self._idle:
            connection.close()

    def _copy(self) -> tuple[str, psycopg.Connection]:
        name = f"test_{self._worker}_{next(_numbers)}"
        self._server.create_database(name, template=self._template)
        return name, self._connection(name)

    def _connection(self, database: str) -> psycopg.Connection:
        address = self._server.url(database, driver="psycopg").replace("+psycopg", "")
        return psycopg.connect(address, autocommit=True)
