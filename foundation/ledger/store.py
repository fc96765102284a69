"""The ledger's tables, and nothing but SQL on them.

`ledger_head` has one row: the number of entries. Adding n to it locks it until commit, so positions have no gaps and are ordered
by commit on every node; a rollback gives them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database, Instant, metadata

_HEAD = 1

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)
ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Column("personal", LargeBinary, nullable=True),
    Index("ix_ledger_entries_kind_at", "kind", "at"),
)
ledger_tree = Table(
    "ledger_tree",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)
ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)
ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One stored entry as it lies in the database, unverified."""

    position: int
    at: datetime
    kind: str
    body: str
    leaf_hash: bytes
    personal: bytes | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed tree head: `note` is the signed note of C2SP tlog-checkpoint."""

    size: int
    root: bytes
    note: str
    signed_at: datetime


async def add_singletons(db: Database) -> None:
    """Create the one-row tables' rows if they are missing; two nodes may do so at once."""
    async with db.transaction() as connection:
        for table in (ledger_head, ledger_tree):
            await connection.execute(db.insert(table).values(id=_HEAD, size=0).on_conflict_do_nothing())


async def take_positions(connection: AsyncConnection, count: int) -> int:
    """Reserve `count` consecutive positions until commit and return the first."""
    size = (
        await connection.execute(
            update(ledger_head)
            .where(ledger_head.c.id == _HEAD)
            .values(size=ledger_head.c.size + count)
            .returning(ledger_head.c.size)
        )
    ).scalar_one()
    return int(size) - count


async def add_entries(connection: AsyncConnection, rows: Sequence[dict[str, object]]) -> None:
    """Write entry rows at reserved positions."""
    await connection.execute(insert(ledger_entries), rows)


async def load_size(connection: AsyncConnection) -> int:
    """Return the number of entries."""
    return int((await connection.execute(select(ledger_head.c.size).where(ledger_head.c.id == _HEAD))).scalar_one())


async def load_tree_size(connection: AsyncConnection) -> int:
    """Return the number of entries that the tiles cover."""
    return int((await connection.execute(select(ledger_tree.c.size).where(ledger_tree.c.id == _HEAD))).scalar_one())


async def advance_tree(connection: AsyncConnection, *, old: int, new: int) -> bool:
    """Compare-and-swap the tree size; False says that another node was first and this one must write nothing."""
    done = await connection.execute(
        update(ledger_tree).where(ledger_tree.c.id == _HEAD, ledger_tree.c.size == old).values(size=new)
    )
    return done.rowcount == 1


async def load_leaves(connection: AsyncConnection, start: int, limit: int) -> list[bytes]:
    """Return the leaf hashes from position `start` on, stopping before the first gap."""
    rows = await connection.execute(
        select(ledger_entries.c.position, ledger_entries.c.leaf_hash)
        .where(ledger_entries.c.position >= start, ledger_entries.c.position < start + limit)
        .order_by(ledger_entries.c.position)
    )
    leaves: list[bytes] = []
    for row in rows:
        if row.position != start + len(leaves):
            break
        leaves.append(bytes(row.leaf_hash))
    return leaves


async def load_rows(connection: AsyncConnection, *, start: int, limit: int = 2_000) -> list[Row]:
    """Return up to `limit` entries from position `start` on, in order of position; gaps are passed over."""
    rows = await connection.execute(
        select(ledger_entries)
        .where(ledger_entries.c.position >= start)
        .order_by(ledger_entries.c.position)
        .limit(limit)
    )
    return [Row(row.position, row.at, row.kind, row.body, bytes(row.leaf_hash), row.personal) for row in rows]


async def find_row(connection: AsyncConnection, position: int) -> Row | None:
    """Return one entry, or None."""
    row = (await connection.execute(select(ledger_entries).where(ledger_entries.c.position == position))).one_or_none()
    if row is None:
        return None
    return Row(row.position, row.at, row.kind, row.body, bytes(row.leaf_hash), row.personal)


async def load_tiles(connection: AsyncConnection, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Return the hashes of the tiles (level, number) that exist."""
    found: dict[tuple[int, int], bytes] = {}
    for level in {level for level, _ in wanted}:
        rows = await connection.execute(
            select(ledger_tiles).where(
                ledger_tiles.c.level == level,
                ledger_tiles.c.number.in_([number for of, number in wanted if of == level]),
            )
        )
        found.update({(row.level, row.number): bytes(row.hashes) for row in rows})
    return found


async def save_tiles(db: Database, connection: AsyncConnection, tiles: dict[tuple[int, int], bytes]) -> None:
    """Write tiles; a partial tile is replaced by its longer self."""
    for (level, number), hashes in tiles.items():
        statement = db.insert(ledger_tiles).values(level=level, number=number, hashes=hashes)
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[ledger_tiles.c.level, ledger_tiles.c.number],
                set_={"hashes": statement.excluded.hashes},
            )
        )


async def add_checkpoint(connection: AsyncConnection, checkpoint: Checkpoint) -> None:
    """Write a signed tree head; a second one of the same size breaks the primary key, which is the point."""
    await connection.execute(
        insert(ledger_checkpoints).values(
            size=checkpoint.size, root=checkpoint.root, note=checkpoint.note, signed_at=checkpoint.signed_at
        )
    )


async def find_latest_checkpoint(connection: AsyncConnection) -> Checkpoint | None:
    """Return the largest signed tree head, or None before the first."""
    row = (
        await connection.execute(select(ledger_checkpoints).order_by(ledger_checkpoints.c.size.desc()).limit(1))
    ).one_or_none()
    return None if row is None else Checkpoint(row.size, bytes(row.root), row.note, row.signed_at)


async def load_checkpoints(connection: AsyncConnection, *, after: int, up_to: int) -> list[Checkpoint]:
    """Return the signed tree heads of sizes after < size <= up_to, smallest first."""
    rows = await connection.execute(
        select(ledger_checkpoints)
        .where(ledger_checkpoints.c.size > after, ledger_checkpoints.c.size <= up_to)
        .order_by(ledger_checkpoints.c.size)
    )
    return [Checkpoint(row.size, bytes(row.root), row.note, row.signed_at) for row in rows]
