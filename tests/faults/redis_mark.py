"""Emptying Redis as an accident would, and giving it back afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

from loadtests.servers import RedisServer

MARK = "rz:epoch"


@contextmanager
def empty_redis(server: RedisServer) -> Iterator[Callable[[], None]]:
    """Yield a function that flushes everything; at the end the mark of the content is put back.

    Without its mark the nodes hold every limit closed for a minute, which is right for them and too long for the tests that follow.
    A mark that returns is what a failover back to the old content looks like.
    """
    with redis.Redis.from_url(server.url()) as client:
        mark = client.get(MARK)
        assert isinstance(mark, bytes), "the nodes have not marked the content of Redis"

        def flush() -> None:
            client.flushall()

        try:
            yield flush
        finally:
            client.set(MARK, mark)
