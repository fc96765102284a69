"""Leases: a background job that must not run twice at once asks here first, on every node.

A lease is a row with a holder and an end, taken by one conditional write. A worker that stalls past the end has lost the lease;
the jobs themselves are idempotent, so a late finish harms nobody.
"""

from datetime import datetime, timedelta

from sqlalchemy import Column, String, Table, delete, or_

from foundation.database import Database, Instant, metadata

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Instant, nullable=False),
)


async def take_lease(db: Database, name: str, *, holder: str, term: timedelta, now: datetime) -> bool:
    """Take or prolong the lease `name` for `term`; False when somebody else holds it."""
    statement = db.insert(leases).values(name=name, holder=holder, until=now + term)
    async with db.transaction() as connection:
        done = await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[leases.c.name],
                set_={"holder": holder, "until": now + term},
                where=or_(leases.c.until <= now, leases.c.holder == holder),
            )
        )
    return done.rowcount == 1


async def give_lease_back(db: Database, name: str, *, holder: str) -> None:
    """End the lease before its time; somebody else's is left alone."""
    async with db.transaction() as connection:
        await connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
