"""Refusing to work on another schema than the code's own."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from foundation.database import Database

REVISION = "0002"
"""The schema revision of this code: the newest step in `gateway/migrations/versions`, which a test compares. It stands here so that
a worker need not import the migration tool to start.
"""


class SchemaOutdated(Exception):
    """The database is empty, older or newer than this code; the message names the next step."""


async def check_schema(db: Database) -> None:
    """Raise SchemaOutdated unless the database is at the revision of this code; StorageUnavailable when it does not answer."""
    try:
        async with db.read() as connection:
            found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    except DBAPIError:
        # The server answered, so the table of revisions is what is missing.
        found = None
    if found != REVISION:
        raise SchemaOutdated(
            f"The database is at schema revision {found or 'none'}, this program needs {REVISION}: run `renzheng migrate`."
        )
