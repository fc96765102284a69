"""Deleting rows that can matter no more, in small batches, so that a long pile never becomes a long transaction.

Each batch is one statement that commits by itself. It passes over rows that somebody holds, so it waits for nobody and two workers may do
it at once; what is left over is taken by the next round.
"""

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from foundation.database import Database

BATCH = 1_000
MOST_BATCHES = 200
"""Rows of one table in one round: 200,000 a minute by default, far more than are made."""


async def forget_rows(
    db: Database, table: Table, finished: ColumnElement[bool], *, batch: int = BATCH, most: int = MOST_BATCHES
) -> int:
    """Delete the rows of the table that are finished and return how many; at most `most` batches of `batch` rows.

    The condition has to be one that no row leaves again. Raises StorageUnavailable; batches before it stay done.
    """
    key = tuple_(*table.primary_key.columns)
    picked = select(*table.primary_key.columns).where(finished).limit(batch).with_for_update(skip_locked=True)
    statement = delete(table).where(key.in_(picked))
    forgotten = 0
    for _ in range(most):
        async with db.read() as connection:
            gone = (await connection.execute(statement)).rowcount
        forgotten += gone
        if gone < batch:
            break
    return forgotten
