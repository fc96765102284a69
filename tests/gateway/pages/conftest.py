"""One running town for all tests of pages, on each of the two stacks."""

from collections.abc import Iterator

import pytest
import redis

from gateway.stories.browser import Browser
from loadtests.servers import RedisServer
from tests.gateway.town import Town, running_town
from tests.servers import PostgresDatabases, SQLiteDatabases, Stack


@pytest.fixture(scope="session", params=["sqlite+memory", "postgres+redis"])
def town(request: pytest.FixtureRequest, worker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The product with its simulators; tests share it and therefore bring people of their own."""
    folder = tmp_path_factory.mktemp("town")
    if request.param == "sqlite+memory":
        databases: SQLiteDatabases = request.getfixturevalue("sqlite_databases")
        with databases.fresh() as url, running_town(Stack(request.param, url, None), folder) as running:
            yield running
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    # The databases 0 to 8 are emptied by other tests of this worker; this one lives as long as the session.
    digits = worker.removeprefix("gw")
    redis_url = server.url(12 + int(digits) % 4 if digits.isdecimal() else 11)
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    made: PostgresDatabases = request.getfixturevalue("postgres_databases")
    with made.fresh() as url, running_town(Stack(request.param, url, redis_url), folder) as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A browser that has never been here."""
    fresh = Browser()
    yield fresh
    fresh.close()


@pytest.fixture
def other_browser() -> Iterator[Browser]:
    """Somebody else's browser."""
    fresh = Browser()
    yield fresh
    fresh.close()
