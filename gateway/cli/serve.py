"""`renzheng serve`: the product as one or several worker processes."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import warn
from gateway.security.network import UNIX_PEER

KEEP_ALIVE_S = 20
BACKLOG = 2048
GRACEFUL_S = 10
_NOBODY_AT_THE_SOCKET = (
    "未信任 Unix 套接字的代理：所有访客将共用一个地址的限额 · "
    "the proxy at the Unix socket is not trusted: all visitors share the limits of one address, and no client certificate is believed\n"
    '  → RENZHENG_TRUSTED_PROXIES=["unix"]'
)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; otherwise RENZHENG_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; otherwise RENZHENG_PORT.")] = None,
    uds: Annotated[Path | None, typer.Option(help="Listen on this Unix socket instead, as behind nginx.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; more than one needs PostgreSQL and Redis.")
    ] = None,
) -> None:
    """Serve the product with the settings of the environment.

    Examples:

      RENZHENG_ENV_FILE=/etc/renzheng.env renzheng serve

      renzheng serve --workers 4

      renzheng serve --uds /run/renzheng/web.sock

    The database has to be at the current migration level: run `renzheng migrate` first.
    """
    import uvicorn

    from gateway.cli.surroundings import read_settings

    settings = read_settings(host=host, port=port, workers=workers)
    if uds is not None and UNIX_PEER not in settings.trusted_proxies:
        warn(_NOBODY_AT_THE_SOCKET)
    if settings.workers > 1:
        share_metrics()
    uvicorn.run(
        "gateway.app:app_from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        uds=None if uds is None else str(uds),
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        # Who a request comes from is decided by the trusted_proxies setting alone.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_S,
    )


def share_metrics() -> None:
    """Let the workers of this node count into one directory, so that `/metrics` of any of them shows all (prometheus_client's way)."""
    import atexit
    import os
    import shutil
    import tempfile

    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        directory = tempfile.mkdtemp(prefix="renzheng-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
