"""What provider and pages may be told about a person: opened once, read together, kept nowhere.

Whether a relying party gets a fact is decided by the provider; whether a page shows it in full, by the page. Rows are read through
a Coalescer, so concurrent requests share one `IN` query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from foundation.batching import Coalescer
from foundation.database import Database
from foundation.partial_display import (
    show_document_number_in_part,
    show_name_in_part,
    show_phone_number_in_part,
)
from foundation.sealing import Sealer
from idp.people.accounts import PHONE_CONTEXT
from idp.people.persons import DOCUMENT_CONTEXT, NAME_CONTEXT
from idp.people.tables import accounts, persons
from idp.people.user_names import RESIDENT_ID
from idp.vocabulary import RealNameLevel


@dataclass(frozen=True, slots=True, repr=False)
class PersonFacts:
    """One person with an account that is not closed; numbers in full and in part, `birth_date` from a 公民身份号码."""

    person_id: str
    account_id: str
    account_status: str
    user_name: str | None
    name: str
    name_masked: str
    document_type: str
    document_number: str
    document_number_masked: str
    birth_date: date | None
    phone: str | None
    phone_masked: str | None
    level: RealNameLevel
    has_password: bool
    updated_at: datetime

    @property
    def is_open(self) -> bool:
        """Tell whether the account may be used."""
        return self.account_status == "open"


class PersonFactsLoader:
    """Loads facts of persons; one per worker, shared by all requests."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer
        self._by_person = (
            select(
                persons,
                accounts.c.account_id,
                accounts.c.status,
                accounts.c.user_name,
                accounts.c.phone_sealed,
                accounts.c.password_hash.is_not(None).label("has_password"),
                accounts.c.updated_at.label("account_updated_at"),
            )
            .join(accounts, accounts.c.person_id == persons.c.person_id)
            .where(db.among(persons.c.person_id, "person_ids"), persons.c.name_sealed.is_not(None))
        )
        self._rows: Coalescer[str, PersonFacts] = Coalescer(self._fetch)

    async def load(self, person_id: str) -> PersonFacts | None:
        """Return the facts as of now; None when the person is unknown or the account is closed. Disabled accounts are told."""
        return await self._rows.load(person_id)

    async def _fetch(self, person_ids: Sequence[str]) -> Mapping[str, PersonFacts]:
        async with self._db.read() as connection:
            rows = (await connection.execute(self._by_person, {"person_ids": person_ids})).all()
        found = {}
        for row in rows:
            name = self._sealer.open_text(row.name_sealed, context=NAME_CONTEXT)
            number = self._sealer.open_text(row.document_sealed, context=DOCUMENT_CONTEXT)
            phone = row.phone_sealed and self._sealer.open_text(row.phone_sealed, context=PHONE_CONTEXT)
            found[row.person_id] = PersonFacts(
                person_id=row.person_id,
                account_id=row.account_id,
                account_status=row.status,
                user_name=row.user_name,
                name=name,
                name_masked=show_name_in_part(name),
                document_type=row.document_type,
                document_number=number,
                document_number_masked=show_document_number_in_part(number),
                birth_date=birth_date_of(row.document_type, number),
                phone=phone,
                phone_masked=show_phone_number_in_part(phone) if phone else None,
                level=RealNameLevel(row.level),
                has_password=row.has_password,
                updated_at=max(row.updated_at, row.account_updated_at),
            )
        return found


def birth_date_of(document_type: str, number: str) -> date | None:
    """Return the birth date inside a canonical 公民身份号码 (GB 11643); other documents carry none."""
    if document_type != RESIDENT_ID:
        return None
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
