"""Private PostgreSQL, Redis and nginx servers for tests and benchmarks.

Each starter is a context manager that may also be used outside pytest. The servers listen on free loopback
ports, keep their files in a temporary directory, run as an unprivileged account when the caller is root, and
end with the caller even when it is killed.
"""

from loadtests.servers.nginx import CERTIFICATE_HEADER, VERDICT_HEADER, MutualTls, NginxServer, run_nginx
from loadtests.servers.postgres import PostgresServer, run_postgres
from loadtests.servers.processes import LocalProcess, ServerFailed, free_port
from loadtests.servers.programs import find_chromium, find_nginx, find_postgres, find_redis
from loadtests.servers.redis import RedisServer, run_redis

__all__ = [
    "CERTIFICATE_HEADER",
    "VERDICT_HEADER",
    "LocalProcess",
    "MutualTls",
    "NginxServer",
    "PostgresServer",
    "RedisServer",
    "ServerFailed",
    "find_chromium",
    "find_nginx",
    "find_postgres",
    "find_redis",
    "free_port",
    "run_nginx",
    "run_postgres",
    "run_redis",
]
