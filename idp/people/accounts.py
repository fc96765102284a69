"""Accounts: one for each person, with several credentials. Store functions; none commits."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.sealing import BlindIndex, Sealer
from idp.people.levels import PHONE
from idp.people.persons import document_index, withdraw_evidence
from idp.people.tables import accounts, persons
from idp.people.user_names import RESIDENT_ID, LoginName, canonical_user_name

PHONE_CONTEXT = "account.phone"
OPEN = "open"
DISABLED = "disabled"
CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Account:
    """One account as stored; `status` is open, disabled or closed."""

    account_id: str
    person_id: str
    status: str
    user_name: str | None
    password_hash: str | None = field(repr=False)
    phone_sealed: bytes | None = field(repr=False)
    phone_confirmed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Tell whether its person may sign in."""
        return self.status == OPEN


def phone_index(index: BlindIndex, phone: str) -> bytes:
    """Return the blind index of a canonical phone number."""
    return index.index("phone", phone)


async def find_account_by_login(connection: AsyncConnection, login: LoginName, *, index: BlindIndex) -> Account | None:
    """Return the account somebody named, in one round trip whatever was typed, so that timing tells nothing."""
    if login.kind == "phone":
        return await _find(connection, _BY_PHONE, phone_index(index, login.canonical))
    if login.kind == "document":
        return await _find(connection, _BY_DOCUMENT, document_index(index, RESIDENT_ID, login.canonical))
    # What cannot be a user name is asked for under a name nobody has: it may hold characters the database refuses.
    return await _find(connection, _BY_USER_NAME, login.canonical if login.kind == "user_name" else "")


async def find_account(connection: AsyncConnection, account_id: str) -> Account | None:
    """Return the account with this id."""
    return await _find(connection, _BY_ID, account_id)


async def find_account_of(connection: AsyncConnection, person_id: str) -> Account | None:
    """Return the account of a person."""
    return await _find(connection, _BY_PERSON, person_id)


async def open_account_once(
    db: Database, connection: AsyncConnection, person_id: str, *, entropy: Entropy, now: datetime
) -> str | None:
    """Open the person's one account and return its id; None when it exists and was not closed. The database decides."""
    fresh = (
        db.insert(accounts)
        .values(account_id=entropy.identifier(), person_id=person_id, status=OPEN, created_at=now, updated_at=now)
        .on_conflict_do_nothing()
        .returning(accounts.c.account_id)
    )
    made: str | None = (await connection.execute(fresh)).scalar_one_or_none()
    if made is not None:
        return made
    reopened = (
        update(accounts)
        .where(accounts.c.person_id == person_id, accounts.c.status == CLOSED)
        .values(status=OPEN, updated_at=now)
        .returning(accounts.c.account_id)
    )
    again: str | None = (await connection.execute(reopened)).scalar_one_or_none()
    return again


async def give_user_name(connection: AsyncConnection, account_id: str, user_name: str, *, now: datetime) -> None:
    """Set the user name; raises IntegrityError when somebody holds it in any spelling."""
    await connection.execute(
        update(accounts)
        .where(accounts.c.account_id == account_id)
        .values(user_name=user_name, user_name_canonical=canonical_user_name(user_name), updated_at=now)
    )


async def set_password_hash(
    connection: AsyncConnection, account_id: str, password_hash: str, *, now: datetime, instead_of: str | None = None
) -> bool:
    """Set the password hash; with `instead_of` only while that hash still stands. Returns whether it was set."""
    change = update(accounts).where(accounts.c.account_id == account_id)
    if instead_of is not None:
        change = change.where(accounts.c.password_hash == instead_of)
    done = await connection.execute(change.values(password_hash=password_hash, password_changed_at=now, updated_at=now))
    return done.rowcount == 1


async def take_phone(
    connection: AsyncConnection,
    account_id: str,
    phone: str,
    *,
    sealer: Sealer,
    index: BlindIndex,
    now: datetime,
) -> Account | None:
    """Make the phone this account's credential and return the account that held it before, which loses it.

    Whoever answers the number now is not the old owner any more: leaving it there would open the old account to the new owner.
    """
    number = phone_index(index, phone)
    before = await _find(connection, _BY_PHONE, number)
    if before is not None and before.account_id == account_id:
        before = None
    if before is not None:
        await connection.execute(
            update(accounts)
            .where(accounts.c.account_id == before.account_id)
            .values(phone_index=None, phone_sealed=None, phone_confirmed_at=None, updated_at=now)
        )
        await withdraw_evidence(connection, before.person_id, method=PHONE, now=now)
    await connection.execute(
        update(accounts)
        .where(accounts.c.account_id == account_id)
        .values(
            phone_index=number,
            phone_sealed=sealer.seal_text(phone, context=PHONE_CONTEXT),
            phone_confirmed_at=now,
            updated_at=now,
        )
    )
    return before


async def hold_phone_unconfirmed(
    connection: AsyncConnection,
    account_id: str,
    phone: str,
    *,
    sealer: Sealer,
    index: BlindIndex,
    now: datetime,
) -> bool:
    """Keep a phone that an upper center reported, unless another account has it; it confirmed nothing here yet."""
    number = phone_index(index, phone)
    if await _find(connection, _BY_PHONE, number) is not None:
        return False
    await connection.execute(
        update(accounts)
        .where(accounts.c.account_id == account_id)
        .values(
            phone_index=number,
            phone_sealed=sealer.seal_text(phone, context=PHONE_CONTEXT),
            phone_confirmed_at=None,
            updated_at=now,
        )
    )
    return True


async def confirm_phone_again(connection: AsyncConnection, account_id: str, *, now: datetime) -> None:
    """Note that the phone of this account has just confirmed a code."""
    await connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(phone_confirmed_at=now))


async def set_status(
    connection: AsyncConnection, account_id: str, status: str, *, unless: str = CLOSED, now: datetime
) -> bool:
    """Set the status unless the account is in `unless` or there already; returns whether it changed."""
    done = await connection.execute(
        update(accounts)
        .where(accounts.c.account_id == account_id, accounts.c.status.not_in((unless, status)))
        .values(status=status, updated_at=now)
    )
    return done.rowcount == 1


# Built once, because they run at every sign-in.
_BY_ID = select(accounts).where(accounts.c.account_id == bindparam("wanted"))
_BY_PERSON = select(accounts).where(accounts.c.person_id == bindparam("wanted"))
_BY_PHONE = select(accounts).where(accounts.c.phone_index == bindparam("wanted"))
_BY_USER_NAME = select(accounts).where(accounts.c.user_name_canonical == bindparam("wanted"))
_BY_DOCUMENT = select(accounts).where(
    accounts.c.person_id
    == select(persons.c.person_id)
    .where(persons.c.document_type == RESIDENT_ID, persons.c.document_index == bindparam("wanted"))
    .scalar_subquery()
)


async def _find(connection: AsyncConnection, one: Select[Any], wanted: str | bytes) -> Account | None:
    row = (await connection.execute(one, {"wanted": wanted})).one_or_none()
    return None if row is None else _account(row)


def _account(row: Row[Any]) -> Account:
    return Account(
        row.account_id,
        row.person_id,
        row.status,
        row.user_name,
        row.password_hash,
        row.phone_sealed,
        row.phone_confirmed_at,
    )
