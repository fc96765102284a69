"""An operation as a conversation without I/O: it yields a `Call`, is sent the `Reply`, and ends when the operation is done.

The same conversation is played by the raw driver of the benchmark and by the soak users, so both measure the same thing. A
conversation that hears a wrong answer raises WrongAnswer: a fast refusal must never count as a fast answer.
"""

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from loadtests.connection import Connection, Reply, render_request

_SHOWN_OF_BODY = 200
_TAG = re.compile("<[^>]*>")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: method, target in origin form, headers, body (an urlencoded form unless a content type is named)."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


Conversation = Generator[Call, Reply, None]
"""Yields calls, is sent replies."""


class WrongAnswer(Exception):
    """The server answered, but not what the operation is for; the text says what came instead."""


def expect(reply: Reply, status: int, what: str) -> None:
    """Raise WrongAnswer unless the reply has the status; `what` names the step."""
    if reply.status != status:
        raise WrongAnswer(f"{what}: {reply.status} instead of {status}: {_words_of(reply)}")


def _words_of(reply: Reply) -> str:
    """Return the beginning of what an answer says; of a page, what a person would read in its main part."""
    text = reply.body.decode("utf-8", "replace")
    _, found, main = text.partition("<main")
    if found:
        text = " ".join(_TAG.sub(" ", found + main).split())
    return text[:_SHOWN_OF_BODY]


async def hold(conversation: Conversation, connection: Connection, *, host: str) -> None:
    """Play a conversation over a connection; raises WrongAnswer and ConnectionError."""
    call = next(conversation)
    while True:
        request = render_request(call.method, call.target, host=host, headers=call.headers, body=call.body)
        reply = await connection.send(request)
        try:
            call = conversation.send(reply)
        except StopIteration:
            return
