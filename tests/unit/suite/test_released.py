"""A database that a release has written is brought to the newest revision: nothing is lost, and the audits hold."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import Backend
from kit.services import INTERNAL_SECRET, Recorder, RunningService
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import SystemClock
from shared.db.migrate import pending, upgrade
from shared.db.types import instant_text
from shared.messaging import LocalBus
from shared.service import Service
from suite.parts import PARTS
from suite.released import FOLDER, Released, Rows, hashes, load, rows_of, tables_of
from suite.wiring import build

FILES = [pytest.param(path, id=f"{path.parent.name}-{path.name.split('.')[0]}") for path in FOLDER.glob("*/*.json.gz")]
AUDITS = {"coupon": "coupons", "inventory": "stock", "segments": "segments", "journey": "journeys"}


@pytest.mark.parametrize("path", FILES)
async def test_a_released_database_lives_on(path: Path, backend: Backend, bus: LocalBus) -> None:
    name, released = path.name.split(".")[0], load(path)
    upstreams = {f"{one}_url": "http://127.0.0.1:1" for one in PARTS if name == "gateway" and one != name}
    flags = {"data_dir": backend.data_dir, "database_url": backend.database_url, "internal_secret": INTERNAL_SECRET}
    part = build(name, {**flags, **upstreams}, bus)
    try:
        now = await _brought_up(part, released)
    finally:
        await part.kit.db.close()
    assert now == _spelt(released.tables, released.tables)
    assert sum(map(len, now.values())) > 20, "there was something to lose"
    async with part.running():
        if name in AUDITS:
            running = RunningService(part, bus, SystemClock(), Recorder())
            answer = (await running.client().get(f"/v1/audit/{AUDITS[name]}")).json()
            await running.close()
            assert [one for one in answer["checks"] if not one["ok"]] == []


@pytest.mark.parametrize("path", FILES)
def test_released_migrations_stay_as_they_are(path: Path) -> None:
    released = load(path)
    name = path.name.split(".")[0]
    package = "gateway" if name == "gateway" else f"services.{name}"
    now = hashes(f"{package}.migrations")
    changed = [one for one, digest in released.migrations.items() if now.get(one) != digest]
    assert changed == [], "add a migration; only before this release itself: python -m suite.released"


def test_every_part_is_kept_of_every_release() -> None:
    releases = list(FOLDER.iterdir())
    assert releases
    for release in releases:
        assert {path.name for path in release.iterdir()} == {f"{name}.json.gz" for name in PARTS}


async def _brought_up(part: Service, released: Released) -> dict[str, list[str]]:
    """What is found of the release's data after all later migrations."""
    kit = part.kit
    await upgrade(kit.db, kit.migrations, kit.metadata, released.revision)
    async with kit.db.connection() as connection, connection.begin():
        for table in await tables_of(connection):
            if rows := released.tables.get(table.name):
                typed = [{key: _typed(table.c[key], value) for key, value in row.items()} for row in rows]
                await connection.execute(table.insert(), typed)
                await _count_on(connection, table)
    await part.migrate()
    assert not await pending(kit.db, kit.migrations)
    async with kit.db.connection() as connection:
        return _spelt(await rows_of(connection), released.tables)


async def _count_on(connection: AsyncConnection, table: sa.Table) -> None:
    """PostgreSQL counts its ids from 1 again, as it has not given out those that were put in: a restored dump sets this too."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        highest = sa.select(sa.func.max(column)).scalar_subquery()
        if sequence := await connection.scalar(sa.func.pg_get_serial_sequence(table.fullname, column.name)):
            await connection.execute(sa.select(sa.func.setval(sequence, highest)))


def _typed(column: sa.Column[Any], value: Any) -> Any:
    """What was kept as JSON, as this database takes it."""
    kind = column.type.python_type
    if value is None:
        return sa.null() if isinstance(column.type, sa.JSON) else None
    if issubclass(kind, datetime):
        return datetime.fromisoformat(value)
    return base64.b64decode(value) if issubclass(kind, bytes) else value


def _spelt(tables: Mapping[str, Rows], kept: Mapping[str, Rows]) -> dict[str, list[str]]:
    """The rows of the kept tables, of their kept columns, in one order and spelling."""
    return {
        name: sorted(
            json.dumps({key: row[key] for key in rows[0]}, sort_keys=True, default=instant_text) for row in tables[name]
        )
        for name, rows in kept.items()
        if rows
    }
