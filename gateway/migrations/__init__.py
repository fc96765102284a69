"""The database schema, step by step (Alembic). The same migrations run on SQLite and PostgreSQL.

`schema` imports every table of every room; a new step is made by `alembic revision --autogenerate` against an upgraded database.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

_HERE = Path(__file__).parent


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; committed on return. Raises SQLAlchemy's errors when it cannot be reached."""
    command.upgrade(configuration(database_url), revision)


def configuration(database_url: str) -> Config:
    """Return the Alembic configuration for an application address (its async driver is replaced by a synchronous one)."""
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("sqlalchemy.url", synchronous(database_url).replace("%", "%%"))
    return config


def head_revision() -> str:
    """Return the revision that this code needs."""
    head = ScriptDirectory(str(_HERE)).get_current_head()
    if head is None:
        raise RuntimeError("The product ships without migrations.")
    return head


def current_revision(database_url: str) -> str | None:
    """Return the revision of the database, None when it is empty."""
    engine = create_engine(synchronous(database_url))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def synchronous(database_url: str) -> str:
    """Return the address with a driver that Alembic can use without an event loop."""
    return database_url.replace("+aiosqlite", "").replace("+asyncpg", "+psycopg")
