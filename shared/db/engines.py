"""The connections to an SQLite file, and what all pools have in common: a fixed size, so that none grows under load."""

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any
from weakref import WeakSet

import aiosqlite
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared import private_files
from shared.db.types import json_dumps, json_loads

SQLITE_READERS = 8
POOL: dict[str, Any] = {"max_overflow": 0, "pool_timeout": 10}
"""Who has a turn finds a connection; the wait is for one that a cancelled task gives back in the background."""
_PRAGMAS = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
JSON: dict[str, Any] = {"json_serializer": json_dumps, "json_deserializer": json_loads}


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


def sqlite_engines(url: URL, threads: WeakSet[Thread]) -> tuple[AsyncEngine, AsyncEngine]:
    """The writing and the reading engine. Each connection has a thread, which `threads` gets to know before it starts."""
    path = url.database
    if not path or path == ":memory:":
        raise ValueError("an SQLite database needs a file: sqlite:///data/coupon.db")
    private_files.make_folder(Path(path).parent)
    url = url.set(drivername="sqlite+aiosqlite")

    async def opened() -> aiosqlite.Connection:
        private_files.touch(Path(path))  # SQLite gives the files beside it the same rights
        for suffix in ("-wal", "-shm"):
            private_files.close_to_others(Path(path + suffix))
        connection = aiosqlite.connect(path, isolation_level=None, factory=_SqliteConnection)
        connection._thread.daemon = True  # as SQLAlchemy would have it: no thread keeps a process that wants to end
        threads.add(connection._thread)
        await connection
        try:
            for pragma in _PRAGMAS:
                await connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            await connection.close()
            raise
        return connection

    async def connect() -> aiosqlite.Connection:
        opening = asyncio.create_task(opened())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:  # opened all the same, by a thread: nobody else would close it
            with suppress(Exception):
                await (await opening).close()
            raise

    options: dict[str, Any] = {"hide_parameters": True, "async_creator": connect, **POOL, **JSON}
    # One writer by nature: a pool of one lets tasks queue in memory instead of on the file lock.
    writer = create_async_engine(url, pool_size=1, **options)
    # Each statement reads what was committed last, as on PostgreSQL; BEGIN and ROLLBACK are four ways to the thread and back.
    reader = create_async_engine(url, pool_size=SQLITE_READERS, skip_autocommit_rollback=True, **options)
    event.listen(writer.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return writer, reader
