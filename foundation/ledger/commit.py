"""Writing the ledger: the group commit, and the append inside a caller's own transaction.

Invariant: whoever gets a `Recorded` back may answer, because entry, rows and changes are durable. A unit that breaks a constraint
fails alone. When the database cannot write, everybody waiting gets StorageUnavailable and nothing has happened.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.batching import Turns
from foundation.changes import Change, ChangeFeed, changes
from foundation.database import Database, TransactionConflict
from foundation.entropy import Entropy
from foundation.ledger.entries import POSITION, SALT_OCTETS, Entry, Insert, Prepared, Recorded, prepare
from foundation.ledger.group_insert import GroupRows, insert_group
from foundation.ledger.store import add_entries, add_singletons, take_positions
from foundation.sealing import Sealer
from foundation.values import value_type

PERSONAL_CONTEXT = "ledger.personal"
MAX_GROUP = 256


@value_type
class _Unit:
    entry: Entry
    prepared: Prepared
    inserts: Sequence[Insert]
    changes: Sequence[Change]
    done: "asyncio.Future[Recorded] | None"


class Ledger:
    """The one door through which decisions become durable; share one per process."""

    def __init__(self, db: Database, *, sealer: Sealer, entropy: Entropy, feed: ChangeFeed) -> None:
        self._db = db
        self._sealer = sealer
        self._entropy = entropy
        self._feed = feed
        self._turns: Turns[_Unit] = Turns(self._commit_group, max_batch=MAX_GROUP)

    async def open(self) -> None:
        """Make the empty ledger exist; call once before the first append."""
        await add_singletons(self._db)

    async def append(self, entry: Entry, *, inserts: Sequence[Insert] = (), changes: Sequence[Change] = ()) -> Recorded:
        """Record the entry together with its rows and changes, sharing one transaction with whoever waits too.

        Returns when everything is durable. Raises IntegrityError when one of this caller's rows breaks a constraint, and
        StorageUnavailable when the ledger cannot be written; in both cases nothing of this unit is on record.
        """
        done: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._turns.put(_Unit(entry, self._prepare(entry), inserts, changes, done))
        recorded = await done
        self._feed.apply(changes)
        return recorded

    async def append_in(self, connection: AsyncConnection, entry: Entry, *, changes: Sequence[Change] = ()) -> Recorded:
        """Record the entry inside the caller's transaction, as its last statement: the ledger's head stays locked until commit.

        The changes reach other workers through the feed; this worker's own listeners hear them there as well, so a caller that
        needs its own caches fresh at once calls `ChangeFeed.apply` after the commit.
        """
        (recorded,) = await self._write(connection, [_Unit(entry, self._prepare(entry), (), changes, None)])
        return recorded

    def _prepare(self, entry: Entry) -> Prepared:
        return prepare(entry, salt=self._entropy.octets(SALT_OCTETS) if entry.personal else b"")

    async def _commit_group(self, units: Sequence[_Unit]) -> None:
        waiting = [unit for unit in units if unit.done is not None and not unit.done.cancelled()]
        if not waiting:
            return
        try:
            if self._db.dialect == "postgresql":
                # One statement, which is a transaction of its own.
                async with self._db.read() as connection:
                    recorded = await self._write(connection, waiting)
            else:
                async with self._db.transaction() as connection:
                    recorded = await self._write(connection, waiting)
        except (IntegrityError, TransactionConflict) as broken:
            if len(waiting) == 1:
                _settle(waiting[0], broken)
                return
            # One bad row must not fail its neighbours: find it by committing each unit alone.
            for unit in waiting:
                await self._commit_group([unit])
        except Exception as failure:
            for unit in waiting:
                _settle(unit, failure)
        else:
            for unit, result in zip(waiting, recorded, strict=True):
                _settle(unit, result)

    async def _write(self, connection: AsyncConnection, units: Sequence[_Unit]) -> list[Recorded]:
        entries = [self._row(unit) for unit in units]
        if self._db.dialect == "postgresql":
            first = await insert_group(connection, entries, _rows_of(units))
        else:
            first = await self._write_step_by_step(connection, entries, units)
        return [Recorded(position, unit.prepared.leaf) for position, unit in enumerate(units, first)]

    async def _write_step_by_step(
        self, connection: AsyncConnection, entries: Sequence[dict[str, object]], units: Sequence[_Unit]
    ) -> int:
        """Write a group with plain statements; SQLite has one writer, so their order locks nobody out."""
        first = await take_positions(connection, len(units))
        await add_entries(
            connection, [{"position": position, **entry} for position, entry in enumerate(entries, first)]
        )
        await _insert_rows(
            connection,
            (
                (table, _placed(row, position))
                for position, unit in enumerate(units, first)
                for table, row in _rows_of_unit(unit)
            ),
        )
        return first

    def _row(self, unit: _Unit) -> dict[str, object]:
        personal = unit.prepared.personal
        return {
            "at": unit.entry.at,
            "kind": unit.entry.kind,
            "body": unit.prepared.body.decode(),
            "leaf_hash": unit.prepared.leaf,
            "personal": None if personal is None else self._sealer.seal(personal, context=PERSONAL_CONTEXT),
        }


def _settle(unit: _Unit, result: Recorded | Exception) -> None:
    if unit.done is None or unit.done.done():
        return
    if isinstance(result, Recorded):
        unit.done.set_result(result)
    else:
        unit.done.set_exception(result)


def _rows_of(units: Sequence[_Unit]) -> GroupRows:
    rows = GroupRows()
    for place, unit in enumerate(units):
        for table, row in _rows_of_unit(unit):
            rows.add(table, row, place)
    return rows


def _rows_of_unit(unit: _Unit) -> Iterator[tuple[Table, Mapping[str, Any]]]:
    """Yield the rows that belong to an entry: the caller's own, and those of its changes."""
    for item in unit.inserts:
        yield item.table, item.row
    for ordinal, change in enumerate(unit.changes):
        yield (
            changes,
            {
                "position": POSITION,
                "ordinal": ordinal,
                "topic": change.topic,
                "key": change.key,
                "at": unit.entry.at,
                "expires_at": change.expires_at,
            },
        )


def _placed(row: Mapping[str, Any], position: int) -> dict[str, Any]:
    return {name: position if value is POSITION else value for name, value in row.items()}


async def _insert_rows(connection: AsyncConnection, rows: Iterable[tuple[Table, Mapping[str, Any]]]) -> None:
    """Write rows with one statement for each table and set of columns."""
    groups: dict[tuple[Table, frozenset[str]], list[Mapping[str, Any]]] = {}
    for table, row in rows:
        groups.setdefault((table, frozenset(row)), []).append(row)
    for (table, _), group in groups.items():
        await connection.execute(insert(table), group)
