"""Faults on demand: any operation of a simulator can be made slow, broken, huge or wrong, a number of times
or until cleared.

`POST /_faults` takes `{"operation": "token" | "*", "kind": …, "times": 3 | null, …}`. The operation is the
last segment of the path. Kinds that any server can have are carried out here; other kinds wait in the list
until the simulator itself asks for them.
"""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HARD_STOP_S = 60.0


class Fault(BaseModel):
    """One fault: where it strikes, what happens, and how often (`times` null: until cleared)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: str = "*"
    kind: str
    times: int | None = Field(default=None, ge=1)
    seconds: float = Field(default=1.0, ge=0, le=_HARD_STOP_S)
    status: int = Field(default=500, ge=200, le=599)
    size: int = Field(default=4_000_000, ge=1, le=64_000_000)
    detail: str = ""


class Faults:
    """The faults of one simulator; they are matched in the order in which they were added."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put the fault at the end of the list."""
        self._pending.append(fault)

    def clear(self) -> None:
        """Remove every fault."""
        self._pending.clear()

    def all(self) -> list[Fault]:
        """Return the faults that still wait."""
        return list(self._pending)

    def take(self, operation: str, kinds: frozenset[str]) -> Fault | None:
        """Return the first fault of these kinds for the operation and count it as used."""
        for index, fault in enumerate(self._pending):
            if fault.kind in kinds and fault.operation in ("*", operation):
                if fault.times is not None:
                    left = fault.times - 1
                    self._pending[index : index + 1] = [fault.model_copy(update={"times": left})] if left else []
                return fault
        return None


class FaultInjection:
    """ASGI middleware that carries out the faults any server can have; paths that begin with `/_` are never
    harmed.
    """

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless a fault waits for its operation."""
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            await self._app(scope, receive, send)
            return
        operation = scope["path"].rstrip("/").rsplit("/", 1)[-1]
        fault = self._faults.take(operation, frozenset(_ACTIONS))
        if fault is None:
            await self._app(scope, receive, send)
            return
        await _ACTIONS[fault.kind](fault, self._app, scope, receive, send)


def fault_routes(faults: Faults) -> list[Route]:
    """Return the administration routes `GET`, `POST` and `DELETE /_faults`."""

    async def listed(_: Request) -> Response:
        return JSONResponse([fault.model_dump() for fault in faults.all()])

    async def added(request: Request) -> Response:
        try:
            faults.add(Fault.model_validate_json(await request.body()))
        except ValidationError as error:
            return JSONResponse({"error": error.errors(include_url=False, include_input=False)}, 400)
        return Response(status_code=204)

    async def cleared(_: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    return [
        Route("/_faults", listed, methods=["GET"]),
        Route("/_faults", added, methods=["POST"]),
        Route("/_faults", cleared, methods=["DELETE"]),
    ]


Action = Callable[[Fault, ASGIApp, Scope, Receive, Send], Awaitable[None]]


async def _delay(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(fault.seconds)
    await app(scope, receive, send)


async def _status(fault: Fault, _: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"error": "simulated"}, fault.status)(scope, receive, send)


async def _malformed(fault: Fault, _: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    body = fault.detail or '{"head": {"status": 0, "message": "'
    await Response(body, media_type="application/json")(scope, receive, send)


async def _content_type(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    chosen = (fault.detail or "text/html").encode()

    async def renamed(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if name.lower() != b"content-type"]
            message = {**message, "headers": [*kept, (b"content-type", chosen)]}
        await send(message)

    await app(scope, receive, renamed)


async def _huge(fault: Fault, _: ASGIApp, __: Scope, ___: Receive, send: Send) -> None:
    await _start_json(send, None)
    left = fault.size
    while left > 0:
        chunk = min(left, 65_536)
        await send({"type": "http.response.body", "body": b" " * chunk, "more_body": True})
        left -= chunk
    await send({"type": "http.response.body", "body": b"{}"})


async def _drip(fault: Fault, _: ASGIApp, __: Scope, ___: Receive, send: Send) -> None:
    await _start_json(send, None)
    for _beat in range(int(fault.seconds * 4)):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.25)
    await send({"type": "http.response.body", "body": b"{}"})


async def _drop(_: Fault, __: ASGIApp, ___: Scope, ____: Receive, send: Send) -> None:
    # A body shorter than announced: the server closes the connection in the middle of the answer.
    await _start_json(send, 4_096)
    await send({"type": "http.response.body", "body": b'{"head": ', "more_body": True})
    raise ConnectionAbortedError("simulated: the connection breaks off")


async def _start_json(send: Send, length: int | None) -> None:
    headers = [(b"content-type", b"application/json")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})


_ACTIONS: dict[str, Action] = {
    "delay": _delay,
    "status": _status,
    "malformed": _malformed,
    "content_type": _content_type,
    "huge": _huge,
    "drip": _drip,
    "drop": _drop,
}
