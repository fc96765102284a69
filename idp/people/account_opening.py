"""Opening the one account of a person with everything it starts with, inside the caller's transaction."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.sealing import BlindIndex, Sealer
from idp.people.accounts import (
    Account,
    find_account,
    give_user_name,
    hold_phone_unconfirmed,
    open_account_once,
    set_password_hash,
    take_phone,
)
from idp.people.levels import Evidence
from idp.people.persons import RealName, add_evidence, add_person_once
from idp.people.tables import accounts
from idp.people.user_names import canonical_user_name


class UserNameTaken(Exception):
    """Somebody holds the user name in some spelling; the transaction must not commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What an account starts with; `phone_confirmed` tells a number that answered a code from one that was only reported."""

    real_name: RealName
    evidence: tuple[Evidence, ...]
    phone: str | None = field(default=None, repr=False)
    phone_confirmed: bool = False
    user_name: str | None = None
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """The account as it stands now, and whose phone it took over."""

    account: Account
    phone_taken_from: Account | None


async def open_new_account(
    db: Database,
    connection: AsyncConnection,
    new: NewAccount,
    *,
    sealer: Sealer,
    index: BlindIndex,
    entropy: Entropy,
    now: datetime,
) -> OpenedAccount | None:
    """Open it; None when the person has an account that is not closed. Raises UserNameTaken, or IntegrityError on a race."""
    person_id = await add_person_once(
        db, connection, new.real_name, sealer=sealer, index=index, entropy=entropy, now=now
    )
    account_id = await open_account_once(db, connection, person_id, entropy=entropy, now=now)
    if account_id is None:
        return None
    if new.user_name:
        if await _is_taken(connection, new.user_name):
            raise UserNameTaken
        await give_user_name(connection, account_id, new.user_name, now=now)
    if new.password_hash:
        await set_password_hash(connection, account_id, new.password_hash, now=now)
    before = None
    if new.phone and new.phone_confirmed:
        before = await take_phone(connection, account_id, new.phone, sealer=sealer, index=index, now=now)
    elif new.phone:
        await hold_phone_unconfirmed(connection, account_id, new.phone, sealer=sealer, index=index, now=now)
    for proof in new.evidence:
        await add_evidence(connection, person_id, proof, entropy=entropy, now=now)
    account = await find_account(connection, account_id)
    return OpenedAccount(account, before) if account else None


async def _is_taken(connection: AsyncConnection, user_name: str) -> bool:
    found = await connection.execute(
        select(accounts.c.account_id).where(accounts.c.user_name_canonical == canonical_user_name(user_name))
    )
    return found.scalar_one_or_none() is not None
