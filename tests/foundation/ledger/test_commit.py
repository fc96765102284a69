"""Writing the ledger: durability, order, and the fate of neighbours in one group."""

import asyncio

import pytest
from sqlalchemy import Table, func, select
from sqlalchemy.exc import IntegrityError

from foundation.database import Database, metadata
from foundation.ledger import POSITION, Change, Insert
from foundation.ledger.store import ledger_entries
from foundation.problems import StorageUnavailable
from loadtests.servers import run_postgres
from tests.foundation.ledger.world import NOW, LedgerWorld, entry, open_ledger
from tests.servers import Stack

changes_table: Table = metadata.tables["changes"]


async def stored_positions(world: LedgerWorld) -> list[int]:
    """Return every position in order."""
    async with world.db.read() as connection:
        rows = await connection.execute(select(ledger_entries.c.position).order_by(ledger_entries.c.position))
        return [row.position for row in rows]


async def test_parallel_appends_of_two_nodes_leave_no_gap_and_no_double(stack: Stack) -> None:
    """X18: identical concurrent events are exactly one entry each, in one gap-free sequence."""
    async with open_ledger(stack.database_url) as one, open_ledger(stack.database_url, one) as two:
        recorded = await asyncio.gather(
            *(node.ledger.append(entry(number)) for number in range(150) for node in (one, two))
        )
        assert sorted(item.position for item in recorded) == list(range(300))
        assert await stored_positions(one) == list(range(300))
        await one.seal()
        assert (await two.verify()).is_sound


async def test_a_unit_that_breaks_a_constraint_fails_alone(stack: Stack) -> None:
    """Callers share a transaction by chance; one caller's duplicate must not refuse the others."""
    async with open_ledger(stack.database_url) as world:
        row = {"position": 10**9, "ordinal": 0, "topic": "t", "key": "k", "at": NOW}
        first = await world.ledger.append(entry(1), inserts=[Insert(changes_table, row)])
        results = await asyncio.gather(
            world.ledger.append(entry(2)),
            world.ledger.append(entry(3), inserts=[Insert(changes_table, row)]),
            world.ledger.append(entry(4)),
            return_exceptions=True,
        )
        assert isinstance(results[1], IntegrityError)
        assert [item.position for item in (results[0], results[2]) if not isinstance(item, BaseException)] == [
            first.position + 1,
            first.position + 2,
        ]


async def test_rows_and_entry_are_on_record_together(stack: Stack) -> None:
    """X10: an effect without its entry cannot exist; POSITION in a row becomes the entry's position."""
    async with open_ledger(stack.database_url) as world:
        await world.ledger.append(entry(0))
        recorded = await world.ledger.append(
            entry(1),
            inserts=[Insert(changes_table, {"position": POSITION, "ordinal": 7, "topic": "t", "key": "k", "at": NOW})],
        )
        async with world.db.read() as connection:
            found = (
                await connection.execute(select(changes_table.c.position).where(changes_table.c.ordinal == 7))
            ).scalar_one()
        assert found == recorded.position == 1


async def test_an_append_inside_a_transaction_that_rolls_back_leaves_nothing(stack: Stack) -> None:
    """The position is given back too, so the next entry leaves no gap."""
    async with open_ledger(stack.database_url) as world:

        async def fail_after_appending() -> None:
            async with world.db.transaction() as connection:
                await world.ledger.append_in(connection, entry(1))
                raise LookupError

        with pytest.raises(LookupError):
            await fail_after_appending()
        assert (await world.ledger.append(entry(2))).position == 0


async def test_changes_reach_the_other_node_in_order_and_a_starting_node_learns_standing_ones(stack: Stack) -> None:
    """A revocation is heard by who runs and by who starts later; an invalidation only by who runs."""
    async with open_ledger(stack.database_url) as one, open_ledger(stack.database_url, one) as two:
        heard: list[str] = []
        two.feed.subscribe("revoked", lambda change: heard.append(change.key))
        two.feed.subscribe("client", lambda change: heard.append(change.key))
        await two.feed.start()
        await one.ledger.append(entry(1), changes=[Change("client", "app")])
        await one.ledger.append(entry(2), changes=[Change("revoked", "grant:1", NOW.replace(year=2096))])
        await two.feed.catch_up()
        assert heard == ["app", "grant:1"]
        async with open_ledger(stack.database_url, one) as late:
            learnt: list[str] = []
            for topic in ("client", "revoked"):
                late.feed.subscribe(topic, lambda change: learnt.append(change.key))
            await late.feed.start()
            assert learnt == ["grant:1"]


async def test_nothing_is_acknowledged_when_the_database_is_gone() -> None:
    """X09: a ledger that cannot be written refuses; it recovers by itself when the database is back."""
    with run_postgres() as server:
        assert server.process is not None
        server.create_database("gone")
        url = server.url("gone")
        await create_tables(url)
        async with open_ledger(url) as world:
            await world.ledger.append(entry(1))
            server.process.stop()
            with pytest.raises(StorageUnavailable):
                await world.ledger.append(entry(2))
            server.process.start()
            for _ in range(50):
                try:
                    recorded = await world.ledger.append(entry(3))
                    break
                except StorageUnavailable:
                    await asyncio.sleep(0.1)
            assert recorded.position == 1


async def create_tables(url: str) -> None:
    """Create every table in an empty database."""
    db = Database(url)
    async with db.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    await db.close()


async def test_a_cancelled_caller_does_not_disturb_the_others(stack: Stack) -> None:
    """V11: a client that goes away while its entry waits neither fails nor confuses its neighbours."""
    async with open_ledger(stack.database_url) as world:
        tasks = [asyncio.ensure_future(world.ledger.append(entry(number))) for number in range(60)]
        await asyncio.sleep(0)
        for task in tasks[::7]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        recorded = [item for item in done if not isinstance(item, BaseException)]
        assert len(recorded) == 60 - len(tasks[::7])
        async with world.db.read() as connection:
            count = (await connection.execute(select(func.count()).select_from(ledger_entries))).scalar_one()
        assert count >= len(recorded)
