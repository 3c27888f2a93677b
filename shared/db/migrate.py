"""Migrations of one part, run by Alembic from the part's own `migrations` folder.

`python -m shared.db.migrate revision coupon "add a table"` writes the next one by comparing the models with the
migrations so far (on an empty SQLite file). Read what it wrote: both databases must be able to run it.
"""

import asyncio
import importlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import Database
from shared.db.turns import Use, used_for
from shared.db.watch import allowing
from shared.observability.logging import get_logger

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK = 0x51A47  # any number: one advisory lock for all upgrades on a server
_LOCK_SECONDS, _SAID_SECONDS, _LOOK_SECONDS = 900.0, 5.0, 0.2
_STATEMENT_SECONDS = 6 * 3600.0
"""An index on a large table takes its time. Here a server that is gone is noticed by TCP."""


def _config(migrations: str, metadata: MetaData | None = None, connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    spec = importlib.import_module(migrations)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(Path(spec.__path__[0])))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, metadata=metadata)
    return config


class NewerSchema(Exception):
    """The database was made by a newer version of the part: this one does not know how to work with it."""


async def upgrade(db: Database, migrations: str, metadata: MetaData, target: str = "head") -> None:
    """Bring the part's schema to the newest revision, or to `target`. Safe when several processes start at once.

    Raises NewerSchema. Tables that are the newest need one look, and no Alembic.
    """
    if target == "head" and await _is_newest(db, migrations):
        return

    def run(connection: Connection) -> None:
        from alembic import command

        _refuse_newer(connection, migrations)
        command.upgrade(_config(migrations, metadata, connection), target)

    with used_for(Use.BACKGROUND):  # patient at the start, when others may still be leaving
        async with db.connection() as connection:
            if db.dialect == "postgresql":
                await _locked(connection, partial(_upgrade_schema, connection, db.schema, run))
            else:
                async with connection.begin():
                    await connection.run_sync(run)


async def _is_newest(db: Database, migrations: str) -> bool:
    try:
        async with db.read() as tx:
            return await tx.scalars(text("SELECT version_num FROM alembic_version")) == [newest(migrations)]
    except DBAPIError:
        return False  # there is no such table yet; whatever else is wrong shows at the next step


def newest(migrations: str) -> str:
    """The part's newest revision, by the names of the files."""
    spec = importlib.import_module(migrations)
    return max(file.name.split("_", 1)[0] for file in Path(spec.__path__[0]).glob("[0-9]*_*.py"))


async def _locked(connection: AsyncConnection, work: Callable[[], Awaitable[None]]) -> None:
    """One at a time on a server: two processes that start together don't make the same tables.

    It is asked for again and again, so that a server which falls silent is not taken for a process that takes its time.
    """
    started, told = time.monotonic(), False
    while not await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}):
        await connection.commit()
        waited = time.monotonic() - started
        if waited > _LOCK_SECONDS:
            raise TimeoutError(f"another process has been bringing tables to the newest revision for {waited:.0f} s")
        if waited > _SAID_SECONDS and not told:
            told = True
            get_logger().info("waiting for another process that brings tables to the newest revision")
        await asyncio.sleep(_LOOK_SECONDS)
    await connection.commit()  # the session keeps the lock
    try:
        await work()
    finally:
        await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
        await connection.commit()


async def _upgrade_schema(connection: AsyncConnection, schema: str, run: Callable[[Connection], None]) -> None:
    async with connection.begin():
        await _ensure_schema(connection, schema)
    async with connection.begin():
        with allowing(connection, _STATEMENT_SECONDS):
            await connection.run_sync(run)


def _refuse_newer(connection: Connection, migrations: str) -> None:
    from alembic.migration import MigrationContext

    known = revisions(migrations)
    for revision in MigrationContext.configure(connection).get_current_heads():
        if revision not in known:
            raise NewerSchema(
                f"its tables are of revision {revision}, and this version knows none after {list(known)[-1]}"
            )


async def _ensure_schema(connection: AsyncConnection, schema: str) -> None:
    # Looked up first: a role that owns its schema need not be allowed to create one.
    known = await connection.scalar(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": schema})
    if not known:
        await connection.execute(text(f'CREATE SCHEMA "{schema}"'))


async def downgrade(db: Database, migrations: str, metadata: MetaData, target: str) -> None:
    """Take the schema back to `target` ("base" = nothing left, "-1" = one step)."""
    from alembic import command

    async with db.connection() as connection, connection.begin():
        with allowing(connection, _STATEMENT_SECONDS):
            await connection.run_sync(lambda sync: command.downgrade(_config(migrations, metadata, sync), target))


def revisions(migrations: str) -> dict[str, Path]:
    """The part's revisions from the first to the newest, each with its file."""
    from alembic.script import ScriptDirectory

    found = ScriptDirectory.from_config(_config(migrations)).walk_revisions()
    return {script.revision: Path(script.path) for script in reversed(list(found))}


async def pending(db: Database, migrations: str) -> bool:
    """True when the database is not at the newest revision. Raises NewerSchema."""
    if await _is_newest(db, migrations):
        return False
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    heads = set(ScriptDirectory.from_config(_config(migrations)).get_heads())
    async with db.connection() as connection:
        await connection.run_sync(_refuse_newer, migrations)
        current = await connection.run_sync(lambda sync: set(MigrationContext.configure(sync).get_current_heads()))
    return current != heads


async def _revision(name: str, message: str) -> None:
    from alembic import command

    part: Any = importlib.import_module("gateway.app" if name == "gateway" else f"services.{name}.app")
    base: Any = importlib.import_module("gateway.base" if name == "gateway" else f"services.{name}.base").Base
    migrations = part.__name__.removesuffix(".app") + ".migrations"
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/empty.db", schema=name)
        await upgrade(db, migrations, base.metadata)

        def run(connection: Connection) -> None:
            config = _config(migrations, base.metadata, connection)
            versions = config.get_main_option("version_locations")
            number = f"{len(revisions(migrations)) + 1:04d}"
            command.revision(
                config,
                message,
                autogenerate=True,
                rev_id=number,
                version_path=versions,
                head="head",
            )

        async with db.connection() as connection, connection.begin():
            await connection.run_sync(run)
        await db.close()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] != "revision":
        sys.exit('usage: python -m shared.db.migrate revision PART "what it does"')
    asyncio.run(_revision(sys.argv[2], sys.argv[3]))
