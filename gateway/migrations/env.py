"""Alembic's entry: run the migrations over one synchronous connection."""

from alembic import context
from sqlalchemy import create_engine, pool

from gateway.migrations.schema import metadata


def run() -> None:
    """Connect, and run what is pending in one transaction."""
    engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
