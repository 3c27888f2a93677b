"""Several processes on one PostgreSQL, and time as it really passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import pytest
from api.segments.talking import Segments
from conftest import Backend
from kit.services import INTERNAL_SECRET, Recorder, RunningService
from pydantic import SecretStr

from services.segments.app import create_service
from services.segments.settings import SegmentsSettings
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.messaging import LocalBus


async def start(stack: AsyncExitStack, backend: Backend, clock: Clock, number: int) -> Segments:
    """One process: nothing shared with the others but the database."""
    bus = LocalBus(Database(f"sqlite:///{backend.data_dir}/bus{number}.db", schema="bus"), clock)
    await bus.start()
    stack.push_async_callback(bus.stop)
    recorder = Recorder()
    await recorder.attach(bus)
    settings = SegmentsSettings(
        database_url=backend.database_url,
        data_dir=backend.data_dir,
        internal_secret=SecretStr(INTERNAL_SECRET),
        backfill_chunk=5,
    )
    service = create_service(settings, bus, clock)
    await stack.enter_async_context(service.running())
    running = RunningService(service, bus, clock, recorder)
    stack.push_async_callback(running.close)
    return Segments(running, clock)


@pytest.fixture
async def processes(backend: Backend, clock: Clock) -> AsyncIterator[list[Segments]]:
    async with AsyncExitStack() as stack:
        yield [await start(stack, backend, clock, number) for number in range(3)]


async def told(processes: list[Segments], name: str) -> list[dict[str, Any]]:
    return [payload for one in processes for payload in await one.messages(name)]


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_processes_share_people_events_and_memberships(processes: list[Segments]) -> None:
    first = processes[0]
    early = await first.segment({"event": "Product Viewed", "op": "eq", "value": 4})

    def batch(number: int) -> dict[str, Any]:
        """Every process gets every event, in another order; the customers are first anonymous, then known."""
        items: list[dict[str, Any]] = []
        for who in range(20):
            for view in range(4):
                name = {"anonymousId": f"a{who}"} if view < 2 else {"userId": f"c{who}"}
                items.append({"type": "track", "messageId": f"{who}-{view}", "event": "Product Viewed", **name})
            items.append({"type": "identify", "messageId": f"{who}-i", "userId": f"c{who}", "anonymousId": f"a{who}"})
        turn = number * 13 % len(items)
        return {"batch": items[turn:] + items[:turn]}

    posts = [processes[number % 3].post("/v1/batch", batch(number)) for number in range(9)]
    late = asyncio.create_task(processes[1].segment({"not": {"segment": early}}, "late"))
    await asyncio.gather(*posts)
    made = await late
    for one in processes:
        await one.tick()
    people = await first.get("/v1/profiles", limit=100)
    assert sorted(one["customer_id"] or "" for one in people["data"]) == sorted(f"c{who}" for who in range(20))
    assert [(await first.get(f"/v1/profiles/c{who}"))["events"] for who in range(20)] == [5] * 20
    assert await first.members(early) == sorted(f"c{who}" for who in range(20))
    assert await first.members(made) == []
    assert (await first.get(f"/v1/segments/{made}"))["status"] == "live"
    events = [event["message_id"] for pack in await told(processes, "events.tracked") for event in pack["events"]]
    assert len(events) == len(set(events)) == 100
    changes = await told(processes, "segment.entered")
    assert sum(one["segment_id"] == early and one["customer_id"] is not None for one in changes) >= 20
    await first.audit()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_processes_sweep_together_and_each_exit_is_told_once(processes: list[Segments], clock: Any) -> None:
    recent = await processes[0].segment({"event": "Product Viewed", "within": {"last": "1h"}})
    items = [{"type": "track", "userId": f"c{number}", "event": "Product Viewed"} for number in range(60)]
    await processes[1].post("/v1/batch", {"batch": items})
    clock.advance(seconds=3600)
    await asyncio.gather(*[one.tick() for one in processes])
    assert await processes[2].members(recent) == []
    exited = await told(processes, "segment.exited")
    assert sorted(one["customer_id"] for one in exited) == sorted(f"c{number}" for number in range(60))
    await processes[0].audit()


async def test_entry_is_seen_at_once_and_exit_comes_by_itself(backend: Backend) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        segments = await start(stack, backend, clock, 0)
        recent = await segments.segment({"event": "Product Viewed", "within": {"last": "2s"}})
        await segments.track("c1", "Product Viewed")
        assert await segments.members(recent) == ["c1"]
        recorder = segments.running.recorder
        while not recorder.named("segment.exited"):  # noqa: ASYNC110 - the recorder is no event
            await asyncio.sleep(0.01)
        exited, entered = recorder.named("segment.exited")[0], recorder.named("segment.entered")[0]
        assert exited["cause"] == "time"
        assert _instant(exited["at"]) <= clock.now().timestamp()
        assert entered["cause"] == "event"


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_the_merchants_word_goes_first_whichever_process_hears_it(processes: list[Segments]) -> None:
    bought = await processes[0].segment({"event": "Order Completed", "op": "gte", "value": 1})
    pages = [one.running.client(["segments:events:write"], kind="publishable") for one in processes]

    def orders(who: str, prefix: str) -> dict[str, Any]:
        """Half of them under the merchant's message ids, all of them under its order ids."""
        named = [f"{'m' if number % 2 else prefix}{number}" for number in range(30)]
        call = {"type": "track", "userId": who, "event": "Order Completed"}
        return {
            "batch": [
                {**call, "messageId": name, "properties": {"order_id": f"o{number}", "total": 1}}
                for number, name in enumerate(named)
            ]
        }

    fakes = [page.post("/v1/batch", json=orders(f"fake{n}", f"f{n}-")) for n, page in enumerate(pages * 3)]
    true = [one.post("/v1/batch", orders("c1", "t")) for one in processes[:2]]
    answers = await asyncio.gather(*fakes[:5], *true, *fakes[5:])
    assert all(answer.status_code == 200 for answer in answers if not isinstance(answer, dict))
    timeline = await processes[2].get("/v1/profiles/c1/timeline", limit=100)
    assert len(timeline["data"]) == 30
    assert await processes[0].members(bought) == ["c1"]
    assert sorted({event["properties"]["order_id"] for event in timeline["data"]}) == sorted(f"o{n}" for n in range(30))
    await processes[0].audit()
