"""Persons: found by blind index, made once, with the evidence of who they are. Store functions; none commits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.sealing import BlindIndex, Sealer
from idp.people.levels import Evidence, level_from_evidence
from idp.people.tables import evidence as evidence_table
from idp.people.tables import persons
from idp.vocabulary import RealNameLevel

NAME_CONTEXT = "person.name"
DOCUMENT_CONTEXT = "person.document"


@dataclass(frozen=True, slots=True)
class RealName:
    """Name and canonical document number as proved; lives only as long as the request that carries it."""

    name: str
    document_type: str
    document_number: str

    def __repr__(self) -> str:
        return f"RealName(document_type={self.document_type!r})"


@dataclass(frozen=True, slots=True)
class Person:
    """One natural person as stored; the sealed fields are None once the account is closed."""

    person_id: str
    document_type: str
    document_sealed: bytes | None
    name_sealed: bytes | None
    level: RealNameLevel


def document_index(index: BlindIndex, document_type: str, document_number: str) -> bytes:
    """Return the blind index of a canonical document number; licenses index their holders the same way."""
    return index.index(f"document:{document_type}", document_number)


async def find_person_by_document(connection: AsyncConnection, *, document_type: str, document: bytes) -> Person | None:
    """Return the person with this blind index."""
    row = (
        await connection.execute(
            select(persons).where(persons.c.document_type == document_type, persons.c.document_index == document)
        )
    ).one_or_none()
    if row is None:
        return None
    return Person(row.person_id, row.document_type, row.document_sealed, row.name_sealed, RealNameLevel(row.level))


async def find_document_of(connection: AsyncConnection, person_id: str) -> tuple[str, bytes] | None:
    """Return document type and blind index of a person whose account is not closed."""
    row = (
        await connection.execute(
            select(persons.c.document_type, persons.c.document_index).where(
                persons.c.person_id == person_id, persons.c.document_sealed.is_not(None)
            )
        )
    ).one_or_none()
    return None if row is None else (row.document_type, bytes(row.document_index))


async def load_document_sealed(connection: AsyncConnection, person_id: str) -> bytes | None:
    """Return the sealed document number; None when the account is closed."""
    found = await connection.execute(select(persons.c.document_sealed).where(persons.c.person_id == person_id))
    return found.scalar_one_or_none()


async def add_person_once(
    db: Database,
    connection: AsyncConnection,
    real_name: RealName,
    *,
    sealer: Sealer,
    index: BlindIndex,
    entropy: Entropy,
    now: datetime,
) -> str:
    """Return the id of the one person with this document, made now unless somebody made it; the database decides.

    A person whose account was closed gets name and number again under the same id.
    """
    document = document_index(index, real_name.document_type, real_name.document_number)
    sealed = {
        "name_sealed": sealer.seal_text(real_name.name, context=NAME_CONTEXT),
        "document_sealed": sealer.seal_text(real_name.document_number, context=DOCUMENT_CONTEXT),
    }
    await connection.execute(
        db.insert(persons)
        .values(
            person_id=entropy.identifier(),
            document_type=real_name.document_type,
            document_index=document,
            level=int(RealNameLevel.NONE),
            created_at=now,
            updated_at=now,
            **sealed,
        )
        .on_conflict_do_nothing()
    )
    same = (persons.c.document_type == real_name.document_type) & (persons.c.document_index == document)
    await connection.execute(
        update(persons).where(same, persons.c.name_sealed.is_(None)).values(**sealed, updated_at=now)
    )
    person_id: str = (await connection.execute(select(persons.c.person_id).where(same))).scalar_one()
    return person_id


async def add_evidence(
    connection: AsyncConnection, person_id: str, proof: Evidence, *, entropy: Entropy, now: datetime
) -> RealNameLevel:
    """Keep one proof and return the level the person has with it."""
    await connection.execute(
        insert(evidence_table).values(
            evidence_id=entropy.identifier(),
            person_id=person_id,
            method=proof.method,
            source=proof.source,
            reference=proof.reference,
            level=int(proof.level),
            proved_at=proof.proved_at,
            expires_at=proof.expires_at,
        )
    )
    return await settle_level(connection, person_id, now=now)


async def withdraw_evidence(connection: AsyncConnection, person_id: str, *, method: str, now: datetime) -> None:
    """Let every standing proof of one method count no longer; it stays on record."""
    await connection.execute(
        update(evidence_table)
        .where(
            evidence_table.c.person_id == person_id,
            evidence_table.c.method == method,
            evidence_table.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    )
    await settle_level(connection, person_id, now=now)


async def list_evidence(connection: AsyncConnection, person_id: str) -> tuple[Evidence, ...]:
    """Return every proof that was not withdrawn, expired ones too."""
    return tuple(_evidence(row) for row in await connection.execute(_STANDING, {"person": person_id}))


async def settle_level(connection: AsyncConnection, person_id: str, *, now: datetime) -> RealNameLevel:
    """Compute the level from the standing evidence, write it to the person when it changed, and return it."""
    rows = (await connection.execute(_STANDING_WITH_LEVEL, {"person": person_id})).all()
    level = level_from_evidence([_evidence(row) for row in rows if row.method is not None], now=now)
    if any(row.present != int(level) for row in rows):
        change = update(persons).where(persons.c.person_id == person_id)
        await connection.execute(change.values(level=int(level), updated_at=now))
    return level


def _evidence(row: Row[Any]) -> Evidence:
    return Evidence(row.method, row.source, row.reference, RealNameLevel(row.level), row.proved_at, row.expires_at)


# Built once, because they run at every sign-in.
_STANDING = select(evidence_table).where(
    evidence_table.c.person_id == bindparam("person"), evidence_table.c.withdrawn_at.is_(None)
)
# A person without a standing proof gives one row without a proof.
_STANDING_WITH_LEVEL = (
    select(persons.c.level.label("present"), *(column for column in evidence_table.c if column.name != "person_id"))
    .outerjoin(
        evidence_table,
        (evidence_table.c.person_id == persons.c.person_id) & evidence_table.c.withdrawn_at.is_(None),
    )
    .where(persons.c.person_id == bindparam("person"))
)
