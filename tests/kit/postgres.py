"""One PostgreSQL database for each worker, emptied before each test."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
from kit.runs import ledger, this_run
from kit.servers import POSTGRES_URL

from shared.service import Service

T = TypeVar("T")
_TRUNCATE_FROM = 1_000_000
"""Bytes of a table. Deleting a few rows takes a hundredth of what TRUNCATE takes, but leaves their place in the file."""


class TestDatabase:
    """A PostgreSQL database of one test run, made new and dropped after it. Each test finds it empty.

    Migrating takes longer than most tests, so `clear` keeps the schema that `migrated` made, under another name for the
    next test that asks for it: emptied, and only when its catalogue rows are the very ones that the migrations left.
    """

    __test__ = False

    def __init__(self, purpose: str) -> None:
        self.name = f"quanyu_test_{this_run()}_{purpose}"
        self.url = _url(self.name)
        self._as_migrated: dict[str, str] = {}
        self._line = _Line()
        self._open: asyncpg.Connection | None = None

    def create(self) -> None:
        """Make it, or make it again: empty, also after a test that was killed."""
        ledger().note("database", self.name)
        self._as_migrated.clear()
        self._line.run(self._create())

    def drop(self) -> None:
        self._line.run(self._leave())
        drop(self.name)
        self._line.close()
        ledger().forget("database", self.name)

    def clear(self) -> None:
        """Take every schema of the suite away, so that the next test starts from empty."""
        self._line.run(self._clear())

    async def migrated(self, service: Service) -> None:
        """Give the service the schema that its migrations make, unless it has one already."""
        schema = service.kit.db.schema
        if await self._line.wait(self._take_out(schema)):
            return
        await service.migrate()
        await self._line.wait(self._note_catalogue(schema))

    async def empty(self) -> None:
        """What `clear` does, inside a running loop (whose services may hold locks that they have yet to let go)."""
        await self._line.wait(self._clear())

    async def _create(self) -> None:
        await self._leave()
        server = await asyncpg.connect(POSTGRES_URL)
        try:
            await server.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
            await server.execute(f'CREATE DATABASE "{self.name}"')
            # No test takes the server's power away: a commit need not wait for the disk.
            await server.execute(f'ALTER DATABASE "{self.name}" SET synchronous_commit = off')
        finally:
            await server.close()

    async def _leave(self) -> None:
        if self._open is not None:
            await self._open.close()
            self._open = None

    async def _connection(self) -> asyncpg.Connection:
        if self._open is None or self._open.is_closed():
            self._open = await asyncpg.connect(self.url)
        return self._open

    async def _clear(self) -> None:
        connection = await self._connection()
        for (schema,) in await connection.fetch(_SCHEMAS):
            left = self._as_migrated.get(schema)
            if left is not None and await _catalogue(connection, schema) == left:
                await _empty(connection, schema)
                await connection.execute(f'ALTER SCHEMA "{schema}" RENAME TO "{_kept(schema)}"')
            else:
                await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')

    async def _take_out(self, schema: str) -> bool:
        connection = await self._connection()
        known = {row[0] for row in await connection.fetch("SELECT nspname FROM pg_namespace")}
        if schema not in known and _kept(schema) in known:
            await connection.execute(f'ALTER SCHEMA "{_kept(schema)}" RENAME TO "{schema}"')
            return True
        return schema in known

    async def _note_catalogue(self, schema: str) -> None:
        connection = await self._connection()
        if not await connection.fetch(_USED_TABLES, schema):
            self._as_migrated[schema] = await _catalogue(connection, schema)


def drop(name: str) -> None:
    """Drop a test's database, whoever is connected."""

    async def run() -> None:
        server = await asyncpg.connect(POSTGRES_URL)
        try:
            await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await server.close()

    line = _Line()
    line.run(run())
    line.close()


class _Line:
    """An event loop in a thread of its own: one connection serves fixtures with and without a running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test database", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _url(name: str) -> str:
    return POSTGRES_URL.rsplit("/", 1)[0] + "/" + name


def _kept(schema: str) -> str:
    return f"kept_{schema}"


async def _empty(connection: asyncpg.Connection, schema: str) -> None:
    used = await connection.fetch(_USED_TABLES, schema)
    if large := [name for name, size in used if size >= _TRUNCATE_FROM]:
        await connection.execute(f"TRUNCATE {', '.join(large)} CASCADE")
    if small := [name for name, size in used if size < _TRUNCATE_FROM]:
        # In one statement, at whose end foreign keys are looked at.
        parts = ", ".join(f"t{number} AS (DELETE FROM {name})" for number, name in enumerate(small))  # noqa: S608
        await connection.execute(f"WITH {parts} SELECT 1")
    await connection.execute(_RESTART_SEQUENCES, schema)


async def _catalogue(connection: asyncpg.Connection, schema: str) -> str:
    """Equal only while nobody has made, changed or dropped anything in the schema, be it changed back since."""
    catalogue = await connection.fetchval(_CATALOGUE, schema)
    if not await connection.fetchval("SELECT to_regclass($1)", f"{schema}.alembic_version"):
        return str(catalogue)
    versions = await connection.fetch(f'SELECT version_num FROM "{schema}".alembic_version')  # noqa: S608 - a part's name
    return f"{catalogue} {versions}"


_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public|kept_)'"
# Tables that have ever held a row since they were made or truncated, and their size.
_USED_TABLES = """
SELECT oid::regclass::text, pg_relation_size(oid) FROM pg_class
WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0
"""
_RESTART_SEQUENCES = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE schemaname = $1 AND last_value IS NOT NULL
"""
# xmin names the transaction that wrote a row. The rows of pg_class are written by TRUNCATE too: what matters of them.
_CATALOGUE = """
WITH mine AS (SELECT * FROM pg_class WHERE relnamespace = $1::regnamespace)
SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
    SELECT ROW('class', oid, relname, relkind, relpersistence, relowner, relacl, reloptions, relrowsecurity)::text FROM mine
    UNION ALL SELECT ROW('column', xmin, attrelid, attnum)::text FROM pg_attribute WHERE attrelid IN (SELECT oid FROM mine)
    UNION ALL SELECT ROW('default', xmin, oid)::text FROM pg_attrdef WHERE adrelid IN (SELECT oid FROM mine)
    UNION ALL SELECT ROW('constraint', xmin, oid)::text FROM pg_constraint WHERE connamespace = $1::regnamespace
    UNION ALL SELECT ROW('index', xmin, indexrelid)::text FROM pg_index WHERE indrelid IN (SELECT oid FROM mine)
    UNION ALL SELECT ROW('trigger', xmin, oid)::text FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM mine)
    UNION ALL SELECT ROW('rule', xmin, oid)::text FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM mine)
    UNION ALL SELECT ROW('policy', xmin, oid)::text FROM pg_policy WHERE polrelid IN (SELECT oid FROM mine)
    UNION ALL SELECT ROW('function', xmin, oid)::text FROM pg_proc WHERE pronamespace = $1::regnamespace
    UNION ALL SELECT ROW('type', xmin, oid)::text FROM pg_type WHERE typnamespace = $1::regnamespace
) AS lines (line)
"""
