"""Sealing again after a rotation of the sealing key: complete, repeatable, and no hindrance to whoever writes meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from foundation.database import Database
from foundation.entropy import SystemEntropy
from foundation.leases import give_lease_back, leases, take_lease
from foundation.ledger.sealed_columns import SEALED_COLUMNS as OF_LEDGER
from foundation.ledger.store import ledger_entries
from foundation.resealing import BATCH, LEASE, LEASE_TERM, Progress, ResealUnderWay, count_left, reseal_columns
from foundation.sealing import Sealer, SealingKey
from foundation.signing import KeyRing, PurposePolicy, RotationPolicy, ensure_keys
from foundation.signing.sealed_columns import SEALED_COLUMNS as OF_KEYS
from tests.servers import Stack

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
OLD = SealingKey("2026a", "A256GCM", bytes(range(32)))
# Its id begins with the old one's: a head is told apart by its length, too.
NEW = SealingKey("2026a-2", "A256GCM", bytes(range(32, 64)))
(PERSONAL,) = OF_LEDGER
ROWS = BATCH * 2 + 17


class Stopped(Exception):
    """The operator pressed Ctrl-C."""


def sealer_of(*keys: SealingKey) -> Sealer:
    """A sealer whose first key seals."""
    return Sealer(keys, entropy=SystemEntropy())


@pytest.fixture
async def db(stack: Stack) -> AsyncIterator[Database]:
    """A database with sealed and empty personal parts in many ledger rows."""
    opened = Database(stack.database_url)
    old = sealer_of(OLD)
    rows = [
        {
            "position": at,
            "at": NOW,
            "kind": "test",
            "body": "{}",
            "leaf_hash": bytes(32),
            "personal": None if at % 10 == 0 else old.seal_text(f"part {at}", context=PERSONAL.context),
        }
        for at in range(ROWS)
    ]
    async with opened.transaction() as connection:
        await connection.execute(insert(ledger_entries), rows)
    yield opened
    await opened.close()


SEALED = sum(at % 10 != 0 for at in range(ROWS))


async def reseal(
    db: Database, sealer: Sealer, *, holder: str = "one", now: datetime = NOW, stop_at: int | None = None
) -> list[Progress]:
    """Reseal the ledger and return everything that was told; stopped by the operator once so many values are done."""
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if stop_at is not None and progress.done >= stop_at:
            raise Stopped

    await reseal_columns((PERSONAL,), db=db, sealer=sealer, holder=holder, clock=lambda: now, tell=tell)
    return told


async def texts(db: Database, sealer: Sealer) -> dict[int, str | None]:
    """What the rows hold, opened."""
    async with db.read() as connection:
        rows = list(await connection.execute(select(ledger_entries.c.position, ledger_entries.c.personal)))
    return {
        row.position: row.personal and sealer.open_text(bytes(row.personal), context=PERSONAL.context) for row in rows
    }


async def test_everything_opens_with_the_new_key_alone(db: Database) -> None:
    """No value is lost or changed, empty ones stay empty, and the count says how far it is."""
    before = await texts(db, sealer_of(OLD))
    both = sealer_of(NEW, OLD)
    assert await count_left(PERSONAL, db=db, sealer=both) == SEALED
    told = await reseal(db, both)
    assert (told[0].done, told[0].total) == (0, SEALED)
    assert (told[-1].done, told[-1].total, told[-1].broken) == (SEALED, SEALED, ())
    assert await count_left(PERSONAL, db=db, sealer=both) == 0
    assert await texts(db, sealer_of(NEW)) == before
    assert [(progress.done, progress.total) for progress in await reseal(db, both)] == [(0, 0)]


async def test_an_interrupted_pass_is_finished_by_the_next(db: Database) -> None:
    """What was done stays done; the next pass begins at once, since the interrupted one gave its lease back."""
    before = await texts(db, sealer_of(OLD))
    both = sealer_of(NEW, OLD)
    with pytest.raises(Stopped):
        await reseal(db, both, stop_at=1)
    left = await count_left(PERSONAL, db=db, sealer=both)
    assert 0 < left < SEALED
    assert await texts(db, both) == before
    told = await reseal(db, both, holder="two")
    assert (told[-1].done, told[-1].total) == (left, left)
    assert await texts(db, sealer_of(NEW)) == before


async def test_a_cancelled_pass_ends_between_two_batches(db: Database) -> None:
    """Ctrl-C cancels it wherever it is: no transaction hangs, the lease is back, and what was told of is done."""
    both = sealer_of(NEW, OLD)
    before = await texts(db, both)
    for delay in (0, 0.001, 0.005, 0.01, 0.02, 0.03):
        begun = asyncio.Event()
        told: list[Progress] = []

        def tell(progress: Progress, told: list[Progress] = told, begun: asyncio.Event = begun) -> None:
            told.append(progress)
            begun.set()

        left = await count_left(PERSONAL, db=db, sealer=both)
        passing = asyncio.create_task(
            reseal_columns((PERSONAL,), db=db, sealer=both, holder="one", clock=lambda: NOW, tell=tell)
        )
        await begun.wait()
        await asyncio.sleep(delay)
        passing.cancel()
        await asyncio.gather(passing, return_exceptions=True)
        assert await take_lease(db, LEASE, holder="next", term=LEASE_TERM, now=NOW)
        await give_lease_back(db, LEASE, holder="next")
        assert await count_left(PERSONAL, db=db, sealer=both) <= left - told[-1].done
    assert await texts(db, both) == before
    await reseal(db, both)
    assert await texts(db, sealer_of(NEW)) == before


async def test_two_passes_do_not_run_at_once(db: Database) -> None:
    """A killed pass keeps the next one away for as long as its lease; an ended one for no time."""
    both = sealer_of(NEW, OLD)
    assert await take_lease(db, LEASE, holder="killed", term=LEASE_TERM, now=NOW)
    with pytest.raises(ResealUnderWay):
        await reseal(db, both)
    assert await count_left(PERSONAL, db=db, sealer=both) == SEALED
    await reseal(db, both, now=NOW + LEASE_TERM)
    assert await count_left(PERSONAL, db=db, sealer=both) == 0
    async with db.read() as connection:
        assert (await connection.execute(select(leases.c.name).where(leases.c.name == LEASE))).all() == []


async def test_the_lease_is_prolonged_while_the_pass_runs(db: Database) -> None:
    """A pass that takes longer than its lease stays the only one: its lease always reaches beyond the present."""
    at = NOW

    def clock() -> datetime:
        nonlocal at
        at += LEASE_TERM / 2
        return at

    passing = asyncio.create_task(
        reseal_columns(
            (PERSONAL,), db=db, sealer=sealer_of(NEW, OLD), holder="one", clock=clock, tell=lambda _progress: None
        )
    )
    while at == NOW or not passing.done():
        await asyncio.sleep(0)
        asked = at
        if asked > NOW + LEASE_TERM / 2:
            async with db.read() as connection:
                until = (await connection.execute(select(leases.c.until).where(leases.c.name == LEASE))).scalar()
            assert until is None or until >= asked
    assert (await passing)[0].done == SEALED
    assert at > NOW + LEASE_TERM


async def test_what_is_written_meanwhile_is_not_undone(db: Database, stack: Stack) -> None:
    """A node that serves changes the very values that the pass is at: the later writer wins, always."""
    both = sealer_of(NEW, OLD)
    node = Database(stack.database_url)
    wanted = await texts(db, both)
    stop = asyncio.Event()

    async def serve() -> None:
        turn = 0
        while not stop.is_set() or turn < 20:
            turn += 1
            # Sealed by a node that was not restarted yet, and by one that was.
            sealer = sealer_of(OLD) if turn % 2 else both
            for at in (turn % ROWS, ROWS - 1 - turn % ROWS, BATCH):
                text = f"changed {turn} {at}"
                async with node.transaction() as connection:
                    await connection.execute(
                        update(ledger_entries)
                        .where(ledger_entries.c.position == at)
                        .values(personal=sealer.seal_text(text, context=PERSONAL.context))
                    )
                wanted[at] = text

    serving = asyncio.create_task(serve())
    for _ in range(5):
        await reseal(db, both)
    stop.set()
    await serving
    await node.close()
    assert await texts(db, both) == wanted
    await reseal(db, both)
    assert await texts(db, sealer_of(NEW)) == wanted


async def test_what_does_not_open_is_named_and_left(db: Database) -> None:
    """One damaged value, or a key that was thrown away, stops nothing and destroys nothing."""
    lost = sealer_of(SealingKey("lost", "A256GCM", bytes(range(64, 96)))).seal(b"x", context=PERSONAL.context)
    async with db.transaction() as connection:
        await connection.execute(update(ledger_entries).where(ledger_entries.c.position == 5).values(personal=lost))
        damaged = ledger_entries.c.position == 7
        sealed = (await connection.execute(select(ledger_entries.c.personal).where(damaged))).scalar_one()
        await connection.execute(update(ledger_entries).where(damaged).values(personal=bytes(sealed[:-1]) + b"\x00"))
    both = sealer_of(NEW, OLD)
    told = await reseal(db, both)
    assert told[-1].broken == ("5", "7")
    assert told[-1].done == SEALED - 2
    assert await count_left(PERSONAL, db=db, sealer=both) == 2
    async with db.read() as connection:
        kept = await connection.execute(select(ledger_entries.c.personal).where(ledger_entries.c.position == 5))
        assert bytes(kept.scalar_one()) == lost


async def test_resealed_signing_keys_sign_on_and_load_anew(db: Database) -> None:
    """A value bound to its row opens in its row; a process that holds the key already is not disturbed."""
    policy = RotationPolicy((PurposePolicy("oidc", ("ES256",)),))
    await ensure_keys(db, sealer=sealer_of(OLD), policy=policy, now=NOW)
    running = KeyRing(sealer_of(NEW, OLD))
    await running.refresh(db)
    await reseal_columns(
        OF_KEYS, db=db, sealer=sealer_of(NEW, OLD), holder="one", clock=lambda: NOW, tell=lambda _progress: None
    )
    assert not await running.refresh(db)
    fresh = KeyRing(sealer_of(NEW))
    await fresh.refresh(db)
    token = fresh.sign_jwt({"exp": int(NOW.timestamp()) + 60}, purpose="oidc", alg="ES256", typ="JWT", now=NOW)
    later = NOW + timedelta(seconds=1)
    assert running.verify(token, purpose="oidc", algs=("ES256",), typ="JWT", now=later).claims["exp"]
