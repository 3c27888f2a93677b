"""One database of one part: a PostgreSQL schema or an SQLite file behind the same few calls."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Thread
from typing import Literal
from weakref import WeakSet

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.condition import Condition
from shared.db.engines import SQLITE_READERS, sqlite_engines
from shared.db.faults import is_full
from shared.db.postgresql import postgresql_engines
from shared.db.transaction import Errand, Transaction
from shared.db.turns import DatabaseBusy, Limits, OneEach, Turn, Turns
from shared.db.watch import Watch
from shared.observability.metrics import DATABASE_FULL

_LONGEST_CLOSE_MS = 5_000
_FIRST_REST, _LONGEST_REST = 0.05, 2.0
"""Seconds after which a server that had no connection left is asked again; doubled each time."""
_ambient: ContextVar[Mapping[int, Transaction]] = ContextVar("ambient_transactions", default={})  # noqa: B039 - never mutated


class Database:
    """The database of one part. Opens nothing until first used.

    `url` is `postgresql://user@host/db` (a schema of its own inside) or `sqlite:///path`. SQLite write transactions begin
    with BEGIN IMMEDIATE (a deferred one loses updates in silence) and flush to disk at commit (synchronous=FULL).
    """

    def __init__(self, url: str, *, schema: str, pool_size: int = 10, seconds: float = 10.0) -> None:
        """`seconds`: how long one statement of a request may take on PostgreSQL; others have multiples of it (`Limits`)."""
        parsed, limits = make_url(url), Limits(seconds)
        self.schema = schema
        self.condition = Condition(schema)
        self.file: Path | None = None
        """Where an embedded one is kept."""
        self._watch: Watch | None = None
        self._threads: WeakSet[Thread] = WeakSet()
        self._one_each = OneEach(schema)
        if parsed.get_backend_name() == "sqlite":
            self.dialect: Literal["sqlite", "postgresql"] = "sqlite"
            self.file = Path(parsed.database or "")
            self._writer, self._reader = sqlite_engines(parsed, self._threads)
            self._writing, self._reading = Turns(schema, 1, limits), Turns(schema, SQLITE_READERS, limits)
        elif parsed.get_backend_name() == "postgresql":
            self.dialect = "postgresql"
            self._watch = Watch(schema, limits)
            self._writer, self._reader = postgresql_engines(parsed, schema, pool_size, self._watch)
            self._writing = self._reading = Turns(schema, pool_size, limits)
        else:
            raise ValueError(f"database URL must begin with postgresql:// or sqlite:///, not {parsed.drivername}://")

    @property
    def readers(self) -> int:
        """How many transactions may read at a time."""
        return self._reading.size

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection that may write and has no transaction yet, for migrations."""
        return self._connected(self._writer, self._writing)

    def refuse_second(self) -> None:
        """Raises RuntimeError inside a transaction of this task: what is to come would wait for another connection."""
        self._one_each.refuse_second()

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine, turns: Turns) -> AsyncIterator[AsyncConnection]:
        held = self._one_each.open()
        try:
            connection, turn = await self._reach(engine, turns)
            watched = None if self._watch is None else self._watch.over(connection)
            try:
                yield connection
            finally:
                try:
                    await asyncio.shield(connection.close())
                finally:
                    if watched is not None:
                        watched.over()
                    turn.give_back()
        finally:
            held.close()

    async def _reach(self, engine: AsyncEngine, turns: Turns) -> tuple[AsyncConnection, Turn]:
        """A connection, and the turn to have it. While the server has none left, the pool is as large as what it gave us."""
        deadline, rest = time.monotonic() + turns.limits.turn(), _FIRST_REST
        while True:
            turn = await turns.take(deadline - time.monotonic())
            try:
                async with asyncio.timeout(None if self._watch is None else self._watch.checkout_seconds):
                    return await engine.connect(), turn
            except BaseException as error:
                full = is_full(error)
                turn.give_back(rest if full else 0.0)
                if not full:
                    self.condition.failed(error, connecting=True)
                    if isinstance(error, TimeoutError):
                        raise TimeoutError(f"the database of {self.schema} gives no connection in time") from error
                    raise
                DATABASE_FULL.labels(self.schema).inc()
                if time.monotonic() > deadline:
                    raise DatabaseBusy(f"the server has no connection left for {self.schema}") from error
                rest = min(2 * rest, _LONGEST_REST)

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
            async with self.connection() as connection:
                transaction = Transaction(connection, self.dialect)
                async with connection.begin():
                    yield transaction
                    await transaction.settle()
            self.condition.wrote() if transaction.changed else self.condition.answered()
            transaction.committed()
        except Exception as error:
            self.condition.failed(error)
            raise
        finally:
            async with AsyncExitStack() as stack:  # each is done, even when another fails
                for errand in reversed(transaction.take_afterwards() if transaction is not None else ()):
                    stack.push_async_callback(self._by_itself, errand)

    async def aside(self, errand: Errand) -> None:
        """Write what must stay whatever becomes of the request, such as a counted failure: in a transaction of its own.

        Inside a `joined` block that is after the block, when the caller has its connection back (on SQLite there is only
        one). Never call it inside a `write` block: give it to its transaction's `afterwards` there.
        """
        joined = _ambient.get().get(id(self))
        if joined is not None:
            joined.afterwards(errand)
        else:
            await self._by_itself(errand)

    async def _by_itself(self, errand: Errand) -> None:
        try:
            async with self.write() as transaction:
                await errand.work(transaction)
        finally:
            errand.over()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Reading only; never waits for a writer. Each statement sees what was committed before it, and inside a `joined`
        block that block's writes.
        """
        joined = _ambient.get().get(id(self))
        if joined is not None:
            yield joined
            return
        async with self._connected(self._reader, self._reading) as connection:
            transaction = Transaction(connection, self.dialect)
            try:
                yield transaction
            except Exception as error:
                self.condition.failed(error)
                raise
            self.condition.answered()
            if transaction.waits:
                raise RuntimeError("writes that wait would be lost: this block only reads")

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
