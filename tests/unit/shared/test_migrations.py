"""Each part's migrations: from empty on both databases, equal to the models, one step down and up again."""

import asyncio
import importlib
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import Backend

from shared.db import Database
from shared.db.migrate import downgrade, pending, upgrade

PARTS = {
    "coupon": "services.coupon",
    "segments": "services.segments",
    "journey": "services.journey",
    "inventory": "services.inventory",
    "gateway": "gateway",
}


def _base(package: str) -> Any:
    importlib.import_module(f"{package}.app")  # registers every table
    return importlib.import_module(f"{package}.base").Base


@pytest.mark.parametrize("part", PARTS)
async def test_migrations(backend: Backend, part: str) -> None:
    package = PARTS[part]
    metadata, migrations = _base(package).metadata, f"{package}.migrations"
    db = Database(backend.database_url or f"sqlite:///{backend.data_dir}/{part}.db", schema=part)
    try:
        assert await pending(db, migrations)
        # several replicas start at once
        await asyncio.gather(*[upgrade(db, migrations, metadata) for _ in range(3)])
        assert not await pending(db, migrations)
        async with db.engine.connect() as connection:
            differences = await connection.run_sync(
                lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), metadata)
            )
        assert differences == []
        await downgrade(db, migrations, metadata, "-1")
        assert await pending(db, migrations)
        await upgrade(db, migrations, metadata)
        await downgrade(db, migrations, metadata, "base")
        await upgrade(db, migrations, metadata)
        assert not await pending(db, migrations)
    finally:
        await db.close()


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
# What a column's type alone doesn't tell, for rows that the first tables of the coupon service accept.
VALUES: dict[str, dict[str, Any]] = {
    "checkout": {"status": "committed", "subtotal": 900, "discount": 90, "quote": {"total": 810}},
    "checkout_coupon": {"state": "redeemed"},
    "coupon": {"status": "issued", "checkout_id": None},
    "coupon_entry": {"to_status": "issued"},
    "issue_job": {"status": "running", "total": 5, "issued": 1, "refused": 1},
    "template": {"status": "active", "total": 9, "budget": 9},
    "template_terms": {"terms": {"validity": {"until": "2026-12-01T08:00:00+08:00"}}, "version": 7},
}


def _value(column: sa.Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, sa.JSON):
        return {}
    if isinstance(kind, sa.String):  # SQLite keeps instants as text of this width
        return "2026-01-01T00:00:00.000000Z" if kind.length == 27 else "a"
    return {bool: True, int: 7, bytes: b"a", datetime: MOMENT}[kind.python_type]


async def _tables(db: Database) -> sa.MetaData:
    found = sa.MetaData()
    async with db.engine.connect() as connection:
        await connection.run_sync(found.reflect)
    found.remove(found.tables["alembic_version"])
    return found


async def _rows(db: Database, tables: sa.MetaData) -> dict[str, list[dict[str, Any]]]:
    async with db.engine.connect() as connection:
        return {
            name: [dict(row) for row in (await connection.execute(sa.select(table))).mappings()]
            for name, table in tables.tables.items()
        }


async def test_what_the_coupon_service_has_written_survives(backend: Backend) -> None:
    metadata, migrations = _base("services.coupon").metadata, "services.coupon.migrations"
    db = Database(backend.database_url or f"sqlite:///{backend.data_dir}/coupon.db", schema="coupon")
    try:
        await upgrade(db, migrations, metadata)
        await downgrade(db, migrations, metadata, "0001")
        first = await _tables(db)
        async with db.engine.begin() as connection:
            for name, table in first.tables.items():
                row = {column.name: _value(column) for column in table.columns} | VALUES.get(name, {})
                await connection.execute(table.insert(), row)
        written = await _rows(db, first)

        await upgrade(db, migrations, metadata)
        now = await _rows(db, await _tables(db))
        for name, rows in written.items():
            after = now["coupon_job" if name == "issue_job" else name]
            assert [{key: row[key] for key in rows[0]} for row in after] == rows, name
        assert (now["checkout"][0]["total"], now["checkout_coupon"][0]["budget_taken"]) == (810, 0)
        job = now["coupon_job"][0]
        assert (job["started_at"], job["refused_by"]) == (job["created_at"], {})
        async with db.read() as tx:
            template = metadata.tables["template"]
            ends_at = await tx.scalar(sa.select(template.c.ends_at))
            assert ends_at == datetime(2026, 12, 1, tzinfo=UTC)
        async with db.engine.begin() as connection:
            await connection.execute(metadata.tables["quota_lease"].insert(), _LEASE)

        await downgrade(db, migrations, metadata, "0001")
        written["template"][0] |= {"issued": 5, "budget_spent": 3}
        written["template_day"][0] |= {"issued": 5}
        assert await _rows(db, await _tables(db)) == written  # and what was leased came back
    finally:
        await db.close()


_LEASE = {"template_id": "a", "holder": "b", "unused": 2, "cost": 2, "day": "a", "expires_at": MOMENT}
