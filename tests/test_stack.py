"""The test stacks themselves: isolation between tests, and the closed network."""

import socket
from pathlib import Path

import pytest
import redis
from sqlalchemy import text

from foundation.database import Database
from tests.loopback import NetworkClosed, is_local
from tests.servers import Stack


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_begins_with_an_empty_database(stack: Stack, turn: str) -> None:
    """A table that one test makes is gone in the next, so the order of tests cannot matter."""
    database = Database(stack.database_url)
    try:
        async with database.transaction() as connection:
            await connection.execute(text("CREATE TABLE leftover (id INTEGER PRIMARY KEY)"))
        async with database.read() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM leftover"))).scalar_one() == 0
    finally:
        await database.close()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_begins_with_an_empty_redis(redis_url: str, turn: str) -> None:
    """A key that one test sets is gone in the next."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("leftover", turn)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        pytest.param("127.0.0.1", True, id="IPv4 loopback"),
        pytest.param("127.8.8.8", True, id="any address of the loopback block"),
        pytest.param("::1", True, id="IPv6 loopback"),
        pytest.param("localhost", True, id="the reserved name"),
        pytest.param(b"localhost", True, id="the reserved name as octets"),
        pytest.param(None, True, id="no host means this machine"),
        pytest.param("10.0.0.1", False, id="a private network is another machine"),
        pytest.param("localhost.example.org", False, id="a name that begins like ours"),
        pytest.param("127.0.0.1.example.org", False, id="a name that looks like an address"),
    ],
)
def test_local_hosts_are_told_from_others(host: object, local: bool) -> None:
    """The guard decides by address, not by how a name looks."""
    assert is_local(host) is local


def test_other_machines_cannot_be_reached() -> None:
    """Neither a connection nor a name resolution leaves the machine (192.0.2.0/24 is RFC 5737's)."""
    with socket.socket() as outgoing, pytest.raises(NetworkClosed):
        outgoing.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkClosed):
        socket.getaddrinfo("upstream.example", 443)


def test_found_programs_can_be_started(chromium_path: Path, nginx_path: Path) -> None:
    """What the finders return are executable files."""
    assert chromium_path.is_file()
    assert nginx_path.is_file()
