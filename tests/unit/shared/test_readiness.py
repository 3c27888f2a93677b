"""What a part says of itself: only what keeps it from its own work turns callers away, and no look takes for ever."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import RunService
from kit.servers import free_port
from kit.services import RunningService
from kit.upstream import RawServer

from services.inventory.app import create_service
from services.inventory.settings import InventorySettings
from shared.clock import ManualClock, SystemClock
from shared.messaging import LocalBus
from shared.readiness import Standing, State, is_ready
from shared.roles import Role

ON_FILES = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def part(body: dict[str, Any], check: str) -> dict[str, Any]:
    (found,) = (one for one in body["parts"] if one["check"] == check)
    return dict(found)


@ON_FILES
async def test_a_bus_that_is_away_is_told_and_turns_nobody_away(run_service: RunService, clock: ManualClock) -> None:
    service = await run_service(create_service, InventorySettings)
    client = service.stranger()
    well = await client.get("/readyz")
    assert (well.status_code, well.json()["status"], well.json()["checks"]) == (200, "ready", [])
    assert well.json()["environment"] == "development", "a tour asks before it makes things up"
    first = datetime.fromisoformat(part(well.json(), "bus")["since"])
    clock.advance(seconds=600)
    await service.bus.stop()
    for later in (0, 60):
        clock.advance(seconds=later)
        poor = (await client.get("/readyz")).json()
        assert (poor["status"], poor["checks"]) == ("degraded", ["inventory: the local bus is not started"])
        told = part(poor, "bus")
        assert (told["state"], told["required"]) == ("degraded", False)
        assert datetime.fromisoformat(told["since"]) - first == timedelta(seconds=600), "since then, not since now"
    metrics = (await client.get("/metrics")).text
    assert 'quanyu_check_state{check="bus",service="inventory"} 1.0' in metrics
    await service.bus.start()
    assert (await client.get("/readyz")).json()["status"] == "ready"


@ON_FILES
async def test_who_ends_says_so_to_load_balancers_and_not_to_supervisors(run_service: RunService) -> None:
    service = await run_service(create_service, InventorySettings)
    service.service.drain()
    client = service.stranger()
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert ready.json()["checks"] == ["inventory: is draining"]
    assert part(ready.json(), "process")["state"] == "down"
    for path in ("/livez", "/healthz", "/startupz"):
        assert (await client.get(path)).status_code == 200, path


@asynccontextmanager
async def on(url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    """The inventory service on this database, which its start does not ask for."""
    settings = InventorySettings(
        database_url=url, migrate_on_start=False, role=Role.API, data_dir=tmp_path, database_connections=3
    )
    service = create_service(settings, LocalBus(None, clock), clock)  # type: ignore[arg-type] # an API never uses it
    service.loops.clear()
    async with service.running():
        running = RunningService(service, LocalBus(None, clock), clock, None)  # type: ignore[arg-type]
        async with running.stranger() as client:
            yield client


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_database_that_is_away_or_hangs(tmp_path: Path, clock: ManualClock, hangs: bool) -> None:
    """A probe has an answer in time, a supervisor has no reason to restart, and figures can still be read."""

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass

    async with RawServer(silent).running() as server:
        port = server.port if hangs else free_port()
        async with on(f"postgresql://nobody@127.0.0.1:{port}/none", tmp_path, clock) as client:
            began = time.monotonic()
            ready = await client.get("/readyz")
            assert time.monotonic() - began < 3.5
            assert (ready.status_code, part(ready.json(), "database")["state"]) == (503, "down")
            assert str(port) not in ready.text
            for path in ("/livez", "/startupz", "/metrics"):
                assert (await client.get(path)).status_code == 200, path


async def test_who_is_busy_is_not_turned_away_from(run_service: RunService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the calls of each overloaded replica would go to the others, until none is left."""
    service = await run_service(create_service, InventorySettings)
    db = service.service.kit.db
    monkeypatch.setattr("shared.database_look.LOOK_SECONDS", 0.3)

    async def works() -> None:
        async with db.read():
            await asyncio.sleep(0.15)

    callers = [asyncio.create_task(works()) for _ in range(8 * db.readers)]
    await asyncio.sleep(0.05)
    ready = await service.stranger().get("/readyz")
    assert (ready.status_code, part(ready.json(), "database")["state"]) == (200, "degraded")
    assert "busy" in part(ready.json(), "database")["detail"]
    await asyncio.gather(*callers)


async def test_a_database_without_tables_is_no_place_to_work(tmp_path: Path, clock: ManualClock) -> None:
    async with on(f"sqlite:///{tmp_path}/empty.db", tmp_path, clock) as client:
        ready = await client.get("/readyz")
        assert (ready.status_code, part(ready.json(), "database")["required"]) == (503, True)
        assert "run `quanyu migrate`" in ready.json()["detail"]


def test_only_what_is_down_and_required_keeps_a_process_from_its_work() -> None:
    for state in State:
        for required in (True, False):
            check = Standing("p", "c", state, SystemClock().now(), "…", required)
            assert is_ready([check]) is not (required and state is State.DOWN)
