"""Who enters, and how often (F2 F3 F16 F17)."""

import asyncio
from typing import Any

import pytest
from kit.journeys import JourneyShop, reasons

from shared.contracts import EventsTracked


def waiting(entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": "waiting",
        "entry": entry,
        "nodes": {"w": {"kind": "wait", "for": "1h"}},
        "edges": [["entry", "w"]],
        **more,
    }


def on_event(mode: str, key: str | None = None) -> dict[str, Any]:
    return {"kind": "event", "event": "Product Added", "reentry": {"mode": mode}, **({"key": key} if key else {})}


async def test_f2_the_same_trigger_many_times_starts_one_run(shop: JourneyShop) -> None:
    """As the same message again, and as new messages about the same event, one after the other and side by side."""
    journey = await shop.publish_journey(waiting(on_event("always")))
    event = shop.event("Product Added", message_id="m-same")
    again = [shop.pack(EventsTracked(events=(event,)), ids=["evt_same"]) for _ in range(5)]
    again += [shop.pack(EventsTracked(events=(event,))) for _ in range(20)]
    await asyncio.gather(*(shop.running.bus.publish([pack]) for pack in again))
    await shop.running.drain()
    assert len(await shop.runs(journey)) == 1
    await shop.pass_time(hours=1)
    await shop.publish(EventsTracked(events=(event,)))
    assert len(await shop.runs(journey)) == 1, "nor after the run is over"


@pytest.mark.parametrize("mode", ["once", "always"])
async def test_f2_concurrent_triggers_of_one_customer_start_one_run(shop: JourneyShop, mode: str) -> None:
    """Straight at the handler, in parallel transactions: only unique keys stand between them."""
    journey = await shop.publish_journey(waiting(on_event(mode)))
    handler = next(one for one in shop.running.service.subscriptions if one.consumer == "journey.events").handler

    async def deliver() -> None:
        async with shop.running.service.kit.db.write() as tx:
            await handler(tx, EventsTracked(events=(shop.event("Product Added"),)), None)  # type: ignore[arg-type]

    await asyncio.gather(*(deliver() for _ in range(20)))
    await shop.running.drain()
    assert len(await shop.runs(journey)) == 1
    refused = "already_active" if mode == "always" else "already_entered"
    assert (await shop.statistics(journey))["refused"] == {refused: 19}
    assert len(shop.asked("journey.entered")) == 1


async def test_f3_f16_once_is_once_for_ever(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(waiting(on_event("once")))
    await shop.track("Product Added")
    await shop.pass_time(hours=1)
    await shop.track("Product Added")
    edited = await shop.api.put(f"/v1/journeys/{journey}", json=waiting(on_event("once"), name="edited"))
    assert edited.json()["version"] == 2
    await shop.api.post(f"/v1/journeys/{journey}/publish")
    await shop.track("Product Added")
    assert (await shop.run(journey))["version"] == 1


async def test_f16_once_counts_entries_made_under_another_mode(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(waiting(on_event("once_per_key", "cart_id")))
    await shop.track("Product Added", cart_id="a")
    await shop.pass_time(hours=1)
    await shop.api.put(f"/v1/journeys/{journey}", json=waiting(on_event("once", "cart_id")))
    await shop.api.post(f"/v1/journeys/{journey}/publish")
    await shop.track("Product Added", cart_id="b")
    assert len(await shop.runs(journey)) == 1


async def test_once_per_key(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(waiting(on_event("once_per_key", "cart_id")))
    for cart in ("a", "b", "a"):
        await shop.track("Product Added", cart_id=cart)
    await shop.pass_time(hours=1)
    await shop.track("Product Added", cart_id="a")
    await shop.track("Product Added", "c2", cart_id="a")
    found = [(run["customer_id"], run["entry_key"]) for run in await shop.runs(journey)]
    assert sorted(found) == [("c1", "a"), ("c1", "b"), ("c2", "a")]


async def test_f17_reentry_while_active_keeps_one_timer(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(waiting(on_event("always")))
    await shop.track("Product Added")
    first = await shop.run(journey)
    await shop.pass_time(minutes=30)
    await shop.track("Product Added")
    assert (await shop.run(journey))["due_at"] == first["due_at"]
    await shop.pass_time(minutes=30)
    await shop.track("Product Added")
    assert [run["state"] for run in await shop.runs(journey)] == ["completed", "waiting"]


async def test_imported_history_starts_and_moves_nothing(shop: JourneyShop) -> None:
    definition = waiting(on_event("once"), exit_on=[{"event": "Order Completed"}])
    journey = await shop.publish_journey(definition)
    await shop.track("Product Added", history=True)
    assert await shop.runs(journey) == []
    await shop.track("Product Added")
    await shop.track("Order Completed", history=True)
    assert (await shop.run(journey))["state"] == "waiting"


async def test_events_with_odd_values_spoil_nobody(shop: JourneyShop) -> None:
    """Texts that databases refuse, numbers without end, times of other ages: each concerns its own run at most."""
    journey = await shop.publish_journey(waiting(on_event("once_per_key", "cart_id"), goal={"event": "G"}))
    now = shop.clock.now()
    odd = [
        shop.event("Product Added", "nul", cart_id="a\x00b", note="x\x00"),
        shop.event("Product Added", "huge", cart_id=10**4000),
        shop.event("Product Added", "old", cart_id="o", at=now.replace(year=1)),
        shop.event("Product Added", "new", cart_id="n", at=now.replace(year=9999)),
        shop.event("Product Added", "x" * 300, cart_id="l"),
        shop.event("Product Added", "fine", cart_id="f"),
    ]
    handler = next(one for one in shop.running.service.subscriptions if one.consumer == "journey.events").handler
    async with shop.running.service.kit.db.write() as tx:
        await handler(tx, EventsTracked(events=tuple(odd)), None)  # type: ignore[arg-type]
    found = {run["customer_id"]: run["entry_key"] for run in await shop.runs(journey)}
    assert found == {"nul": "ab", "old": "o", "new": "n", "fine": "f"}


async def test_segments_start_runs_when_the_customer_moved_them(shop: JourneyShop) -> None:
    await shop.knows(segments=["seg_1"])
    entered = await shop.publish_journey(waiting({"kind": "segment_entered", "segment_id": "seg_1"}))
    left = await shop.publish_journey(waiting({"kind": "segment_exited", "segment_id": "seg_1"}))
    for cause in ("edit", "import", "merge"):
        await shop.membership("seg_1", "c0", cause=cause)
    await shop.membership("seg_other", "c0")
    assert await shop.runs(entered) == []
    await shop.membership("seg_1", "c1", cause="time")
    await shop.membership("seg_1", "c2", entered=False)
    assert [run["customer_id"] for run in await shop.runs(entered)] == ["c1"]
    assert [run["customer_id"] for run in await shop.runs(left)] == ["c2"]


async def test_entries_by_api(shop: JourneyShop) -> None:
    entry = {"kind": "api", "key": "cart", "reentry": {"mode": "once_per_key"}}
    journey = await shop.draw(waiting(entry))
    path = f"/v1/journeys/{journey}/entries"
    body = {"customer_id": "c1", "properties": {"cart": "k1"}}
    refused = await shop.api.post(path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "journey_not_published")
    await shop.api.post(f"/v1/journeys/{journey}/publish")
    started = await shop.api.post(path, json=body)
    assert started.status_code == 201, started.text
    assert reasons(started.json()) == ["entered", "waiting"]
    again = await shop.api.post(path, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "already_entered")
    lacking = await shop.api.post(path, json={"customer_id": "c1"})
    assert (lacking.status_code, lacking.json()["errors"][0]["code"]) == (422, "key_missing")
    lost = await shop.api.post("/v1/journeys/jny_none/entries", json=body)
    assert (lost.status_code, lost.json()["code"]) == (404, "not_found")
    other = await shop.publish_journey(waiting(on_event("once")))
    wrong = await shop.api.post(f"/v1/journeys/{other}/entries", json=body)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_entry_kind")


async def test_an_entry_with_an_idempotency_key_starts_one_run(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(waiting({"kind": "api", "reentry": {"mode": "always"}}))
    path, headers = f"/v1/journeys/{journey}/entries", {"Idempotency-Key": "e1"}
    first = await shop.api.post(path, json={"customer_id": "c1"}, headers=headers)
    second = await shop.api.post(path, json={"customer_id": "c1"}, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
