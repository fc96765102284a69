"""Departments and officers, held in memory: they are few, read by almost every request, and change rarely.

Invariant: after a change was heard on the topics "department" or "officer" nobody is answered from the old state; the next caller
re-reads, and whoever asks meanwhile waits for that reading.
"""

import asyncio
from dataclasses import dataclass

from sqlalchemy import select

from foundation.changes import Change, ChangeFeed
from foundation.database import Database
from idp.people.accounts import OPEN
from idp.people.tables import accounts, departments, officers

ACTIVE = "active"
LEFT = "left"


@dataclass(frozen=True, slots=True)
class Department:
    """A public body with its USCC and its place in the tree; `slug` is its short name in addresses and settings."""

    department_id: str
    slug: str
    name_zh: str
    name_en: str
    uscc: str
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class Officer:
    """A person at work in one department; `status` is active or left. `has_open_account` is false while the person's account is
    disabled or closed."""

    officer_id: str
    person_id: str
    department_id: str
    work_number: str
    post_zh: str
    post_en: str
    roles: tuple[str, ...]
    status: str
    has_open_account: bool = True

    @property
    def is_active(self) -> bool:
        """Tell whether the officer still holds the post."""
        return self.status == ACTIVE

    @property
    def may_act(self) -> bool:
        """Tell whether the officer may act now, or be named as acting: nobody may whose account is disabled or closed."""
        return self.is_active and self.has_open_account

    @property
    def label_zh(self) -> str:
        """What citizens see of an officer: work number and post, no name."""
        return f"{self.work_number} {self.post_zh}"

    @property
    def label_en(self) -> str:
        """The English form of the label."""
        return f"{self.work_number} {self.post_en}"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    departments: dict[str, Department]
    officers: dict[str, Officer]


class Directory:
    """This worker's copy of all departments and officers."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._snapshot: _Snapshot | None = None
        self._generation = 0
        self._reading = asyncio.Lock()

    @classmethod
    def open(cls, db: Database, feed: ChangeFeed) -> "Directory":
        """Return a directory that hears of changes; it reads at the first question."""
        directory = cls(db)
        feed.subscribe("department", directory._forget)
        feed.subscribe("officer", directory._forget)
        return directory

    async def find_department(self, department_id: str) -> Department | None:
        """Return the department with this id."""
        return (await self._current()).departments.get(department_id)

    async def find_department_by_slug(self, slug: str) -> Department | None:
        """Return the department with this slug."""
        return next((found for found in await self.all_departments() if found.slug == slug), None)

    async def all_departments(self) -> tuple[Department, ...]:
        """Return every department in order of slug."""
        return tuple((await self._current()).departments.values())

    async def find_officer(self, officer_id: str) -> Officer | None:
        """Return the officer with this id, also one who left."""
        return (await self._current()).officers.get(officer_id)

    async def find_officer_by_work_number(self, department_id: str, work_number: str) -> Officer | None:
        """Return the officer with this work number in a department, also one who left."""
        for officer in (await self._current()).officers.values():
            if (officer.department_id, officer.work_number) == (department_id, work_number):
                return officer
        return None

    async def officers_of(self, person_id: str) -> tuple[Officer, ...]:
        """Return the active posts of a person, in order of work number."""
        officers_now = (await self._current()).officers.values()
        return tuple(found for found in officers_now if found.person_id == person_id and found.is_active)

    def _forget(self, _change: Change) -> None:
        self._snapshot = None
        self._generation += 1

    async def _current(self) -> _Snapshot:
        if self._snapshot is not None:
            return self._snapshot
        async with self._reading:
            while self._snapshot is None:
                generation = self._generation
                snapshot = await self._read()
                # A change that arrived while reading may not be in what was read.
                if generation == self._generation:
                    self._snapshot = snapshot
            return self._snapshot

    async def _read(self) -> _Snapshot:
        async with self._db.read() as connection:
            department_rows = (await connection.execute(select(departments).order_by(departments.c.slug))).all()
            officer_rows = (
                await connection.execute(
                    select(officers, accounts.c.status.label("account_status"))
                    .outerjoin(accounts, accounts.c.person_id == officers.c.person_id)
                    .order_by(officers.c.work_number)
                )
            ).all()
        return _Snapshot(
            {
                row.department_id: Department(
                    row.department_id, row.slug, row.name_zh, row.name_en, row.uscc, row.parent_id
                )
                for row in department_rows
            },
            {
                row.officer_id: Officer(
                    row.officer_id,
                    row.person_id,
                    row.department_id,
                    row.work_number,
                    row.post_zh,
                    row.post_en,
                    tuple(row.roles),
                    row.status,
                    row.account_status in (None, OPEN),
                )
                for row in officer_rows
            },
        )
