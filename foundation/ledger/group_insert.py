"""A whole group in one statement, on PostgreSQL.

Head, entries and every row that belongs to them are written by one `WITH … INSERT … SELECT FROM json_populate_recordset(…)`: it is
atomic by itself, so the group costs one round trip, and its text depends on the shape of the group alone, so it is prepared once. The
rows of a table travel as one JSON document, which costs far less here than hundreds of typed values. A row names its entry by the
place in the group; the statement turns that into the position.

The order in which PostgreSQL runs the parts is not defined. Two groups that each insert a key of the other may therefore deadlock;
PostgreSQL then undoes one of them, and the caller commits its units one by one.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger.entries import POSITION
from foundation.ledger.store import ledger_entries

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # the package leaves its dialects untyped

Shape = tuple[Table, tuple[str, ...], str | None]
"""A table, the columns that its rows fill, and which of them is the position, if any."""


class GroupRows:
    """Rows sorted by shape, ready to travel."""

    def __init__(self) -> None:
        self._groups: dict[Shape, list[dict[str, Any]]] = {}

    def add(self, table: Table, row: Mapping[str, Any], place: int) -> None:
        """Add a row of the entry at `place` (from 0) of the group; a value POSITION becomes that entry's position."""
        positioned: str | None = None
        travelling: dict[str, Any] = {}
        for name, value in row.items():
            if value is POSITION:
                positioned, value = name, place
            travelling[name] = value
        self._groups.setdefault((table, tuple(travelling), positioned), []).append(travelling)

    def shapes(self) -> tuple[Shape, ...]:
        """Return the shapes in order of first appearance."""
        return tuple(self._groups)

    def documents(self) -> list[str]:
        """Return the rows of each shape as one JSON document."""
        return [_render(rows) for rows in self._groups.values()]


async def insert_group(connection: AsyncConnection, entries: Sequence[Mapping[str, Any]], rows: GroupRows) -> int:
    """Write the entries and their rows and return the position of the first entry."""
    placed = [{"position": place, **entry} for place, entry in enumerate(entries)]
    statement = _statement(tuple(placed[0]), rows.shapes())
    result = await connection.exec_driver_sql(statement, (len(entries), _render(placed), *rows.documents()))
    return int(result.scalar_one())


# Every name in the text comes from the tables' own metadata, every value travels as a parameter.
# ruff: noqa: S608
@lru_cache(maxsize=256)
def _statement(entry_names: tuple[str, ...], shapes: tuple[Shape, ...]) -> str:
    parts = [
        "head AS (UPDATE ledger_head SET size = size + $1 WHERE id = 1 RETURNING size - $1 AS first)",
        f"part_2 AS ({_insert((ledger_entries, entry_names, 'position'), 2)})",
        *(f"part_{number} AS ({_insert(shape, number)})" for number, shape in enumerate(shapes, 3)),
    ]
    return f"WITH {', '.join(parts)} SELECT first FROM head"


def _insert(shape: Shape, parameter: int) -> str:
    table, names, positioned = shape
    name_of_table = _quoted(table.name)
    columns = ", ".join(_quoted(name) for name in names)
    values = ", ".join(f"{'head.first + ' if name == positioned else ''}r.{_quoted(name)}" for name in names)
    source = "head, " if positioned else ""
    return (
        f"INSERT INTO {name_of_table} ({columns}) SELECT {values} "
        f"FROM {source}json_populate_recordset(NULL::{name_of_table}, ${parameter}::json) AS r"
    )


def _render(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows, default=_plain).decode()


def _plain(value: object) -> str:
    """Render octets as PostgreSQL reads them from text."""
    if isinstance(value, bytes | memoryview):
        return "\\x" + value.hex()
    raise TypeError(f"A row cannot hold a {type(value).__name__}.")


def _quoted(name: str) -> str:
    return _DIALECT.identifier_preparer.quote(name)
