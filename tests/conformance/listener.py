"""The web server of the relying party: keeps what it is told and gives out what tests put there."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ARRIVES_WITHIN_S = 10.0


@dataclass(frozen=True)
class Heard:
    """One request to the relying party."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Given:
    """One answer of the relying party."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Listener:
    """Everything below one loopback address. `documents` are answers by path; what is not there is answered with 200 and nothing."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.documents: dict[str, Given] = {}
        self._heard: list[Heard] = []
        self._news = threading.Condition()

    def hear(self, heard: Heard) -> Given:
        """Note a request and return its answer."""
        with self._news:
            self._heard.append(heard)
            self._news.notify_all()
            return self.documents.get(heard.path, Given())

    def publish(self, path: str, document: Any) -> None:
        """Answer a path with a JSON document, or with text as it is."""
        is_text = isinstance(document, str)
        body = document if is_text else json.dumps(document)
        kind = "application/oauth-authz-req+jwt" if is_text else "application/json"
        self.documents[path] = Given(body.encode(), content_type=kind)

    def heard(self, path: str) -> list[Heard]:
        """Return every request for the path so far."""
        with self._news:
            return [one for one in self._heard if one.path == path]

    def wait_for(self, path: str, holds: Callable[[Heard], bool] = lambda _: True) -> Heard:
        """Return the first request for the path that fits, waiting for it; fails when none comes in time."""
        deadline = time.monotonic() + ARRIVES_WITHIN_S
        with self._news:
            while True:
                for one in self._heard:
                    if one.path == path and holds(one):
                        return one
                left = deadline - time.monotonic()
                assert left > 0, f"nothing came to {path}"
                self._news.wait(left)


@contextmanager
def running_listener() -> Iterator[Listener]:
    """Listen on a free loopback port while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            heard = Heard(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            given = listener.hear(heard)
            self.send_response(given.status)
            for name, value in {"Content-Type": given.content_type, **given.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listener = Listener(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
