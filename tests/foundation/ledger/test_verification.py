"""Tampering with the ledger's rows, tree and checkpoints: every change is found and the row is named."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import Executable, LargeBinary, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger.merkle import is_consistent, leaf_hash, root_of_inclusion
from foundation.ledger.proofs import prove_consistency, prove_inclusion
from foundation.ledger.store import ledger_checkpoints, ledger_entries, ledger_head, ledger_tiles
from foundation.ledger.verification import Report
from tests.foundation.ledger.world import LedgerWorld, entry, open_ledger
from tests.servers import Stack

COUNT = 600


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[LedgerWorld]:
    """A ledger of 600 entries under two checkpoints."""
    async with open_ledger(stack.database_url) as opened:
        for part in (range(300), range(300, COUNT)):
            for number in part:
                await _append(opened, number)
            await opened.seal()
        yield opened


async def _append(world: LedgerWorld, number: int) -> None:
    await world.ledger.append(entry(number))


async def after(world: LedgerWorld, *statements: Executable) -> Report:
    """Verify what the database would say after the statements, and roll them back."""
    async with world.db.rehearsal() as connection:
        for statement in statements:
            await connection.execute(statement)
        return await world.verify(connection)


def positions(report: Report) -> set[int | None]:
    """Return the rows that the report names."""
    return {fault.position for fault in report.faults}


async def test_an_untouched_ledger_is_sound(world: LedgerWorld) -> None:
    """The positive control: nothing is reported, and the last checkpoint covers all."""
    report = await world.verify()
    assert report.is_sound
    assert (report.entries, report.checkpoints, report.uncovered) == (COUNT, 2, 0)


async def test_a_deleted_row_is_named(world: LedgerWorld) -> None:
    """X01: from the middle, and the newest one with the head put back."""
    assert 77 in positions(await after(world, delete(ledger_entries).where(ledger_entries.c.position == 77)))
    newest = await after(
        world,
        delete(ledger_entries).where(ledger_entries.c.position == COUNT - 1),
        update(ledger_head).values(size=COUNT - 1),
    )
    assert not newest.is_sound


async def test_swapped_rows_are_both_named(world: LedgerWorld) -> None:
    """X03: the tree knows where each entry belongs."""
    entries = ledger_entries.c
    report = await after(
        world,
        update(ledger_entries).where(entries.position == 10).values(position=10**6),
        update(ledger_entries).where(entries.position == 11).values(position=10),
        update(ledger_entries).where(entries.position == 10**6).values(position=11),
    )
    assert {10, 11} <= positions(report)


async def test_a_row_beyond_the_end_is_named(world: LedgerWorld) -> None:
    """X03: an entry that was not appended through the head is a forgery."""
    async with world.db.read() as connection:
        row = (await connection.execute(select(ledger_entries).where(ledger_entries.c.position == 5))).one()
    forged = {**row._mapping, "position": COUNT + 5}
    assert COUNT + 5 in positions(await after(world, insert(ledger_entries).values(**forged)))


async def test_a_recomputed_leaf_does_not_hide_a_changed_body(world: LedgerWorld) -> None:
    """X06: whoever can write the database can recompute hashes, but not the signed root."""
    async with world.db.read() as connection:
        row = (await connection.execute(select(ledger_entries).where(ledger_entries.c.position == 5))).one()
        tile = (
            await connection.execute(
                select(ledger_tiles.c.hashes).where(ledger_tiles.c.level == 0, ledger_tiles.c.number == 0)
            )
        ).scalar_one()
    body = row.body.replace("officer:5", "officer:6")
    leaf = leaf_hash(body.encode())
    changed = update(ledger_entries).where(ledger_entries.c.position == 5).values(body=body, leaf_hash=leaf)
    assert positions(await after(world, changed)) == {5}
    with_tile = (
        update(ledger_tiles)
        .where(ledger_tiles.c.level == 0, ledger_tiles.c.number == 0)
        .values(hashes=tile[: 5 * 32] + leaf + tile[6 * 32 :])
    )
    report = await after(world, changed, with_tile)
    assert not report.is_sound
    assert any("root" in fault.reason for fault in report.faults)


def _flip(value: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(value))
    return value[:at] + bytes([value[at] ^ 1 << chance.randrange(8)]) + value[at + 1 :]


async def flip_entry(connection: AsyncConnection, chance: random.Random) -> int | None:
    """Flip one bit of one column of one entry and return its position."""
    position = chance.randrange(COUNT)
    row = (await connection.execute(select(ledger_entries).where(ledger_entries.c.position == position))).one()
    column = chance.choice(["body", "leaf_hash", "personal", "kind"])
    value = getattr(row, column)
    changed: object
    if isinstance(ledger_entries.c[column].type, LargeBinary):
        changed = _flip(bytes(value), chance)
    else:
        at = chance.randrange(len(value))
        changed = value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
    await connection.execute(
        update(ledger_entries).where(ledger_entries.c.position == position).values({column: changed})
    )
    return position


async def flip_checkpoint(connection: AsyncConnection, chance: random.Random) -> int | None:
    """Flip one bit of one column of one checkpoint."""
    rows = list(await connection.execute(select(ledger_checkpoints)))
    row = chance.choice(rows)
    changed: dict[str, object] = chance.choice(
        [
            {"root": _flip(bytes(row.root), chance)},
            {"note": row.note[:-9] + chr(ord(row.note[-9]) ^ 1) + row.note[-8:]},
            {"note": row.note.replace("renzheng", "renzhenh", 1)},
            {"signed_at": row.signed_at.replace(microsecond=(row.signed_at.microsecond + 1) % 10**6)},
        ]
    )
    await connection.execute(update(ledger_checkpoints).where(ledger_checkpoints.c.size == row.size).values(changed))
    return None


@pytest.mark.parametrize("flip", [flip_entry, flip_checkpoint])
async def test_every_flipped_bit_is_detected(
    world: LedgerWorld, flip: Callable[[AsyncConnection, random.Random], Awaitable[int | None]]
) -> None:
    """X02: 30 random flips a run, each found, each row named."""
    chance = random.Random(20260518)
    for _ in range(30):
        async with world.db.rehearsal() as connection:
            position = await flip(connection, chance)
            report = await world.verify(connection)
        assert not report.is_sound
        if position is not None:
            assert positions(report) == {position}


async def test_erasing_the_personal_parts_leaves_the_ledger_sound(world: LedgerWorld) -> None:
    """Erasure on request must not break a proof: the body only commits to the personal parts."""
    report = await after(world, text("UPDATE ledger_entries SET personal = NULL WHERE position = 9"))
    assert report.is_sound


async def test_proofs_from_the_stored_tiles_hold(world: LedgerWorld) -> None:
    """X15: inclusion of some entries under the last checkpoint, consistency between the two."""
    async with world.db.read() as connection:
        for position in (0, 255, 256, 299, 300, 511, 599):
            proof = await prove_inclusion(connection, position)
            assert proof is not None
            assert root_of_inclusion(proof.leaf_hash, position, COUNT, proof.path) == proof.checkpoint.root
        heads = list(await connection.execute(select(ledger_checkpoints).order_by(ledger_checkpoints.c.size)))
        path = await prove_consistency(connection, 300, COUNT)
        assert is_consistent(300, bytes(heads[0].root), COUNT, bytes(heads[1].root), path)
