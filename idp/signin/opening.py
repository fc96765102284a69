"""Opening an account and putting it on record, whatever door the person came through."""

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from idp.people.account_opening import NewAccount, OpenedAccount, open_new_account
from idp.people.accounts import Account
from idp.people.tables import upstream_identities
from idp.ports import CenterIdentity
from idp.signin.entrance import Entrance
from idp.signin.records import entry_of, write_account_event
from idp.signin.visits import Visit

_RACES = 3


async def open_and_record(
    new: NewAccount,
    *,
    kind: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
    identity: CenterIdentity | None = None,
) -> Account | None:
    """Open the person's one account, linked to `identity` when they came from a center; None when they have one already.

    Raises UserNameTaken. A phone or name that another registration took at the same instant makes it try again.
    """
    for _ in range(_RACES):
        try:
            return await _open(new, kind, visit, entrance, now, identity)
        except IntegrityError:
            continue
    return None


async def link_identity(
    connection: AsyncConnection, account: Account, identity: CenterIdentity, *, entrance: Entrance, now: datetime
) -> None:
    """Tie a center's subject to the account; raises IntegrityError when it is tied to any account already."""
    await connection.execute(
        insert(upstream_identities).values(
            identity_id=entrance.entropy.identifier(),
            center=identity.center,
            subject=identity.subject,
            account_id=account.account_id,
            person_id=account.person_id,
            level=int(identity.level),
            linked_at=now,
            last_seen_at=now,
        )
    )


async def _open(
    new: NewAccount,
    kind: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
    identity: CenterIdentity | None,
) -> Account | None:
    async with entrance.db.transaction() as connection:
        opened = await open_new_account(
            entrance.db,
            connection,
            new,
            sealer=entrance.sealer,
            index=entrance.index,
            entropy=entrance.entropy,
            now=now,
        )
        if opened is None:
            return None
        if identity is not None:
            await link_identity(connection, opened.account, identity, entrance=entrance, now=now)
        await _record(connection, opened, kind, visit, entrance, now, identity)
    return opened.account


async def _record(
    connection: AsyncConnection,
    opened: OpenedAccount,
    kind: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
    identity: CenterIdentity | None,
) -> None:
    account, before = opened.account, opened.phone_taken_from
    details = {"through": identity.center if identity else kind, "phone_moved": before is not None}
    await write_account_event(
        connection, account, "account.opened", outcome="done", visit=visit, entrance=entrance, now=now
    )
    if before is not None:
        # The old owner cannot be told by text message any more: the number is not theirs.
        await write_account_event(
            connection,
            before,
            "account.phone_released",
            outcome="done",
            visit=visit,
            entrance=entrance,
            now=now,
        )
    await entrance.ledger.append_in(
        connection,
        entry_of(
            "account.opened",
            "done",
            visit=visit,
            now=now,
            actor=f"person:{account.person_id}",
            person_id=account.person_id,
            details=details,
        ),
    )
