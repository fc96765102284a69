"""Serves an ASGI app on a free port of this machine from a thread of its own, so that clients meet real
HTTP.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

_START_S = 10.0


@contextmanager
def served(make_app: Callable[[str], ASGIApp]) -> Iterator[str]:
    """Yield the base URL of the app; `make_app` is handed that URL. The server is stopped at the end."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(make_app(base_url), log_level="critical", lifespan="off", access_log=False)
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        deadline = time.monotonic() + _START_S
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.01)
        try:
            yield base_url
        finally:
            server.should_exit = True
            thread.join(_START_S)
