"""The database layer: both engines behave alike, and every engine failure leaves under one name."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.exc import IntegrityError

from foundation.database import Database, Instant, UnstorableValue
from foundation.leases import take_lease
from foundation.problems import StorageUnavailable
from loadtests.servers import free_port
from tests.servers import Stack

NOW = datetime(2026, 5, 18, 2, 32, 7, 123456, tzinfo=UTC)

samples = Table(
    "test_samples",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String(20), unique=True),
    Column("at", Instant),
)


@pytest.fixture
async def db(stack: Stack) -> AsyncIterator[Database]:
    """An open database with the sample table."""
    database = Database(stack.database_url)
    async with database.transaction() as connection:
        await connection.run_sync(samples.create, checkfirst=True)
    yield database
    await database.close()


async def test_an_instant_comes_back_equal_from_any_zone(db: Database) -> None:
    """Beijing time goes in, the same instant in UTC comes out; a naive time is refused."""
    beijing = NOW.astimezone(timezone(timedelta(hours=8)))
    async with db.transaction() as connection:
        await connection.execute(insert(samples).values(id=1, name="a", at=beijing))
    async with db.read() as connection:
        row = (await connection.execute(select(samples.c.at).where(samples.c.at == NOW))).one()
    assert row.at == NOW
    assert row.at.tzinfo is UTC
    with pytest.raises(Exception, match="time zone"):
        async with db.transaction() as connection:
            await connection.execute(insert(samples).values(id=2, name="b", at=NOW.replace(tzinfo=None)))


async def test_a_transaction_is_all_or_nothing(db: Database) -> None:
    """An exception takes back what was written before it."""

    async def write_then_fail() -> None:
        async with db.transaction() as connection:
            await connection.execute(insert(samples).values(id=1, name="a"))
            raise LookupError

    with pytest.raises(LookupError):
        await write_then_fail()
    async with db.read() as connection:
        assert (await connection.execute(select(samples))).all() == []


async def test_a_rehearsal_shows_its_changes_and_leaves_none(db: Database) -> None:
    """What-if questions are asked of the real data."""
    async with db.rehearsal() as connection:
        await connection.execute(insert(samples).values(id=1, name="a"))
        assert (await connection.execute(select(samples.c.id))).scalar_one() == 1
    async with db.read() as connection:
        assert (await connection.execute(select(samples))).all() == []


async def test_a_broken_constraint_is_an_answer(db: Database) -> None:
    """IntegrityError passes through: uniqueness is how the database decides races."""
    async with db.transaction() as connection:
        await connection.execute(insert(samples).values(id=1, name="a"))
    with pytest.raises(IntegrityError):
        async with db.transaction() as connection:
            await connection.execute(insert(samples).values(id=2, name="a"))


async def test_an_insert_may_step_aside(db: Database) -> None:
    """ON CONFLICT works on both engines."""
    for _ in range(2):
        async with db.transaction() as connection:
            await connection.execute(db.insert(samples).values(id=1, name="a").on_conflict_do_nothing())
    async with db.read() as connection:
        assert len((await connection.execute(select(samples))).all()) == 1


async def test_a_mistake_in_a_statement_is_not_called_an_outage(db: Database) -> None:
    """Otherwise a programming error would be retried for ever behind a 503."""
    with pytest.raises(Exception, match="no_such_table") as caught:
        async with db.read() as connection:
            await connection.execute(text("SELECT * FROM no_such_table"))
    assert not isinstance(caught.value, StorageUnavailable)


@pytest.mark.parametrize("value", [2**80, 2**40], ids=["wider than any integer", "wider than the column"])
async def test_a_number_out_of_range_is_the_callers_mistake(db: Database, value: int) -> None:
    """SQLSTATE class 22 and what a driver refuses by itself are a 400, never a fault of the server."""
    if db.dialect == "sqlite" and value < 2**63:
        async with db.read() as connection:
            assert (await connection.execute(select(samples).where(samples.c.id == value))).all() == []
        return
    for door in (db.read, db.transaction):
        with pytest.raises(UnstorableValue) as caught:
            async with door() as connection:
                await connection.execute(select(samples).where(samples.c.id == value))
        assert caught.value.status == 400


@pytest.mark.parametrize("value", ["a\x00b", "\ud800"], ids=["U+0000", "a lone surrogate"])
async def test_a_text_that_cannot_travel_is_the_callers_mistake(db: Database, value: str) -> None:
    """PostgreSQL has no U+0000 (22021); a lone surrogate is no UTF-8 anywhere."""
    if db.dialect == "sqlite" and value == "a\x00b":
        async with db.read() as connection:
            assert (await connection.execute(select(samples).where(samples.c.name == value))).all() == []
        return
    with pytest.raises(UnstorableValue):
        async with db.read() as connection:
            await connection.execute(select(samples).where(samples.c.name == value))


async def test_what_was_bound_stands_in_no_error_text(db: Database) -> None:
    """The log shows failures with their text; a name or a number sealed elsewhere must not get there."""
    async with db.transaction() as connection:
        await connection.execute(insert(samples).values(id=1, name="first"))
    with pytest.raises(IntegrityError) as caught:
        async with db.transaction() as connection:
            await connection.execute(insert(samples).values(id=1, name="who-it-is"))
    assert "who-it-is" not in str(caught.value)


async def test_an_unreachable_server_is_an_outage() -> None:
    """V01: connection refused becomes 503, whatever the driver calls it."""
    db = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")
    with pytest.raises(StorageUnavailable):
        await db.ping()
    with pytest.raises(StorageUnavailable):
        async with db.transaction() as connection:
            await connection.execute(text("SELECT 1"))
    await db.close()


async def test_a_lease_has_one_holder_until_it_ends(db: Database) -> None:
    """V27: two nodes never hold one lease at once; a holder may prolong its own."""
    term = timedelta(seconds=30)
    assert await take_lease(db, "job", holder="one", term=term, now=NOW)
    assert not await take_lease(db, "job", holder="two", term=term, now=NOW + timedelta(seconds=29))
    assert await take_lease(db, "job", holder="one", term=term, now=NOW + timedelta(seconds=29))
    assert not await take_lease(db, "job", holder="two", term=term, now=NOW + timedelta(seconds=31))
    assert await take_lease(db, "job", holder="two", term=term, now=NOW + timedelta(seconds=60))
