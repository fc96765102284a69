"""The database: one engine, two ways in.

`read()` gives an autocommitting connection (one round trip a statement); `transaction()` gives all-or-nothing. Both speak
SQLAlchemy Core and behave alike on SQLite (WAL, demo and small tests) and PostgreSQL (production). Invariant: a failure of the
engine itself always leaves as `StorageUnavailable`, so that no door needs to know drivers; a broken constraint leaves as
SQLAlchemy's `IntegrityError`, because it is an answer; a value that no column can hold leaves as `UnstorableValue`, because it came
from outside. The parameters of a statement never stand in an error's text: they are people's data.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, cast

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    MetaData,
    Table,
    any_,
    bindparam,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from foundation.problems import ErrorCode, RenzhengError, StorageUnavailable, register

S = TypeVar("S")

STATEMENT_TIMEOUT_MS = 2_500
CONNECT_TIMEOUT_S = 2.5
POOL_TIMEOUT_S = 3.0
SQLITE_BUSY_TIMEOUT_MS = 5_000

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""The tables of every room. A room's `tables` module must be imported before migrations look at it."""


UNSTORABLE_VALUE = register(
    ErrorCode(
        code="40003",
        status=400,
        title_zh="提交的内容无法处理",
        title_en="A value cannot be processed",
        cause_zh="提交的内容含有无法处理的字符，或数值超出范围，系统没有处理。",
        cause_en="What was sent holds a character or a number out of range; nothing was done with it.",
        remedy_zh="请检查填写的内容或地址，去掉特殊字符后重试。",
        remedy_en="Please check what was entered or the address, remove unusual characters and try again.",
    )
)


class UnstorableValue(RenzhengError):
    """A value of the request fits no column: U+0000, a lone surrogate, a number out of range (SQLSTATE class 22); nothing was
    written."""

    error_code = UNSTORABLE_VALUE


class TransactionConflict(StorageUnavailable):
    """PostgreSQL undid the transaction to resolve a deadlock or a serialization failure; nothing was written, and a repetition may
    succeed at once (SQLSTATE class 40)."""


class Instant(TypeDecorator[datetime]):
    """A column of aware UTC instants; SQLite keeps them as UTC text of one width, so that they sort and compare."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values: a time without a zone is a mistake waiting for daylight saving."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant needs a time zone.")
        moved = value.astimezone(UTC)
        return moved.replace(tzinfo=None) if dialect.name == "sqlite" else moved

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored instant, aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """One engine with its pool; open one per process and close it with the lifespan."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        parsed = make_url(url)
        self.dialect = cast(Literal["sqlite", "postgresql"], parsed.get_backend_name())
        if self.dialect == "sqlite":
            self.engine = _sqlite_engine(url, pool_size)
            self._reading: AsyncEngine = self.engine
        else:
            self.engine = _postgresql_engine(url, pool_size)
            self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writing = self.engine.execution_options(renzheng_writes=True)
        self._kept: dict[Callable[[Database], Any], Any] = {}

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection on which every statement stands alone: one round trip, no BEGIN, no COMMIT.

        A single writing statement (a conditional `UPDATE … RETURNING`) is allowed here too: it commits by itself.
        """
        try:
            async with self._reading.connect() as connection:
                yield connection
        except _FAILURES as failure:
            raise translated(failure) from failure

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection inside a transaction that commits at the end and rolls back on any exception.

        Never await another system inside: the locks taken here are waited for by everybody else.
        """
        try:
            async with self._writing.begin() as connection:
                yield connection
        except _FAILURES as failure:
            raise translated(failure) from failure

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection inside a transaction that is always rolled back: for asking "what if" of the real data."""
        async with self._writing.connect() as connection:
            await connection.begin()
            try:
                yield connection
            finally:
                await connection.rollback()

    def insert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        """Return the dialect's INSERT, the one that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)

    def kept(self, build: "Callable[[Database], S]") -> S:
        """Return the statement that `build` makes for this database, built once: making one costs more than running it."""
        statement: S | None = self._kept.get(build)
        if statement is None:
            statement = self._kept[build] = build(self)
        return statement

    async def hold_name(self, connection: AsyncConnection, name: str) -> None:
        """Keep every other transaction that asks for `name` waiting until this one ends: for writes that read first what they change.

        PostgreSQL's advisory locks do it; on SQLite a transaction already writes alone.
        """
        if self.dialect == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    def among(self, column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Return the condition that `column` is one of the values passed as the list `parameter` at execution.

        Build the statement once and keep it: on PostgreSQL the list travels as one array, so there is one statement, prepared once,
        for every length of list.
        """
        if self.dialect == "sqlite":
            return column.in_(bindparam(parameter, expanding=True))
        return column == any_(bindparam(parameter, type_=ARRAY(column.type)))

    async def ping(self) -> None:
        """Do one round trip; raises StorageUnavailable when the database does not answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()


# What the drivers raise bare when a value does not fit their wire: a number too large, a text that is no UTF-8.
_UNFIT = (OverflowError, UnicodeEncodeError)
_FAILURES = (DBAPIError, PoolTimeout, OSError, TimeoutError, *_UNFIT)

# SQLSTATE classes in which nothing is wrong with the statement but with the server: connection, resources, operator, system, internal.
_SERVER_CLASSES = ("08", "25006", "53", "55P03", "57", "58", "XX")
_CONFLICT_CLASS = "40"
_DATA_CLASS = "22"


def translated(failure: Exception) -> Exception:
    """Return what a caller may see of an engine failure: StorageUnavailable, UnstorableValue, or the failure itself when it is an answer."""
    if isinstance(failure, _UNFIT):
        return UnstorableValue(type(failure).__name__)
    if not isinstance(failure, DBAPIError):
        return StorageUnavailable(detail=f"{type(failure).__name__}: database unreachable")
    if isinstance(failure, IntegrityError):
        return failure
    state = str(getattr(failure.orig, "sqlstate", None) or getattr(failure.orig, "pgcode", None) or "")
    if state.startswith(_CONFLICT_CLASS):
        return TransactionConflict(detail=f"{type(failure.orig).__name__} {state}")
    if state.startswith(_DATA_CLASS) or (not state and _is_unfit(failure.orig)):
        return UnstorableValue(f"{type(failure.orig).__name__} {state}".strip())
    message = str(failure.orig).lower()
    lost = failure.connection_invalidated or state.startswith(_SERVER_CLASSES)
    if lost or any(sign in message for sign in ("connection", "locked", "disk", "readonly", "timeout")):
        return StorageUnavailable(detail=f"{type(failure.orig).__name__} {state}".strip())
    return failure


def _is_unfit(cause: BaseException | None) -> bool:
    """Tell whether the driver refused a value before it was sent: asyncpg's own DataError, a ValueError without a SQLSTATE."""
    while cause is not None:
        if isinstance(cause, ValueError):
            return True
        cause = cause.__cause__
    return False


def _postgresql_engine(url: str, pool_size: int) -> AsyncEngine:
    arguments: dict[str, Any] = {}
    if "+asyncpg" in url:
        arguments = {
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": STATEMENT_TIMEOUT_MS / 1000 + 0.5,
            "server_settings": {
                "application_name": "renzheng",
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": "15000",
                "jit": "off",
            },
        }
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_TIMEOUT_S,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args=arguments,
    )


def _sqlite_engine(url: str, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=pool_size, pool_timeout=POOL_TIMEOUT_S, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # The driver must not open transactions by itself: reads run in autocommit, writers say BEGIN IMMEDIATE below.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={SQLITE_BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        # Taking the write lock at once avoids the deadlock of two readers that both want to upgrade.
        if connection.get_execution_options().get("renzheng_writes"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
