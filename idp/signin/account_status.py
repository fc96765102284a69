"""Disabling, enabling and closing accounts: whatever the account had opened is over in the same transaction.

Closing erases name, number and credentials and keeps the blind index alone, so that the person's subjects stay stable and the
number cannot be taken by a second person.
"""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import Change
from idp.people.accounts import CLOSED, DISABLED, OPEN, Account, find_account, set_status
from idp.people.errors import UnknownRecord
from idp.people.tables import accounts, evidence, officers, persons, upstream_identities
from idp.signin.entrance import Entrance
from idp.signin.records import entry_of, write_account_event
from idp.signin.session_endings import end_sessions_of_account
from idp.signin.tables import known_devices
from idp.signin.totp import remove_totp
from idp.signin.visits import Visit


async def disable_account(account_id: str, *, actor: str, visit: Visit, entrance: Entrance, now: datetime) -> bool:
    """Disable an open account and end its sessions; False when it was not open. Raises UnknownRecord."""
    return await _change(account_id, DISABLED, "account.disabled", actor, visit, entrance, now)


async def enable_account(account_id: str, *, actor: str, visit: Visit, entrance: Entrance, now: datetime) -> bool:
    """Open a disabled account again; sessions ended before stay ended. Raises UnknownRecord."""
    return await _change(account_id, OPEN, "account.enabled", actor, visit, entrance, now)


async def close_account(account_id: str, *, actor: str, visit: Visit, entrance: Entrance, now: datetime) -> bool:
    """Close an account for good and erase what it held; False when it was closed already. Raises UnknownRecord."""
    return await _change(account_id, CLOSED, "account.closed", actor, visit, entrance, now)


async def _change(
    account_id: str, status: str, kind: str, actor: str, visit: Visit, entrance: Entrance, now: datetime
) -> bool:
    async with entrance.db.transaction() as connection:
        account = await find_account(connection, account_id)
        if account is None:
            raise UnknownRecord("account")
        if not await set_status(connection, account_id, status, now=now):
            return False
        changes: list[Change] = []
        reach = now + entrance.limits.token_reach
        if status == OPEN:
            changes.append(Change("restored", f"person:{account.person_id}", reach, at=now))
        else:
            changes = await end_sessions_of_account(connection, account_id, reason=kind, entrance=entrance, now=now)
            changes.append(Change("revoked", f"person:{account.person_id}", reach, at=now))
        changes += await _posts_of(connection, account.person_id)
        if status == CLOSED:
            await _erase(connection, account, now=now)
        await write_account_event(connection, account, kind, outcome="done", visit=visit, entrance=entrance, now=now)
        entry = entry_of(kind, "done", visit=visit, now=now, actor=actor, person_id=account.person_id)
        await entrance.ledger.append_in(connection, entry, changes=changes)
    entrance.feed.apply(changes)
    return True


async def _posts_of(connection: AsyncConnection, person_id: str) -> list[Change]:
    """Return what every worker must hear when the person holds a post: an application may not name such an officer any longer, or may
    again."""
    found = await connection.execute(select(officers.c.officer_id).where(officers.c.person_id == person_id))
    return [Change("officer", officer_id) for officer_id in found.scalars()]


async def _erase(connection: AsyncConnection, account: Account, *, now: datetime) -> None:
    mine = account.account_id
    await connection.execute(
        update(accounts)
        .where(accounts.c.account_id == mine)
        .values(
            user_name=None,
            user_name_canonical=None,
            password_hash=None,
            phone_index=None,
            phone_sealed=None,
            phone_confirmed_at=None,
        )
    )
    await connection.execute(
        update(persons)
        .where(persons.c.person_id == account.person_id)
        .values(name_sealed=None, document_sealed=None, level=0, updated_at=now)
    )
    await connection.execute(
        update(evidence)
        .where(evidence.c.person_id == account.person_id, evidence.c.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
    await connection.execute(delete(upstream_identities).where(upstream_identities.c.account_id == mine))
    await connection.execute(delete(known_devices).where(known_devices.c.account_id == mine))
    await remove_totp(connection, mine)
