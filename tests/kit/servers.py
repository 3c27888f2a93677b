"""Real servers that the tests use when they are there. A missing one skips aloud, and fails where CI=true."""

import asyncio
import os
import shutil
import socket
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from shared.db import Database
from shared.db.migrate import upgrade
from shared.service import Service

POSTGRES_URL = os.environ.get("QUANYU_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
BROKER_URL = os.environ.get("QUANYU_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")
REDIS_URL = os.environ.get("QUANYU_TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
_URLS = {"postgresql": (POSTGRES_URL, 5432), "rabbitmq": (BROKER_URL, 5672), "redis": (REDIS_URL, 6379)}


@lru_cache
def available(server: str) -> bool:
    """True when something listens where the server should be."""
    url, port = _URLS[server]
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or port), timeout=2):
            return True
    except OSError:
        return False


def require(server: str) -> None:
    """Skip the test aloud when the server is missing; fail it where nothing may be skipped."""
    if available(server):
        return
    reason = f"{server} does not listen at {urlsplit(_URLS[server][0]).hostname}: this test was not run"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TestDatabase:
    """A PostgreSQL database of one test run, made new and dropped after it. Each test finds it empty.

    Migrating takes longer than most tests, so `clear` keeps the schema that `migrated` made, under another name for the
    next test that asks for it: emptied, and only when its catalogue rows are the very ones that the migrations left.
    """

    __test__ = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = POSTGRES_URL.rsplit("/", 1)[0] + "/" + name
        self._as_migrated: dict[str, str] = {}

    def create(self) -> None:
        self._as_migrated.clear()
        self._run(POSTGRES_URL, f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)', f'CREATE DATABASE "{self.name}"')

    def drop(self) -> None:
        self._run(POSTGRES_URL, f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def clear(self) -> None:
        """Take every schema of the suite away, so that the next test starts from empty."""
        asyncio.run(self.empty())

    async def migrated(self, service: Service) -> None:
        """Give the service the schema that its migrations make, unless it has one already."""
        schema = service.kit.db.schema
        connection = await asyncpg.connect(self.url)
        try:
            known = {row[0] for row in await connection.fetch("SELECT nspname FROM pg_namespace")}
            if schema in known:
                return
            if _kept(schema) in known:
                await connection.execute(f'ALTER SCHEMA "{_kept(schema)}" RENAME TO "{schema}"')
                return
            await service.migrate()
            if not await connection.fetch(_USED_TABLES, schema):
                self._as_migrated[schema] = await _catalogue(connection, schema)
        finally:
            await connection.close()

    async def empty(self) -> None:
        """What `clear` does, inside a running loop."""
        connection = await asyncpg.connect(self.url)
        try:
            rows = await connection.fetch(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public|kept_)'"
            )
            for (schema,) in rows:
                left = self._as_migrated.get(schema)
                if left is not None and await _catalogue(connection, schema) == left:
                    if used := await connection.fetch(_USED_TABLES, schema):
                        await connection.execute(f"TRUNCATE {', '.join(row[0] for row in used)} CASCADE")
                    await connection.execute(_RESTART_SEQUENCES, schema)
                    await connection.execute(f'ALTER SCHEMA "{schema}" RENAME TO "{_kept(schema)}"')
                else:
                    await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
        finally:
            await connection.close()

    @staticmethod
    def _run(url: str, *statements: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(url)
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())


def _kept(schema: str) -> str:
    return f"kept_{schema}"


async def _catalogue(connection: asyncpg.Connection, schema: str) -> str:
    """Equal only while nobody has made, changed or dropped anything in the schema, be it changed back since."""
    catalogue = await connection.fetchval(_CATALOGUE, schema)
    if not await connection.fetchval("SELECT to_regclass($1)", f"{schema}.alembic_version"):
        return str(catalogue)
    versions = await connection.fetch(f'SELECT version_num FROM "{schema}".alembic_version')  # noqa: S608 - a part's name
    return f"{catalogue} {versions}"


# Tables that have ever held a row since they were made or truncated.
_USED_TABLES = """
SELECT oid::regclass::text FROM pg_class
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


class MigratedFiles:
    """SQLite files as their part's migrations leave them, made when first asked for, to be copied for each test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[str] = set()

    async def copy(self, service: Service) -> None:
        """Give the service its file, unless it has one already."""
        kit = service.kit
        model = self._folder / f"{kit.migrations}.db"
        if kit.migrations not in self._made:
            db = Database(f"sqlite:///{model}", schema=kit.db.schema)
            await upgrade(db, kit.migrations, kit.metadata)
            await db.close()
            self._made.add(kit.migrations)
        _copy_once(model, Path(kit.settings.resolved_database_url().removeprefix("sqlite:///")))


def _copy_once(model: Path, target: Path) -> None:
    if not target.exists():
        shutil.copyfile(model, target)
