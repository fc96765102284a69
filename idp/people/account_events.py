"""What happened to an account, for its owner's eyes: sign-ins, refusals, changes. A derived table beside the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.ledger import Insert
from idp.people.tables import account_events

MOST = 200


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """One event: `kind` is a dotted name, `outcome` as in the ledger, `details` hold nothing personal."""

    event_id: str
    kind: str
    at: datetime
    outcome: str
    code: str | None
    details: Mapping[str, Any]


def event_row(
    *,
    account_id: str,
    person_id: str,
    kind: str,
    outcome: str,
    at: datetime,
    entropy: Entropy,
    code: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the row of one event."""
    return {
        "event_id": entropy.identifier(),
        "account_id": account_id,
        "person_id": person_id,
        "kind": kind,
        "outcome": outcome,
        "code": code,
        "at": at,
        "details": dict(details or {}),
    }


def event_insert(row: Mapping[str, Any]) -> Insert:
    """Return the event as a row of a group commit."""
    return Insert(account_events, row)


_ADD = insert(account_events)


async def add_event(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Write the event inside the caller's transaction."""
    await connection.execute(_ADD, row)


async def list_account_events(
    account_id: str, *, db: Database, limit: int = 50, before: datetime | None = None
) -> tuple[AccountEvent, ...]:
    """Return the latest events of an account, newest first; `before` continues a list at the oldest one shown."""
    query = select(account_events).where(account_events.c.account_id == account_id)
    if before is not None:
        query = query.where(account_events.c.at < before)
    query = query.order_by(account_events.c.at.desc(), account_events.c.event_id).limit(min(limit, MOST))
    async with db.read() as connection:
        rows = await connection.execute(query)
    return tuple(AccountEvent(row.event_id, row.kind, row.at, row.outcome, row.code, row.details) for row in rows)
