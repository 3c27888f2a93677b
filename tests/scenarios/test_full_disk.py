"""A database that answers and takes no writes: callers, readiness and the log say which it is, and it mends by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from conftest import Backend, RunService
from kit.disk import small_disk
from kit.services import RunningService
from sqlalchemy import text
from structlog.testing import capture_logs

from services.inventory.app import create_service
from services.inventory.settings import InventorySettings
from shared.db import Trouble
from shared.readiness import is_ready, troubles

_PLACE = {"id": "w1", "name": "上海仓", "kind": "warehouse"}


async def _receive(running: RunningService, number: int = 0) -> Any:
    # A long note, so that it does not find room in a page that is there.
    lines = [{"sku": f"sku-{number}-{line}", "location_id": "w1", "change": 1} for line in range(100)]
    return await running.client().post("/v1/stock/adjustments", json={"lines": lines, "reason": "received"})


async def _readiness(running: RunningService) -> list[str]:
    running.service._database._asked_at = 0.0  # what was found a moment ago is not believed
    checks = await running.service.readiness()
    assert is_ready(checks) is (troubles(checks) == []), "who can't write can't do its work"
    return troubles(checks)


async def _is_told(running: RunningService, code: str, words: str) -> None:
    """What a call, readiness and the log say while nothing can be written; and that reading goes on."""
    for number in range(40):  # a log that was longer before has room for some
        refused = await _receive(running, number)
        if refused.status_code != 201:
            break
    assert (refused.status_code, refused.json()["code"]) == (503, code), refused.text
    assert int(refused.headers["retry-after"]) >= 5
    assert "does not answer" not in refused.json()["detail"]
    assert words in " ".join(await _readiness(running))
    assert (await running.client().get("/v1/locations")).json()["data"][0]["name"] == "上海仓"


async def _is_well(running: RunningService) -> None:
    assert (await _receive(running, 1000)).status_code == 201
    assert await _readiness(running) == []
    assert running.service.kit.db.condition.trouble is None
    audit = (await running.client().get("/v1/audit/stock")).json()
    assert all(check["ok"] for check in audit["checks"]), audit


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_full_disk_is_told_as_one_and_nothing_is_half_done(
    backend: Backend, bus: Any, clock: Any, recorder: Any, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "small") as disk:
        small = replace(backend, data_dir=disk.folder)
        service = create_service(small.settings(InventorySettings), bus, clock)
        await small.prepare(service)
        running = RunningService(service, bus, clock, recorder)
        async with service.running():
            assert (await running.client().post("/v1/locations", json=_PLACE)).status_code == 201
            assert await _readiness(running) == []
            await disk.fill(service.kit.db)
            with capture_logs() as logged:
                await _is_told(running, "storage_full", "no room left")
            assert service.kit.db.condition.trouble is Trouble.FULL
            assert [line["event"] for line in logged if line.get("trouble")] == ["the database " + Trouble.FULL.value]
            await disk.clear(service.kit.db)
            await _is_well(running)
            await running.close()


@pytest.fixture
async def shop(run_service: RunService) -> RunningService:
    running = await run_service(create_service, InventorySettings)
    assert (await running.client().post("/v1/locations", json=_PLACE)).status_code == 201
    return running


@asynccontextmanager
async def _as_administrator(backend: Backend) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(backend.database_url)
    try:
        yield connection
    finally:
        await connection.close()


_REFUSE = """
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '{state}'; END $$
"""


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("state", "code", "words"),
    [("53100", "storage_full", "no room left"), ("58030", "storage_failing", "read or write its disk")],
)
async def test_a_server_whose_disk_is_full_or_broken(
    shop: RunningService, backend: Backend, state: str, code: str, words: str
) -> None:
    async with _as_administrator(backend) as admin:
        await admin.execute(_REFUSE.format(schema="inventory", state=state))
        tables = [row[0] for row in await admin.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'inventory'")]
        for table in tables:
            await admin.execute(
                f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON inventory.{table} EXECUTE FUNCTION inventory.refuse()"
            )
        await _is_told(shop, code, words)
        await admin.execute("DROP FUNCTION inventory.refuse() CASCADE")
    await _is_well(shop)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_connections_to_a_server_that_takes_no_writes_any_more_are_left(
    shop: RunningService, backend: Backend
) -> None:
    """After a failover the old sessions stay connected to what is now a standby."""
    db = shop.service.kit.db
    all_have_one = asyncio.Barrier(4)
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(_read_only(db, all_have_one))
    for number in range(10):  # the pool has one that was not made read only
        refused = await _receive(shop, number)
        if refused.status_code != 201:
            break
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_read_only"), refused.text
    assert refused.headers["retry-after"] == "5"
    await _is_well(shop)  # the new connections reach the server that writes


async def _read_only(db: Any, all_have_one: asyncio.Barrier) -> None:
    async with db.read() as tx:
        await tx.execute(text("SET default_transaction_read_only = on"))
        async with asyncio.timeout(20):
            await all_have_one.wait()  # each has a connection of its own, however slow connecting is
