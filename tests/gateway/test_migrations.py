"""The schema that the migrations make is the schema that the code means, on both engines."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from foundation.database import Database
from gateway.migrations import configuration, current_revision, head_revision, synchronous, upgrade
from gateway.migrations.schema import metadata
from gateway.schema_check import REVISION, SchemaOutdated, check_schema
from tests.servers import Stack


def test_the_migrated_schema_equals_the_tables(stack: Stack) -> None:
    """A column that was added to a table but to no migration would be missing in production alone."""
    assert current_revision(stack.database_url) == head_revision() == REVISION
    engine = create_engine(synchronous(stack.database_url))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
    engine.dispose()
    assert differences == []


def test_a_downgrade_to_nothing_leaves_nothing(stack: Stack) -> None:
    """Every step can be taken back."""
    command.downgrade(configuration(stack.database_url), "base")
    engine = create_engine(synchronous(stack.database_url))
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()


async def test_the_product_refuses_another_schema(tmp_path: Path) -> None:
    """V28: a half-migrated database is refused at start, with the command that mends it."""
    empty = f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    db = Database(empty)
    with pytest.raises(SchemaOutdated, match="migrate"):
        await check_schema(db)
    await db.close()
    upgrade(empty)
    db = Database(empty)
    await check_schema(db)
    await db.close()
