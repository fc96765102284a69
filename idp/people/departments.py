"""Entering departments and officers, for the command line and for imports; every change is heard by all workers."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from foundation.changes import Change, ChangeFeed
from foundation.database import Database
from foundation.entropy import Entropy
from foundation.identifiers import parse_social_credit_code
from foundation.ledger import Entry, Ledger
from idp.people.directory import ACTIVE, Department, Officer
from idp.people.errors import RecordConflict
from idp.people.tables import departments, officers


async def add_department(
    slug: str,
    name_zh: str,
    name_en: str,
    uscc: str,
    *,
    parent_id: str | None = None,
    actor: str,
    db: Database,
    ledger: Ledger,
    feed: ChangeFeed,
    entropy: Entropy,
    now: datetime,
) -> Department:
    """Add a public body; raises InvalidIdentifier for a USCC that does not check and RecordConflict for a taken slug or USCC."""
    code = parse_social_credit_code(uscc).code
    department = Department(entropy.identifier(), slug, name_zh, name_en, code, parent_id)
    row = {
        "department_id": department.department_id,
        "slug": slug,
        "name_zh": name_zh,
        "name_en": name_en,
        "uscc": code,
        "parent_id": parent_id,
        "created_at": now,
    }
    changes = [Change("department", department.department_id)]
    entry = Entry(
        kind="department.added",
        at=now,
        outcome="done",
        actor=actor,
        department=department.department_id,
        details={"slug": slug, "uscc": code},
    )
    try:
        async with db.transaction() as connection:
            await connection.execute(insert(departments).values(row))
            await ledger.append_in(connection, entry, changes=changes)
    except IntegrityError as error:
        raise RecordConflict("department") from error
    feed.apply(changes)
    return department


async def add_officer(
    person_id: str,
    department_id: str,
    work_number: str,
    *,
    post_zh: str,
    post_en: str,
    roles: Sequence[str],
    actor: str,
    db: Database,
    ledger: Ledger,
    feed: ChangeFeed,
    entropy: Entropy,
    now: datetime,
) -> Officer:
    """Give a person a post; raises RecordConflict when person or department is unknown or the work number is taken."""
    officer = Officer(
        entropy.identifier(), person_id, department_id, work_number, post_zh, post_en, tuple(roles), ACTIVE
    )
    row = {
        "officer_id": officer.officer_id,
        "person_id": person_id,
        "department_id": department_id,
        "work_number": work_number,
        "post_zh": post_zh,
        "post_en": post_en,
        "roles": list(roles),
        "status": ACTIVE,
        "created_at": now,
    }
    changes = [Change("officer", officer.officer_id)]
    entry = Entry(
        kind="officer.added",
        at=now,
        outcome="done",
        actor=actor,
        department=department_id,
        details={"officer": officer.officer_id, "roles": list(roles)},
        personal={"person": person_id},
    )
    try:
        async with db.transaction() as connection:
            await connection.execute(insert(officers).values(row))
            await ledger.append_in(connection, entry, changes=changes)
    except IntegrityError as error:
        raise RecordConflict("officer") from error
    feed.apply(changes)
    return officer
