"""Deleting in small batches: everything that is finished, nothing else, and no waiting."""

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from foundation.database import Database
from foundation.forgetting import forget_rows
from tests.servers import Stack

PILE = Table(
    "forgetting_pile",
    MetaData(),
    Column("left", String(8), primary_key=True),
    Column("right", Integer, primary_key=True),
    Column("age", Integer, nullable=False),
)


async def _pile(db: Database, size: int) -> None:
    async with db.transaction() as connection:
        await connection.run_sync(PILE.metadata.create_all)
        rows = [{"left": "a", "right": number, "age": number} for number in range(size)]
        await connection.execute(insert(PILE), rows)


async def _ages(db: Database) -> list[int]:
    async with db.read() as connection:
        return sorted((await connection.execute(select(PILE.c.age))).scalars())


async def test_a_long_pile_goes_in_batches(stack: Stack) -> None:
    """What is finished goes whatever the batch, by a key of two columns; what is not stays."""
    db = Database(stack.database_url)
    await _pile(db, 25)
    assert await forget_rows(db, PILE, PILE.c.age < 20, batch=7) == 20
    assert await _ages(db) == [20, 21, 22, 23, 24]
    assert await forget_rows(db, PILE, PILE.c.age < 20, batch=7) == 0
    await db.close()


async def test_a_round_ends_and_the_next_goes_on(stack: Stack) -> None:
    """One round takes so many batches and no more, so that the job's lease is long enough."""
    db = Database(stack.database_url)
    await _pile(db, 25)
    assert await forget_rows(db, PILE, PILE.c.age >= 0, batch=5, most=2) == 10
    assert len(await _ages(db)) == 15
    assert await forget_rows(db, PILE, PILE.c.age >= 0, batch=5) == 15
    await db.close()


async def test_a_row_that_somebody_holds_is_left_for_later(stack: Stack) -> None:
    """On PostgreSQL the batch passes over a locked row instead of waiting for its transaction; SQLite has one writer at a time."""
    db = Database(stack.database_url)
    await _pile(db, 3)
    if db.dialect == "postgresql":
        async with db.transaction() as connection:
            await connection.execute(select(PILE).where(PILE.c.age == 1).with_for_update())
            assert await forget_rows(db, PILE, PILE.c.age >= 0) == 2
        assert await _ages(db) == [1]
    await forget_rows(db, PILE, PILE.c.age >= 0)
    assert await _ages(db) == []
    await db.close()
