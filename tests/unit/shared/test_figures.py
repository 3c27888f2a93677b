"""Figures that are taken when Prometheus asks: true or absent, never old, and never a burden on the database."""

import asyncio
import re
import time
from collections.abc import Sequence

import pytest
from conftest import RunService
from kit.services import RunningService
from sqlalchemy import insert

from services.inventory.app import create_service
from services.inventory.settings import InventorySettings
from shared.clock import ManualClock
from shared.figures import Figure, Figures, exposition
from shared.loops import Loop
from shared.messaging import BusUnavailable, Depth
from shared.observability.logging import get_logger
from shared.observability.metrics import QUEUE_WAITING

ON_FILES = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def shown(name: str, running: RunningService | None = None) -> dict[str, float]:
    """The values of a metric by its labels, taken anew."""
    if running is not None:
        running.service.figures._taken._asked_at = -1000.0
    found = re.findall(rf"^{name}{{(.*?)}} (\S+)$", (await exposition()).decode(), re.MULTILINE)
    return {labels: float(value) for labels, value in found}


async def test_what_waits_is_counted_and_aged(run_service: RunService, clock: ManualClock) -> None:
    service = await run_service(create_service, InventorySettings)
    outbox = service.service.kit.outbox.table
    rows = [{"pack_id": f"p{n}", "name": "stock.low", "body": b"[]", "created_at": clock.now()} for n in range(12)]
    service.service.loops.clear()
    async with service.service.relay._round:  # nothing is sent meanwhile
        async with service.service.kit.db.write() as tx:
            await tx.run(insert(outbox), rows)
        clock.advance(seconds=90)
        assert (await shown("quanyu_outbox_waiting", service))['service="inventory"'] == 12
        assert (await shown("quanyu_outbox_oldest_seconds"))['service="inventory"'] == 90
    assert 'folder="data"' in await shown("quanyu_disk_free_bytes")


@ON_FILES
async def test_a_crowd_of_scrapers_costs_one_look(run_service: RunService, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await run_service(create_service, InventorySettings)
    looks = 0
    pressing = service.service.relay.pressing

    async def counted(clock: ManualClock) -> object:
        nonlocal looks
        looks += 1
        return await pressing(clock)

    monkeypatch.setattr(type(service.service.relay), "pressing", staticmethod(counted))
    client = service.stranger()
    await asyncio.gather(*(client.get("/metrics") for _ in range(40)))
    await asyncio.gather(*(exposition() for _ in range(40)))
    assert looks <= 1


@ON_FILES
async def test_what_can_not_be_counted_is_absent(run_service: RunService, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exporter that shows nought for a broker that is away, or the last number, is believed."""
    service = await run_service(create_service, InventorySettings)
    service.service.kit.bus.depths = depths = _Depths()  # type: ignore[assignment,method-assign]
    depths.away = False
    assert await shown("quanyu_queue_parked", service) == {'queue="told"': 7}
    depths.away = True
    assert await shown("quanyu_queue_parked", service) == {}
    assert (await shown("quanyu_figures_failed_total"))['service="inventory"'] >= 1
    depths.away = False
    assert await shown("quanyu_queue_parked", service) == {'queue="told"': 7}


class _Depths:
    away = True

    async def __call__(self, _queues: Sequence[str]) -> list[Depth]:
        if self.away:
            raise BusUnavailable("gone")
        return [Depth("told", 0, 7)]


async def test_a_look_that_hangs_ends_and_takes_only_its_own_figures_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.figures._DEADLINE_SECONDS", 0.2)
    figures = Figures("part")

    async def well() -> list[Figure]:
        return [Figure(QUEUE_WAITING, ("a",), 1)]

    async def hangs() -> list[Figure]:
        await asyncio.sleep(60)
        return [Figure(QUEUE_WAITING, ("b",), 1)]

    figures.add(well, hangs)
    with figures.offered():
        began = time.monotonic()
        assert await shown("quanyu_queue_waiting") == {'queue="a"': 1}
        assert time.monotonic() - began < 2
    assert await shown("quanyu_queue_waiting") == {}, "who ended is not shown"


async def test_a_loop_that_does_not_keep_pace_says_for_how_long() -> None:
    more, rounds = True, 0

    async def tick() -> bool:
        nonlocal rounds
        rounds += 1
        await asyncio.sleep(0.01)
        if rounds == 3:
            raise OSError("once")
        return more

    loop = Loop("sweep", tick)
    running = asyncio.create_task(loop.run("part", get_logger()))
    await asyncio.sleep(0.5)
    assert 0.3 < loop.behind() < 0.6, "since its first round, failures included"
    more = False
    await asyncio.sleep(0.1)
    assert loop.behind() == 0
    running.cancel()
