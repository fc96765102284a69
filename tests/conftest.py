"""Fixtures of the whole suite: the two stacks, the servers behind them, the programs of the machine."""

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import redis

from loadtests.servers import PostgresServer, RedisServer, find_chromium, find_nginx
from tests.authorities import trust_nobody
from tests.loopback import close_network
from tests.servers import (
    NOTHING_LEFT_OUT,
    POSTGRES_PORT,
    PostgresDatabases,
    RunningServers,
    SQLiteDatabases,
    Stack,
    leave_out,
    memory_directory,
    missing_programs,
    published_servers,
    servers_installed,
    start_servers,
)


def pytest_configure(config: pytest.Config) -> None:
    """Close the network; start the servers here when this process controls workers that will share them."""
    close_network()
    stack = ExitStack()
    config.add_cleanup(stack.close)
    trust_nobody(stack)
    missing = missing_programs()
    if missing and os.environ.get(NOTHING_LEFT_OUT):
        raise pytest.UsageError(f"not installed: {', '.join(missing)}")
    is_controller = not hasattr(config, "workerinput") and bool(config.getoption("numprocesses", None))
    if is_controller and servers_installed() and not config.option.collectonly:
        start_servers(stack)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking at modules and collected tests over and over; they live to the end."""
    gc.collect()
    gc.freeze()


def pytest_report_header() -> list[str]:
    """Say in one line each what this machine cannot run."""
    return [f"left out: {name} (not installed)" for name in missing_programs()]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The suite runs on asyncio alone, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def worker() -> str:
    """The name of this pytest-xdist worker, `main` when there is one process."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def servers() -> Iterator[RunningServers]:
    """PostgreSQL and Redis, shared with the other workers: a test that stops a server starts its own."""
    if not servers_installed():
        leave_out("PostgreSQL or Redis is not installed")
    with ExitStack() as stack:
        yield published_servers() if POSTGRES_PORT in os.environ else start_servers(stack)


@pytest.fixture(scope="session")
def postgres_server(servers: RunningServers) -> PostgresServer:
    """The shared PostgreSQL server."""
    return servers.postgres


@pytest.fixture(scope="session")
def redis_server(servers: RunningServers) -> RedisServer:
    """The shared Redis server; use `redis_url` for the database of this worker."""
    return servers.redis


@pytest.fixture(scope="session")
def sqlite_databases() -> Iterator[SQLiteDatabases]:
    """Maker of fresh SQLite databases."""
    with memory_directory() as directory:
        yield SQLiteDatabases(directory)


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: PostgresServer, worker: str) -> Iterator[PostgresDatabases]:
    """Maker of fresh PostgreSQL databases."""
    with closing(PostgresDatabases(postgres_server, worker)) as databases:
        yield databases


@pytest.fixture
def sqlite_url(sqlite_databases: SQLiteDatabases) -> Iterator[str]:
    """An empty SQLite database with the current schema, for this test alone."""
    with sqlite_databases.fresh() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """An empty PostgreSQL database with the current schema, for this test alone."""
    with postgres_databases.fresh() as url:
        yield url


@pytest.fixture
def redis_url(redis_server: RedisServer, worker: str) -> str:
    """The Redis database of this worker, emptied before the test."""
    digits = worker.removeprefix("gw")
    url = redis_server.url(int(digits) + 1 if digits.isdecimal() else 0)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(params=["sqlite+memory", "postgres+redis"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each of the two stacks in turn, with a database for this test alone."""
    if request.param == "sqlite+memory":
        return Stack(request.param, request.getfixturevalue("sqlite_url"), None)
    return Stack(request.param, request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url"))


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The Chromium of this machine."""
    return _installed(find_chromium(), "chromium")


@pytest.fixture(scope="session")
def nginx_path() -> Path:
    """The nginx of this machine."""
    return _installed(find_nginx(), "nginx")


def _installed(path: Path | None, name: str) -> Path:
    if path is None:
        leave_out(f"{name} is not installed")
    return path
