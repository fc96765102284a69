"""One request that waits for an answer on another device: its value, and its rows."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.ledger import Insert
from idp.provider.authorization.request import AuthorizationRequest, authorization_request_from_json
from idp.provider.decoupled.tables import decoupled_requests

Kind = Literal["device", "ciba"]
State = Literal["pending", "approved", "refused", "stopped"]
"""`stopped`: the client went on polling too fast."""

KEPT_AFTER_EXPIRY = timedelta(days=1)
"""So long a late client is told what became of its request."""


@dataclass(frozen=True, slots=True)
class DecoupledRequest:
    """One request on record. `person_id` is who is asked (CIBA) or has answered (device flow)."""

    request_id: str
    kind: Kind
    secret_hash: bytes
    client_id: str
    person_id: str | None
    asked: AuthorizationRequest
    binding_message: str | None
    network: str
    state: State
    interval: timedelta
    polled_at: datetime | None
    created_at: datetime
    expires_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Tell whether the request can still be answered."""
        return self.state == "pending" and now < self.expires_at


def secret_hash(kind: Kind, secret: str) -> bytes:
    """Return the form in which a device_code or auth_req_id is stored.

    The kind is part of it, so that neither can be presented as the other, nor as an authorization code.
    """
    return hashlib.sha256(f"{kind}:{secret}".encode("utf-8", "surrogatepass")).digest()


def new_request(waiting: DecoupledRequest, *, user_code_hash: bytes | None = None) -> Insert:
    """Return the row of a new request, to be written in the transaction of its ledger entry."""
    return Insert(
        decoupled_requests,
        {
            "request_id": waiting.request_id,
            "kind": waiting.kind,
            "secret_hash": waiting.secret_hash,
            "user_code_hash": user_code_hash,
            "client_id": waiting.client_id,
            "person_id": waiting.person_id,
            "request": waiting.asked.as_json(),
            "binding_message": waiting.binding_message,
            "network": waiting.network,
            "state": waiting.state,
            "interval_seconds": int(waiting.interval.total_seconds()),
            "polled_at": None,
            "created_at": waiting.created_at,
            "expires_at": waiting.expires_at,
            "decided_at": None,
            "announced_at": waiting.created_at if waiting.kind == "device" or waiting.person_id is None else None,
        },
    )


async def find_by_secret(db: Database, digest: bytes) -> DecoupledRequest | None:
    """Return the request of a device_code or auth_req_id, whatever became of it."""
    return await _find(db, decoupled_requests.c.secret_hash == digest)


async def find_by_user_code(db: Database, digest: bytes) -> DecoupledRequest | None:
    """Return the request of a user code, whatever became of it."""
    return await _find(db, decoupled_requests.c.user_code_hash == digest)


async def find_request(db: Database, request_id: str) -> DecoupledRequest | None:
    """Return the request with this id."""
    return await _find(db, decoupled_requests.c.request_id == request_id)


async def list_open_requests(db: Database, person_id: str, now: datetime) -> tuple[DecoupledRequest, ...]:
    """Return the CIBA requests that wait for this person's answer, the newest first."""
    column = decoupled_requests.c
    query: Select[Any] = (
        select(decoupled_requests)
        .where(
            column.person_id == person_id,
            column.kind == "ciba",
            column.state == "pending",
            column.expires_at > now,
        )
        .order_by(column.created_at.desc())
    )
    async with db.read() as connection:
        return tuple(_request(row) for row in (await connection.execute(query)).mappings())


async def note_poll(
    db: Database, waiting: DecoupledRequest, *, interval: timedelta, state: State, now: datetime
) -> None:
    """Remember a poll with the interval that holds from now on; an answer given meanwhile stays."""
    async with db.read() as connection:
        await connection.execute(
            update(decoupled_requests)
            .where(
                decoupled_requests.c.request_id == waiting.request_id,
                decoupled_requests.c.state == "pending",
            )
            .values(polled_at=now, interval_seconds=int(interval.total_seconds()), state=state)
        )


async def settle_request_in(
    connection: AsyncConnection, waiting: DecoupledRequest, *, state: State, person_id: str, now: datetime
) -> bool:
    """Write the person's answer; False when the request has one, is over, or is addressed to somebody else."""
    column = decoupled_requests.c
    done = await connection.execute(
        update(decoupled_requests)
        .where(
            column.request_id == waiting.request_id,
            column.state == "pending",
            column.expires_at > now,
            column.person_id == person_id
            if waiting.kind == "ciba"
            else or_(column.person_id.is_(None), column.person_id == person_id),
        )
        .values(state=state, person_id=person_id, decided_at=now, user_code_hash=None)
        .returning(column.request_id)
    )
    return done.first() is not None


async def _find(db: Database, criterion: ColumnElement[bool]) -> DecoupledRequest | None:
    async with db.read() as connection:
        row = (await connection.execute(select(decoupled_requests).where(criterion))).mappings().first()
    return None if row is None else _request(row)


def _request(row: Mapping[Any, Any]) -> DecoupledRequest:
    return DecoupledRequest(
        request_id=row["request_id"],
        kind=row["kind"],
        secret_hash=row["secret_hash"],
        client_id=row["client_id"],
        person_id=row["person_id"],
        asked=authorization_request_from_json(row["request"]),
        binding_message=row["binding_message"],
        network=row["network"],
        state=row["state"],
        interval=timedelta(seconds=row["interval_seconds"]),
        polled_at=row["polled_at"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
