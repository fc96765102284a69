"""Sizes of what a client may send, checked before anything is parsed."""

from collections.abc import Iterable

from starlette.types import Message, Receive

MAX_URL_OCTETS = 8 * 1024
MAX_HEADERS = 100
MAX_HEADER_OCTETS = 32 * 1024
MAX_BODY_OCTETS = 64 * 1024


class BodyTooLarge(Exception):
    """The body went past `MAX_BODY_OCTETS` while it was read."""


def oversize(raw_path: bytes, query: bytes, headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the status that refuses the request head (414, 431, 413 or 400), or None when it fits."""
    if len(raw_path) + len(query) > MAX_URL_OCTETS:
        return 414
    count = octets = 0
    lengths: list[bytes] = []
    for name, value in headers:
        count += 1
        octets += len(name) + len(value)
        if name == b"content-length":
            lengths.append(value)
    if count > MAX_HEADERS or octets > MAX_HEADER_OCTETS:
        return 431
    if len(lengths) > 1 or (lengths and not lengths[0].isdigit()):
        return 400
    return 413 if lengths and int(lengths[0]) > MAX_BODY_OCTETS else None


def bounded(receive: Receive) -> Receive:
    """Wrap `receive` so that a body without, or with a lying, Content-Length ends in BodyTooLarge."""
    octets = 0

    async def read() -> Message:
        nonlocal octets
        message = await receive()
        octets += len(message.get("body", b""))
        if octets > MAX_BODY_OCTETS:
            raise BodyTooLarge
        return message

    return read
