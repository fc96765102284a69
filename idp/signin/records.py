"""Putting outcomes of sign-in on record: the ledger entry for the auditor and the account event for the owner, together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import Change
from foundation.ledger import Entry
from foundation.problems import ErrorCode
from idp.people.account_events import add_event, event_insert, event_row
from idp.people.accounts import Account
from idp.ports import EndedSession
from idp.signin.entrance import Entrance
from idp.signin.outcomes import Refused
from idp.signin.visits import Visit, coarse_network, device_label


def entry_of(
    kind: str,
    outcome: str,
    *,
    visit: Visit,
    now: datetime,
    code: str | None = None,
    actor: str | None = None,
    person_id: str | None = None,
    department_id: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> Entry:
    """Return the ledger entry of one outcome; `person_id` is the person concerned and is kept sealed."""
    return Entry(
        kind=kind,
        at=now,
        outcome=outcome,
        code=code,
        actor=actor,
        department=department_id,
        client=visit.client_id,
        request_id=visit.request_id,
        details=dict(details or {}),
        personal={"person": person_id} if person_id else {},
    )


async def refuse(
    error_code: ErrorCode,
    *,
    kind: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
    account: Account | None = None,
    retry_at: datetime | None = None,
    tries_left: int | None = None,
    field: str | None = None,
    details: Mapping[str, Any] | None = None,
    outcome: str = "refused",
) -> Refused:
    """Record a refusal, also with the account when there is one, and return it once it is durable."""
    entry = entry_of(
        kind,
        outcome,
        visit=visit,
        now=now,
        code=error_code.code,
        person_id=account.person_id if account else None,
        details=details,
    )
    inserts = []
    if account is not None:
        inserts.append(event_insert(_event(account, kind, outcome, visit, entrance, now, error_code.code, details)))
    await entrance.ledger.append(entry, inserts=inserts)
    return Refused(error_code.code, retry_at, tries_left, field)


async def note_allowed(
    kind: str,
    *,
    account: Account,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Record a step that went well and changes nothing by itself."""
    await entrance.ledger.append(
        entry_of(kind, "allowed", visit=visit, now=now, person_id=account.person_id, details=details)
    )


async def write_account_event(
    connection: AsyncConnection,
    account: Account,
    kind: str,
    *,
    outcome: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write the owner's side of an outcome inside the caller's transaction."""
    await add_event(connection, _event(account, kind, outcome, visit, entrance, now, None, details))


async def record_change(
    connection: AsyncConnection,
    kind: str,
    *,
    account: Account,
    details: Mapping[str, Any],
    visit: Visit,
    entrance: Entrance,
    now: datetime,
) -> None:
    """Put a change that the owner brought about on record, event and entry, inside the caller's transaction."""
    await write_account_event(
        connection, account, kind, outcome="done", visit=visit, entrance=entrance, now=now, details=details
    )
    actor = f"person:{account.person_id}"
    entry = entry_of(kind, "done", visit=visit, now=now, actor=actor, person_id=account.person_id, details=details)
    await entrance.ledger.append_in(connection, entry)


def session_changes(ended: Sequence[EndedSession], entrance: Entrance, *, now: datetime) -> list[Change]:
    """Return the revocations by which every worker learns that these sessions are over."""
    until = now + entrance.limits.token_reach
    return [Change("revoked", f"session:{session.session_id}", until) for session in ended]


def _event(
    account: Account,
    kind: str,
    outcome: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
    code: str | None,
    details: Mapping[str, Any] | None,
) -> dict[str, Any]:
    seen = {"device": device_label(visit.user_agent), "network": coarse_network(visit.network)}
    return event_row(
        account_id=account.account_id,
        person_id=account.person_id,
        kind=kind,
        outcome=outcome,
        code=code,
        at=now,
        entropy=entrance.entropy,
        details=seen | dict(details or {}),
    )
