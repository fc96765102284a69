"""Sizes of what a client may send, checked before anything is parsed."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Message, Receive


class RequestSizes(BaseModel):
    """How large a request may be. The least values still hold what the product's own pages and a sign-in send."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url_octets: int = Field(
        8 * 1024, ge=4 * 1024, le=64 * 1024, description="Longest path and query together, in octets (else 414)."
    )
    headers: int = Field(100, ge=40, le=500, description="Most header fields of a request (else 431).")
    header_octets: int = Field(
        32 * 1024, ge=16 * 1024, le=256 * 1024, description="All header fields together, in octets (else 431)."
    )
    body_octets: int = Field(
        64 * 1024, ge=32 * 1024, le=1024 * 1024, description="Longest body of a request, in octets (else 413)."
    )


class BodyTooLarge(Exception):
    """The body went past its bound while it was read."""


def oversize(
    raw_path: bytes, query: bytes, headers: Iterable[tuple[bytes, bytes]], *, sizes: RequestSizes
) -> int | None:
    """Return the status that refuses the request head (414, 431, 413 or 400), or None when it fits."""
    if len(raw_path) + len(query) > sizes.url_octets:
        return 414
    count = octets = 0
    lengths: list[bytes] = []
    for name, value in headers:
        count += 1
        octets += len(name) + len(value)
        if name == b"content-length":
            lengths.append(value)
    if count > sizes.headers or octets > sizes.header_octets:
        return 431
    if len(lengths) > 1 or (lengths and not lengths[0].isdigit()):
        return 400
    return 413 if lengths and int(lengths[0]) > sizes.body_octets else None


def bounded(receive: Receive, *, sizes: RequestSizes) -> Receive:
    """Wrap `receive` so that a body without, or with a lying, Content-Length ends in BodyTooLarge."""
    octets = 0
    most = sizes.body_octets

    async def read() -> Message:
        nonlocal octets
        message = await receive()
        octets += len(message.get("body", b""))
        if octets > most:
            raise BodyTooLarge
        return message

    return read
