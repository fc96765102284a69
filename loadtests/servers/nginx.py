"""nginx in front of several nodes of the product, as one address for a browser or a load generator."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loadtests.servers.processes import (
    LOOPBACK,
    LocalProcess,
    ServerFailed,
    accepts_connections,
    private_directory,
    start_on_free_port,
    unprivileged_account,
)
from loadtests.servers.programs import find_nginx

CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream nodes {{
{nodes}
        keepalive 64;
    }}
    server {{
        listen {host}:{port};
        client_max_body_size 1m;
        location / {{
            proxy_pass http://nodes;
            proxy_http_version 1.1;
            proxy_next_upstream off;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class NginxServer:
    """A running nginx; `process` stops, kills, freezes and restarts it."""

    port: int
    process: LocalProcess

    @property
    def url(self) -> str:
        """The origin under which the nodes are reached."""
        return f"http://{LOOPBACK}:{self.port}"


@contextmanager
def run_nginx(node_ports: Sequence[int]) -> Iterator[NginxServer]:
    """Spread requests over the loopback nodes in turn; a request is never sent to a second node.

    `X-Forwarded-For` is replaced, not extended, so that no caller writes its own address. ServerFailed when
    nginx is not installed.
    """
    program = find_nginx()
    if program is None:
        raise ServerFailed("nginx is not installed")
    account = unprivileged_account("www-data")
    nodes = "\n".join(f"        server {LOOPBACK}:{port} max_fails=0;" for port in node_ports)
    with private_directory("nginx", account) as directory:

        def server_on(port: int) -> LocalProcess:
            configuration = Path(directory / "nginx.conf")
            configuration.write_text(CONFIGURATION.format(directory=directory, nodes=nodes, host=LOOPBACK, port=port))
            return LocalProcess(
                [
                    str(program),
                    "-p",
                    str(directory),
                    "-e",
                    f"{directory}/error.log",
                    "-c",
                    str(configuration),
                ],
                directory=directory,
                account=account,
                stop_signal=signal.SIGTERM,
                is_ready=partial(accepts_connections, port),
            )

        process, port = start_on_free_port(server_on)
        try:
            yield NginxServer(port, process)
        finally:
            process.stop()
