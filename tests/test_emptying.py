"""A PostgreSQL database that a test gives back shows the next one no trace of it, or is not given on."""

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.emptying import SMALL_BYTES
from tests.servers import PostgresDatabases

ATTEMPTS = (
    "INSERT INTO attempt_counters SELECT 's', n::text::bytea, '[]', 0, 0, NULL, now() FROM generate_series(1, {}) n"
)
PARENT = "INSERT INTO departments VALUES ('p', 'p', 'p', 'p', '1', NULL, now())"
CHILD = "INSERT INTO departments VALUES ('c', 'c', 'c', 'c', '2', 'p', now())"
FEW, MANY = 3, SMALL_BYTES // 40
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"


def connected(url: str) -> psycopg.Connection:
    """Open an autocommitting connection to the database of an SQLAlchemy URL."""
    address = make_url(url).set(drivername="postgresql").render_as_string()
    return psycopg.connect(address, autocommit=True)


def filled(url: str) -> set[str]:
    """Return the names of the tables that have rows."""
    with connected(url) as connection:
        names = [name for (name,) in connection.execute(TABLES)]
        question = sql.SQL("SELECT FROM {} LIMIT 1")
        return {name for name in names if connection.execute(question.format(sql.Identifier(name))).rowcount}


@pytest.mark.parametrize("rows", [pytest.param(FEW, id="few rows"), pytest.param(MANY, id="many rows")])
def test_rows_are_gone_whatever_refers_to_them(postgres_databases: PostgresDatabases, rows: int) -> None:
    """Small tables and large ones, and rows that others refer to; the database itself is the same one."""
    with postgres_databases.fresh() as url, connected(url) as connection:
        connection.execute(ATTEMPTS.format(rows))
        connection.execute(PARENT)
        connection.execute(CHILD)
        assert filled(url) == {"alembic_version", "attempt_counters", "departments"}
    with postgres_databases.fresh() as again:
        assert again == url
        assert filled(again) == {"alembic_version"}


def test_a_connection_left_open_is_closed_with_its_locks(postgres_databases: PostgresDatabases) -> None:
    """A forgotten transaction holds up nobody."""
    with postgres_databases.fresh() as url:
        forgotten = connected(url)
        forgotten.execute("BEGIN")
        forgotten.execute("SELECT pg_advisory_lock(7)")
        forgotten.execute("LOCK TABLE attempt_counters")
    with pytest.raises(psycopg.OperationalError):
        forgotten.execute("SELECT 1")
    forgotten.close()
    with postgres_databases.fresh() as again, connected(again) as connection:
        taken = connection.execute("SELECT pg_try_advisory_lock(7)").fetchone()
        assert (again, taken) == (url, (True,))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("CREATE TABLE leftover (id int)", id="a table"),
        pytest.param("ALTER TABLE accounts ADD COLUMN leftover int", id="a column"),
        pytest.param("DROP INDEX ix_evidence_person", id="an index"),
        pytest.param("CREATE FUNCTION leftover() RETURNS int LANGUAGE sql RETURN 1", id="a function"),
        pytest.param("CREATE SCHEMA leftover", id="a schema"),
        pytest.param("ALTER TABLE accounts DISABLE TRIGGER ALL", id="constraints switched off"),
        pytest.param("UPDATE alembic_version SET version_num = '0000'", id="another revision"),
        pytest.param(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET jit = on', current_database()); END $$", id="a setting"
        ),
    ],
)
def test_a_changed_database_is_not_given_on(postgres_databases: PostgresDatabases, change: str) -> None:
    """What is no row cannot be undone by deleting rows."""
    with postgres_databases.fresh() as url, connected(url) as connection:
        connection.execute(change.encode())
    with postgres_databases.fresh() as another:
        assert another != url
        assert filled(another) == {"alembic_version"}
