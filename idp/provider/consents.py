"""What persons agreed to, per client: remembered, widened, withdrawn. Store functions; they never commit."""

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
    """The standing agreement of one person with one client; `items` as `asked_items` names them."""

    person_id: str
    client_id: str
    items: frozenset[str]
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


async def add_consent(
    connection: AsyncConnection, db: Database, key: ConsentKey, items: frozenset[str], now: datetime
) -> None:
    """Write the agreement: `items` replace what stood there before."""
    person_id, client_id = key
    values = {"items": sorted(items), "agreed_at": now, "withdrawn_at": None}
    statement = db.insert(consents).values(person_id=person_id, client_id=client_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["person_id", "client_id"], set_=values))


async def withdraw_consent_in(connection: AsyncConnection, key: ConsentKey, now: datetime) -> bool:
    """Withdraw the standing agreement; False when there was none."""
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
    return Consent(row.person_id, row.client_id, frozenset(row.items), row.agreed_at)
