"""What persons agreed to and what they declined, per client. Store functions; they never commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from idp.provider.tables import consents

ConsentKey = tuple[str, str]
"""(person_id, client_id)"""


@dataclass(frozen=True, slots=True)
class Consent:
    """The standing answer of one person to one client, in items as `asked_items` names them.

    `items` were agreed to, `declined` were optional and left out; no item is in both.
    """

    person_id: str
    client_id: str
    items: frozenset[str]
    declined: frozenset[str]
    agreed_at: datetime


class ConsentReader:
    """Reads standing consents, for all callers of a batch in one round trip."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._by_person = select(consents).where(
            db.among(consents.c.person_id, "person_ids"), consents.c.withdrawn_at.is_(None)
        )

    async def fetch(self, keys: Sequence[ConsentKey]) -> Mapping[ConsentKey, Consent]:
        """Return the consents of the keys, with others of the same persons; withdrawn ones are not found."""
        async with self._db.read() as connection:
            rows = await connection.execute(self._by_person, {"person_ids": [person_id for person_id, _ in keys]})
            return {(row.person_id, row.client_id): _consent(row) for row in rows}


async def list_consents(connection: AsyncConnection, person_id: str) -> list[Consent]:
    """Return the standing consents of one person, newest first."""
    rows = await connection.execute(
        select(consents)
        .where(consents.c.person_id == person_id, consents.c.withdrawn_at.is_(None))
        .order_by(consents.c.agreed_at.desc())
    )
    return [_consent(row) for row in rows]


async def find_consent_to_change(connection: AsyncConnection, db: Database, key: ConsentKey) -> Consent | None:
    """Return the standing consent, None when there is none; no other transaction changes it until this one ends."""
    person_id, client_id = key
    await db.hold_name(connection, f"consent:{person_id}:{client_id}")
    rows = await connection.execute(
        select(consents)
        .where(
            consents.c.person_id == person_id,
            consents.c.client_id == client_id,
            consents.c.withdrawn_at.is_(None),
        )
        .with_for_update()
    )
    row = rows.one_or_none()
    return None if row is None else _consent(row)


def widen_consent(
    before: Consent | None, key: ConsentKey, *, asked: frozenset[str], agreed: frozenset[str], now: datetime
) -> Consent:
    """Return the consent that stands after an answer; `agreed` are those of the `asked` items agreed to. Pure.

    The newest word on an item counts, and what was not asked this time stays as it was.
    """
    items, declined = agreed, asked - agreed
    if before is not None:
        items |= before.items - asked
        declined |= before.declined - asked
    return Consent(*key, items, declined, now)


async def add_consent(connection: AsyncConnection, db: Database, consent: Consent) -> None:
    """Write the consent in the place of what stood there before, withdrawn or not."""
    values = {
        "items": sorted(consent.items),
        "declined": sorted(consent.declined),
        "agreed_at": consent.agreed_at,
        "withdrawn_at": None,
    }
    statement = db.insert(consents).values(person_id=consent.person_id, client_id=consent.client_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["person_id", "client_id"], set_=values))


async def withdraw_consent_in(connection: AsyncConnection, key: ConsentKey, now: datetime) -> bool:
    """Withdraw the standing consent; what it declined no longer counts either. False when there was none."""
    person_id, client_id = key
    done = await connection.execute(
        update(consents)
        .where(
            consents.c.person_id == person_id,
            consents.c.client_id == client_id,
            consents.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
        .returning(consents.c.client_id)
    )
    return done.first() is not None


def _consent(row: Row[Any]) -> Consent:
    return Consent(row.person_id, row.client_id, frozenset(row.items), frozenset(row.declined), row.agreed_at)
