"""Reading accesses: the holder's "who looked", and the officer's own history.

Pages are cut by ledger position, so that entries arriving while somebody reads neither repeat nor hide a
row. The cursor is opaque to callers and checked here; one that was tampered with reads as the first page
would.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from certs_catalog.accesses.access import AccessPage, access_of
from certs_catalog.room import LicenseRoom
from certs_catalog.statuses import BEIJING
from certs_catalog.tables import accesses
from certs_catalog.vocabulary import HolderRef

LARGEST_PAGE = 100
_CURSOR = re.compile(r"([0-9]{1,18})-([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccessFilter:
    """What the holder chose to see; None admits everything. ``month`` is ``2026-05`` in Beijing time."""

    month: str | None = None
    type_code: str | None = None
    department_id: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class MonthCount:
    """How often a holder's licenses were asked for in one month, and how many of these were at a desk."""

    month: str
    total: int
    at_desk: int


@dataclass(frozen=True, slots=True)
class AccessChoices:
    """What occurs among a holder's accesses, for the choices of a filter: (value, zh, en)."""

    months: tuple[str, ...]
    types: tuple[tuple[str, str, str], ...]
    departments: tuple[tuple[str, str, str], ...]


async def list_accesses(
    holder: HolderRef,
    *,
    room: LicenseRoom,
    choice: AccessFilter | None = None,
    cursor: str | None = None,
    size: int = 20,
) -> AccessPage:
    """Return one page of the accesses that concern this holder, refused and failed ones included."""
    mine = accesses.c.holder_index == holder.index
    return await _page(mine, _admitted(choice or AccessFilter()), room=room, cursor=cursor, size=size)


async def list_officer_accesses(
    officer_id: str, *, room: LicenseRoom, cursor: str | None = None, size: int = 20
) -> AccessPage:
    """Return one page of an officer's own lookups, one row for each lookup."""
    mine = and_(accesses.c.officer_id == officer_id, accesses.c.is_leading)
    return await _page(mine, [], room=room, cursor=cursor, size=size)


async def count_officer_accesses_today(officer_id: str, *, room: LicenseRoom, now: datetime) -> int:
    """Count the officer's lookups since midnight in Beijing."""
    midnight = now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = select(func.count()).where(
        accesses.c.officer_id == officer_id, accesses.c.is_leading, accesses.c.at >= midnight
    )
    async with room.db.read() as connection:
        return int((await connection.execute(counted)).scalar_one())


async def count_by_month(
    holder: HolderRef, *, room: LicenseRoom, now: datetime, months: int = 6
) -> tuple[MonthCount, ...]:
    """Return the counts of the last months, oldest first, months without accesses included."""
    wanted = _last_months(now, months)
    at_desk = func.sum(case((accesses.c.channel == "desk", 1), else_=0))
    counted = (
        select(accesses.c.month, func.count().label("total"), at_desk.label("at_desk"))
        .where(accesses.c.holder_index == holder.index, accesses.c.month >= wanted[0])
        .group_by(accesses.c.month)
    )
    async with room.db.read() as connection:
        found = {row.month: row for row in await connection.execute(counted)}
    return tuple(
        MonthCount(month, int(found[month].total), int(found[month].at_desk))
        if month in found
        else MonthCount(month, 0, 0)
        for month in wanted
    )


async def access_choices(holder: HolderRef, *, room: LicenseRoom) -> AccessChoices:
    """Return which months, types and departments occur, newest month first."""
    occurring = (
        select(
            accesses.c.month,
            accesses.c.type_code,
            accesses.c.department_id,
            accesses.c.department_name_zh,
            accesses.c.department_name_en,
        )
        .where(accesses.c.holder_index == holder.index)
        .distinct()
    )
    async with room.db.read() as connection:
        rows = list(await connection.execute(occurring))
    departments = {
        row.department_id: (row.department_id, row.department_name_zh, row.department_name_en) for row in rows
    }
    codes = sorted({row.type_code for row in rows if row.type_code})
    return AccessChoices(
        months=tuple(sorted({row.month for row in rows}, reverse=True)),
        types=tuple((code, room.catalog.name_zh(code), room.catalog.name_en(code)) for code in codes),
        departments=tuple(sorted(departments.values(), key=lambda entry: entry[1])),
    )


async def _page(
    mine: ColumnElement[bool],
    admitted: list[ColumnElement[bool]],
    *,
    room: LicenseRoom,
    cursor: str | None,
    size: int,
) -> AccessPage:
    size = max(1, min(size, LARGEST_PAGE))
    rows = select(accesses).where(mine, *admitted)
    after = _CURSOR.fullmatch(cursor or "")
    if after is not None:
        position, access_id = int(after[1]), after[2]
        rows = rows.where(
            or_(
                accesses.c.position < position,
                and_(accesses.c.position == position, accesses.c.access_id > access_id),
            )
        )
    rows = rows.order_by(accesses.c.position.desc(), accesses.c.access_id).limit(size + 1)
    async with room.db.read() as connection:
        found = list(await connection.execute(rows))
        total = await connection.execute(select(func.count()).where(mine))
        matching = await connection.execute(select(func.count()).where(mine, *admitted))
        counts = int(total.scalar_one()), int(matching.scalar_one())
    items: list[Any] = [access_of(row, room.catalog) for row in found[:size]]
    last = items[-1] if len(found) > size else None
    return AccessPage(items, f"{last.position}-{last.access_id}" if last else None, *counts)


def _admitted(choice: AccessFilter) -> list[ColumnElement[bool]]:
    wanted = {
        accesses.c.month: choice.month,
        accesses.c.type_code: choice.type_code,
        accesses.c.department_id: choice.department_id,
        accesses.c.outcome: choice.outcome,
    }
    return [column == value for column, value in wanted.items() if value is not None]


def _last_months(now: datetime, count: int) -> list[str]:
    day = now.astimezone(BEIJING).replace(day=1)
    months = []
    for _ in range(count):
        months.append(f"{day:%Y-%m}")
        day = (day - timedelta(days=1)).replace(day=1)
    return months[::-1]
