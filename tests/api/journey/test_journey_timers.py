"""Timers move runs by themselves: at their time, and not by looking again and again."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from api.journey.test_journey_waits import timers
from kit.journeys import JourneyShop

from services.journey.app import create_service
from services.journey.settings import JourneySettings
from shared.clock import SystemClock


async def test_the_timers_rest_until_the_next_wait_ends_and_no_longer(shop: JourneyShop) -> None:
    nodes = {"w": {"kind": "wait", "for": "90s"}}
    journey = await shop.publish_journey(
        {"name": "soon", "entry": {"kind": "api"}, "nodes": nodes, "edges": [["entry", "w"]]}
    )
    await shop.api.post(f"/v1/journeys/{journey}/entries", json={"customer_id": "c1"})
    await shop.rest()
    shop.clock.advance(seconds=60)
    assert await timers(shop).tick() == 30


async def test_what_a_dead_worker_claimed_is_due_again_when_its_lease_ends(shop: JourneyShop) -> None:
    nodes = {"w": {"kind": "wait", "for": "90s"}}
    journey = await shop.publish_journey(
        {"name": "soon", "entry": {"kind": "api"}, "nodes": nodes, "edges": [["entry", "w"]]}
    )
    await shop.api.post(f"/v1/journeys/{journey}/entries", json={"customer_id": "c1"})
    await shop.rest()
    worker, lease = timers(shop), JourneySettings().timer_lease_seconds
    shop.clock.advance(seconds=91)
    assert len(await worker.claim()) == 1  # and then it is killed
    assert await worker.tick() == lease
    shop.clock.advance(seconds=lease)
    assert await worker.tick() is True


async def test_waits_end_by_themselves_and_never_early(run_service: Any, backend: Any, bus: Any) -> None:
    """In real time, by the loops alone."""
    clock = SystemClock()
    running = await run_service(lambda settings, bus, _: create_service(settings, bus, clock), JourneySettings)
    shop = JourneyShop(running, clock)  # type: ignore[arg-type] # nothing here moves the clock
    running._clock = clock  # identity headers are signed with the service's time
    shop.api = running.client()
    nodes = {"w": {"kind": "wait", "for": "2s"}}
    journey = await shop.publish_journey(
        {"name": "soon", "entry": {"kind": "api"}, "nodes": nodes, "edges": [["entry", "w"]]}
    )
    for number in range(5):
        await shop.api.post(f"/v1/journeys/{journey}/entries", json={"customer_id": f"c{number}"})
        await asyncio.sleep(0.15)
    runs = await shop.runs(journey)
    while any(run["state"] != "completed" for run in runs):  # the loops are at work
        await asyncio.sleep(0.05)
        runs = await shop.runs(journey)
    assert len(runs) == 5
    for run in runs:
        begun, ended = (
            datetime.fromisoformat(one["at"]) for one in run["steps"] if one["reason"] in ("waiting", "waited")
        )
        assert ended - begun >= timedelta(seconds=2)
