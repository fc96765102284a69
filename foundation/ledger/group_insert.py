"""A whole group in one statement, on PostgreSQL.

Head, entries and every row that belongs to them are written by one `WITH … INSERT … SELECT FROM unnest(arrays)`: it is atomic by
itself, so the group costs one round trip, and its text depends on the shape of the group alone, so it is prepared once. Rows refer
to their entry by its place in the group; the statement turns that into the position.

The order in which PostgreSQL runs the parts is not defined. Two groups that each insert a key of the other may therefore deadlock;
PostgreSQL then undoes one of them, and the caller commits its units one by one.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import JSON, Column, DateTime, LargeBinary, String, Table, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Instant
from foundation.ledger.entries import POSITION
from foundation.ledger.store import ledger_entries

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # the package leaves its dialects untyped
_ENTRY_COLUMNS = ("at", "kind", "body", "leaf_hash", "personal")

Shape = tuple[Table, tuple[str, ...], str | None]
"""A table, the columns that are filled from arrays, and the column that takes the position, if any."""


class GroupRows:
    """Rows sorted by shape, each shape with one list for each of its columns and one for the place of the row's entry."""

    def __init__(self) -> None:
        self._groups: dict[Shape, tuple[list[list[Any]], list[int]]] = {}

    def add(self, table: Table, row: Mapping[str, Any], place: int) -> None:
        """Add a row of the entry at `place` (from 0) of the group; a value POSITION becomes that entry's position."""
        positioned: str | None = None
        names: list[str] = []
        for name, value in row.items():
            if value is POSITION:
                positioned = name
            else:
                names.append(name)
        shape: Shape = (table, tuple(names), positioned)
        group = self._groups.get(shape)
        if group is None:
            group = self._groups[shape] = ([[] for _ in names], [])
        for values, name in zip(group[0], names, strict=True):
            values.append(row[name])
        group[1].append(place)

    def shapes(self) -> tuple[Shape, ...]:
        """Return the shapes in order of first appearance."""
        return tuple(self._groups)

    def arrays(self) -> list[list[Any]]:
        """Return the parameters in the order of the statement's placeholders."""
        parameters: list[list[Any]] = []
        for (table, names, _), (lists, places) in self._groups.items():
            parameters.append(places)
            for name, values in zip(names, lists, strict=True):
                convert = isinstance(table.c[name].type, JSON)
                parameters.append(
                    [None if value is None else orjson.dumps(value).decode() for value in values] if convert else values
                )
        return parameters


async def insert_group(connection: AsyncConnection, entries: Sequence[Mapping[str, Any]], rows: GroupRows) -> int:
    """Write the entries and their rows and return the position of the first entry."""
    columns = [[entry[name] for entry in entries] for name in _ENTRY_COLUMNS]
    statement = _statement(rows.shapes())
    result = await connection.exec_driver_sql(statement, (len(entries), *columns, *rows.arrays()))
    return int(result.scalar_one())


# Every name in the text comes from the tables' own metadata, every value travels as a parameter.
# ruff: noqa: S608
@lru_cache(maxsize=256)
def _statement(shapes: tuple[Shape, ...]) -> str:
    parameter = iter(range(2, 10_000))
    entry_arrays = ", ".join(f"${next(parameter)}::{_array_type(ledger_entries.c[name])}" for name in _ENTRY_COLUMNS)
    entry_names = ", ".join(_quoted(name) for name in _ENTRY_COLUMNS)
    parts = [
        "head AS (UPDATE ledger_head SET size = size + $1 WHERE id = 1 RETURNING size - $1 AS first)",
        f"entries AS (INSERT INTO ledger_entries (position, {entry_names}) SELECT head.first + t.place - 1, "
        f"{', '.join(f't.{_quoted(name)}' for name in _ENTRY_COLUMNS)} "
        f"FROM head, unnest({entry_arrays}) WITH ORDINALITY AS t({entry_names}, place))",
    ]
    for number, (table, names, positioned) in enumerate(shapes):
        arrays = [
            f"${next(parameter)}::bigint[]",
            *(f"${next(parameter)}::{_array_type(table.c[name])}" for name in names),
        ]
        into = [_quoted(name) for name in names] + ([_quoted(positioned)] if positioned else [])
        values = [_value(table.c[name]) for name in names] + (["head.first + t.place"] if positioned else [])
        source = "head, " if positioned else ""
        parts.append(
            f"rows_{number} AS (INSERT INTO {_quoted(table.name)} ({', '.join(into)}) SELECT {', '.join(values)} "
            f"FROM {source}unnest({', '.join(arrays)}) AS t(place, {', '.join(_quoted(name) for name in names)}))"
        )
    return f"WITH {', '.join(parts)} SELECT first FROM head"


def _array_type(column: Column[Any]) -> str:
    """Return the array type in which a column's values travel: text for what is text or JSON, otherwise the column's own type."""
    kind = column.type
    if isinstance(kind, (String, Text, JSON)) and not isinstance(kind, LargeBinary):
        return "text[]"
    if isinstance(kind, (Instant, DateTime)):
        return "timestamptz[]"
    return f"{kind.compile(dialect=_DIALECT)}[]"


def _value(column: Column[Any]) -> str:
    cast = "::json" if isinstance(column.type, JSON) else ""
    return f"t.{_quoted(column.name)}{cast}"


def _quoted(name: str) -> str:
    return _DIALECT.identifier_preparer.quote(name)
