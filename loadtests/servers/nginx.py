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
        listen {host}:{port}{tls};
        client_max_body_size 1m;
        location / {{
            proxy_pass http://nodes;
            proxy_http_version 1.1;
            proxy_next_upstream off;
            proxy_set_header Connection "";
            proxy_set_header Host {name};
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header {certificate_header} $ssl_client_escaped_cert;
            proxy_set_header {verdict_header} $ssl_client_verify;
        }}
    }}
}}
"""

# Any certificate passes the handshake, because self-signed ones are judged by the product; the verdict on the chain travels beside it.
TLS = """ ssl;
        ssl_certificate {directory}/server.pem;
        ssl_certificate_key {directory}/server.key;
        ssl_client_certificate {directory}/clients.pem;
        ssl_verify_client optional_no_ca;
        ssl_protocols TLSv1.2 TLSv1.3"""
CERTIFICATE_HEADER = "X-Client-Certificate"
VERDICT_HEADER = "X-Client-Verify"
"""Both are written on every request, so that none of a caller's own comes through; an empty value takes the header away."""


@dataclass(frozen=True)
class MutualTls:
    """TLS with client certificates (RFC 8705): PEM of the server, of its key, and of the authorities of clients.

    `host` is what the nodes are told as Host: they know their issuer's alone.
    """

    certificate: bytes
    key: bytes
    client_authorities: bytes
    host: str


@dataclass(frozen=True)
class NginxServer:
    """A running nginx; `process` stops, kills, freezes and restarts it."""

    port: int
    process: LocalProcess
    scheme: str = "http"

    @property
    def url(self) -> str:
        """The origin under which the nodes are reached."""
        return f"{self.scheme}://{LOOPBACK}:{self.port}"


@contextmanager
def run_nginx(node_ports: Sequence[int], *, tls: MutualTls | None = None) -> Iterator[NginxServer]:
    """Spread requests over the loopback nodes in turn; a request is never sent to a second node.

    `X-Forwarded-For` is replaced, not extended, so that no caller writes its own address. With `tls` it listens for TLS and passes the
    client's certificate on. ServerFailed when nginx is not installed.
    """
    program = find_nginx()
    if program is None:
        raise ServerFailed("nginx is not installed")
    account = unprivileged_account("www-data")
    nodes = "\n".join(f"        server {LOOPBACK}:{port} max_fails=0;" for port in node_ports)
    with private_directory("nginx", account) as directory:
        if tls is not None:
            (directory / "server.pem").write_bytes(tls.certificate)
            (directory / "server.key").write_bytes(tls.key)
            (directory / "clients.pem").write_bytes(tls.client_authorities)

        def server_on(port: int) -> LocalProcess:
            configuration = Path(directory / "nginx.conf")
            configuration.write_text(
                CONFIGURATION.format(
                    directory=directory,
                    nodes=nodes,
                    host=LOOPBACK,
                    port=port,
                    tls="" if tls is None else TLS.format(directory=directory),
                    name="$http_host" if tls is None else tls.host,
                    certificate_header=CERTIFICATE_HEADER,
                    verdict_header=VERDICT_HEADER,
                )
            )
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
            yield NginxServer(port, process, "http" if tls is None else "https")
        finally:
            process.stop()
