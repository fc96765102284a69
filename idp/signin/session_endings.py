"""Ending sessions: one's own, one on another device, all others; each with the apps told in the same transaction."""

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import Change
from idp.people.accounts import Account, find_account
from idp.people.errors import UnknownRecord
from idp.ports import EndedSession
from idp.signin.entrance import Entrance
from idp.signin.records import entry_of, session_changes, write_account_event
from idp.signin.sessions import Session, end_sessions_in
from idp.signin.visits import Visit

KIND = "session.ended"
_SESSION_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


async def end_own_session(
    session: Session, *, visit: Visit, entrance: Entrance, now: datetime
) -> tuple[EndedSession, ...]:
    """Sign the browser out; empty when the session had ended already."""
    return await _end(session, [session.session_id], None, "signed_out", visit, entrance, now)


async def end_other_session(
    session: Session, session_id: str, *, visit: Visit, entrance: Entrance, now: datetime
) -> tuple[EndedSession, ...]:
    """End one session of the same account, on another device; somebody else's session is not found and stays."""
    if not _SESSION_ID.fullmatch(session_id):
        return ()
    return await _end(session, [session_id], None, "ended_remotely", visit, entrance, now)


async def end_all_other_sessions(
    session: Session, *, visit: Visit, entrance: Entrance, now: datetime
) -> tuple[EndedSession, ...]:
    """End every session of the account but this one."""
    return await _end(session, None, session.session_id, "ended_remotely", visit, entrance, now)


async def end_sessions_of_account(
    connection: AsyncConnection, account_id: str, *, reason: str, entrance: Entrance, now: datetime
) -> list[Change]:
    """End every session of an account inside the caller's transaction; returns the changes its entry must carry."""
    ended = await end_sessions_in(connection, account_id=account_id, reason=reason, now=now)
    return await _tell(connection, ended, entrance, now)


async def end_sessions_of_officer(
    connection: AsyncConnection, officer_id: str, *, reason: str, entrance: Entrance, now: datetime
) -> list[Change]:
    """End every session of a post inside the caller's transaction; returns the changes its entry must carry."""
    ended = await end_sessions_in(connection, officer_id=officer_id, reason=reason, now=now)
    return await _tell(connection, ended, entrance, now)


async def _end(
    session: Session,
    session_ids: Sequence[str] | None,
    except_for: str | None,
    reason: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
) -> tuple[EndedSession, ...]:
    async with entrance.db.transaction() as connection:
        ended = await end_sessions_in(
            connection,
            session_ids=session_ids,
            account_id=session.account_id,
            except_for=except_for,
            reason=reason,
            now=now,
        )
        changes = await _tell(connection, ended, entrance, now)
        account = await _load_account(connection, session.account_id)
        details = {"reason": reason, "ended": len(ended)}
        await write_account_event(
            connection, account, KIND, outcome="done", visit=visit, entrance=entrance, now=now, details=details
        )
        entry = entry_of(
            KIND,
            "done",
            visit=visit,
            now=now,
            actor=f"officer:{session.officer_id}" if session.officer_id else f"person:{session.person_id}",
            person_id=session.person_id,
            department_id=session.department_id,
            details=details | {"sessions": [one.session_id for one in ended]},
        )
        await entrance.ledger.append_in(connection, entry, changes=changes)
    entrance.feed.apply(changes)
    return ended


async def _tell(
    connection: AsyncConnection, ended: Sequence[EndedSession], entrance: Entrance, now: datetime
) -> list[Change]:
    if ended:
        await entrance.end_with_sessions(connection, ended, now=now)
    return session_changes(ended, entrance, now=now)


async def _load_account(connection: AsyncConnection, account_id: str) -> Account:
    account = await find_account(connection, account_id)
    if account is None:
        raise UnknownRecord("account")
    return account
