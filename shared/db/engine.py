"""One database of one part: a PostgreSQL schema or an SQLite file behind the same few calls."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Thread
from typing import Any, Literal, TypeVar
from weakref import WeakSet

import aiosqlite
from sqlalchemy import CursorResult, Executable, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared import private_files
from shared.db.rows import shaped
from shared.db.types import json_dumps, json_loads

R = TypeVar("R")
_LONGEST_CLOSE_MS = 5_000
_SQLITE_READERS = 4
"""Connections of readers, and as many again at peaks."""
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
_ambient: ContextVar[Mapping[int, "Transaction"]] = ContextVar("ambient_transactions", default={})  # noqa: B039 - never mutated


class Transaction:
    """One open transaction. Repositories take it as their first argument; only its owner commits."""

    def __init__(self, connection: AsyncConnection, dialect: Literal["sqlite", "postgresql"]) -> None:
        self.connection = connection
        self.dialect = dialect
        self._after_commit: list[Callable[[], None]] = []
        self._afterwards: list[Work] = []

    async def execute(self, statement: Executable, parameters: Parameters = None) -> CursorResult[Any]:
        """Run one statement, or one statement with many parameter sets."""
        return await self.connection.execute(statement, parameters)

    async def rows(self, kind: type[R], statement: Executable, parameters: Parameters = None) -> list[R]:
        """The rows that the statement answers, as `kind`: a table's model, or a NamedTuple or dataclass of the columns."""
        return shaped(kind, await self.connection.execute(statement, parameters))

    async def row(self, kind: type[R], statement: Executable, parameters: Parameters = None) -> R | None:
        """The only row, or None. More than one is a mistake: ValueError."""
        found = await self.rows(kind, statement, parameters)
        if len(found) > 1:
            raise ValueError(f"{len(found)} rows of {kind.__name__} where one at most was meant")
        return found[0] if found else None

    async def run(self, statement: Executable, parameters: Parameters = None) -> int:
        """Write: with one set of parameters or with many. Answers how many rows were changed.

        With many sets PostgreSQL's driver does not count: ask only after statements with one.
        """
        return (await self.connection.execute(statement, parameters)).rowcount

    async def scalars(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """The first column of each row."""
        return list((await self.connection.execute(statement, parameters)).scalars())

    async def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.scalar(statement, parameters)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` once this transaction is durable; not at all when it rolls back."""
        if callback not in self._after_commit:
            self._after_commit.append(callback)

    def afterwards(self, work: "Work") -> None:
        """Do `work` in a transaction of its own once this one is over, however it ended: committed or rolled back."""
        self._afterwards.append(work)

    def committed(self) -> None:
        """Call what waits for the commit."""
        for callback in self._after_commit:
            callback()

    def take_afterwards(self) -> list["Work"]:
        """What was left for afterwards, once."""
        works, self._afterwards = self._afterwards, []
        return works


Work = Callable[[Transaction], Awaitable[None]]


class Database:
    """The database of one part. Opens nothing until first used.

    `url` is `postgresql://user@host/db` (a schema of its own inside) or `sqlite:///path`. SQLite write transactions begin
    with BEGIN IMMEDIATE (a deferred one loses updates in silence) and flush to disk at commit (synchronous=FULL).
    """

    def __init__(self, url: str, *, schema: str, pool_size: int = 10) -> None:
        parsed = make_url(url)
        self.schema = schema
        self._threads: WeakSet[Thread] = WeakSet()
        self.readers = 2 * pool_size
        """How many transactions may read at a time."""
        if parsed.get_backend_name() == "sqlite":
            self.dialect: Literal["sqlite", "postgresql"] = "sqlite"
            self.readers = 2 * _SQLITE_READERS
            self._writer, self._reader = _sqlite_engines(parsed, self._threads)
        elif parsed.get_backend_name() == "postgresql":
            self.dialect = "postgresql"
            self._writer, self._reader = _postgresql_engines(parsed, schema, pool_size)
        else:
            raise ValueError(f"database URL must begin with postgresql:// or sqlite:///, not {parsed.drivername}://")

    @property
    def engine(self) -> AsyncEngine:
        """The writing engine, for migrations."""
        return self._writer

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """One transaction: committed at the end of the block, rolled back by an exception.

        Inside a `joined` block it is that block's transaction and commits with it.
        """
        joined = _ambient.get().get(id(self))
        if joined is not None:
            yield joined
            return
        transaction: Transaction | None = None
        try:
            async with self._writer.connect() as connection:
                transaction = Transaction(connection, self.dialect)
                async with connection.begin():
                    yield transaction
            transaction.committed()
        finally:
            async with AsyncExitStack() as stack:  # each is done, even when another fails
                for work in reversed(transaction.take_afterwards() if transaction is not None else ()):
                    stack.push_async_callback(self._by_itself, work)

    async def aside(self, work: Work) -> None:
        """Write what must stay whatever becomes of the request, such as a counted failure: in a transaction of its own.

        Inside a `joined` block that is after the block, when the caller has its connection back (on SQLite there is only
        one). Never call it inside a `write` block: give the work to its transaction's `afterwards` there.
        """
        joined = _ambient.get().get(id(self))
        if joined is not None:
            joined.afterwards(work)
        else:
            await self._by_itself(work)

    async def _by_itself(self, work: Work) -> None:
        async with self.write() as transaction:
            await work(transaction)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Reading only; never waits for a writer. Inside a `joined` block it sees that block's writes."""
        joined = _ambient.get().get(id(self))
        if joined is not None:
            yield joined
            return
        async with self._reader.connect() as connection:
            yield Transaction(connection, self.dialect)

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[Transaction]:
        """A write transaction that every `write()` and `read()` of this task inside the block joins."""
        async with self.write() as transaction:
            token = _ambient.set({**_ambient.get(), id(self): transaction})
            try:
                yield transaction
            finally:
                _ambient.reset(token)

    def is_joined(self) -> bool:
        """True inside a `joined` block of this task."""
        return id(self) in _ambient.get()

    async def close(self) -> None:
        """Close every connection, and wait for what works on them.

        A cancelled task gives its connection back in the background, and SQLite's connections have threads that answer to
        the event loop: neither may find the loop closed.
        """
        pools = {self._writer.sync_engine.pool, self._reader.sync_engine.pool}
        await _until(lambda: not any(pool.checkedout() for pool in pools))  # type: ignore[attr-defined] # every pool here counts
        await self._writer.dispose()
        if self._reader.sync_engine.pool is not self._writer.sync_engine.pool:
            await self._reader.dispose()
        await _until(lambda: not any(thread.is_alive() for thread in self._threads))


async def _until(done: Callable[[], bool]) -> None:
    """Returns when it is so, after some seconds in any case: closing must end."""
    for _ in range(_LONGEST_CLOSE_MS // 5):
        if done():
            return
        await asyncio.sleep(0.005)


_JSON: dict[str, Any] = {"json_serializer": json_dumps, "json_deserializer": json_loads}


class _SqliteConnection(sqlite3.Connection):
    """Gives the write lock back when it is closed in the middle of a transaction, as that of a cancelled task is.

    Closing alone keeps the lock as long as anybody holds a cursor, such as the traceback of the cancellation: every write
    would wait for a garbage collection.
    """

    def close(self) -> None:
        """Roll back, then close."""
        if self.in_transaction:
            self.rollback()
        super().close()


def _sqlite_engines(url: URL, threads: WeakSet[Thread]) -> tuple[AsyncEngine, AsyncEngine]:
    """The writing and the reading engine. Each connection has a thread, which `threads` gets to know before it starts."""
    path = url.database
    if not path or path == ":memory:":
        raise ValueError("an SQLite database needs a file: sqlite:///data/coupon.db")
    private_files.make_folder(Path(path).parent)
    url = url.set(drivername="sqlite+aiosqlite")

    async def connect() -> aiosqlite.Connection:
        private_files.touch(Path(path))  # SQLite gives the files beside it the same rights
        for suffix in ("-wal", "-shm"):
            private_files.close_to_others(Path(path + suffix))
        connection = aiosqlite.connect(path, isolation_level=None, factory=_SqliteConnection)
        connection._thread.daemon = True  # as SQLAlchemy would have it: no thread keeps a process that wants to end
        threads.add(connection._thread)
        return await connection

    options: dict[str, Any] = {"hide_parameters": True, "async_creator": connect, **_JSON}
    # One writer by nature: a pool of one lets tasks queue in memory instead of on the file lock.
    writer = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=60, **options)
    reader = create_async_engine(
        url, pool_size=_SQLITE_READERS, max_overflow=_SQLITE_READERS, pool_timeout=60, **options
    )
    for engine in (writer, reader):
        event.listen(engine.sync_engine, "connect", _configure_sqlite)
    event.listen(writer.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(reader.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return writer, reader


def _configure_sqlite(connection: Any, _record: Any) -> None:
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _postgresql_engines(url: URL, schema: str, pool_size: int) -> tuple[AsyncEngine, AsyncEngine]:
    writer = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=30,
        pool_pre_ping=False,
        connect_args={
            "timeout": 10,
            "server_settings": {
                "search_path": schema,
                "application_name": f"quanyu-{schema}",
                # A prepared statement would keep the plan of its first runs, made while its table was empty: every row
                # read for every lookup, until the next ANALYZE (measured: 46 ms for what takes 4 planned afresh).
                "plan_cache_mode": "force_custom_plan",
            },
        },
        **_JSON,
    )
    # Single reads need no BEGIN and COMMIT round trips.
    return writer, writer.execution_options(isolation_level="AUTOCOMMIT")
