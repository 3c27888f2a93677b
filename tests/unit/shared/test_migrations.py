"""Each part's migrations: from empty on both databases, equal to the models, one step down and up again."""

import asyncio
import importlib
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import Backend

from shared.db import Database
from shared.db.migrate import downgrade, newest, pending, revisions, upgrade

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
def test_the_newest_revision_is_known_by_the_name_of_its_file(part: str) -> None:
    migrations = f"{PARTS[part]}.migrations"
    assert newest(migrations) == list(revisions(migrations))[-1]


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
        async with db.connection() as connection:
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
