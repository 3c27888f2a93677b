"""New and edited rules meet what already happened, in pieces, while events keep coming."""

from datetime import timedelta
from typing import Any

from api.segments.talking import Segments
from kit.services import Recorder, RunningService

from services.segments.app import create_service

BOUGHT = {"event": "Order Completed"}


async def test_a_new_segment_knows_history_and_future_flips(segments: Any) -> None:
    now = segments.clock.now()
    for number in range(3):
        await segments.track(f"c{number}", "Product Viewed", at=now - timedelta(hours=number))
    made = await segments.segment({"event": "Product Viewed", "within": {"last": "2h"}})
    assert await segments.members(made) == ["c0", "c1"]
    segments.clock.advance(timedelta(hours=1))
    await segments.tick()
    assert await segments.members(made) == ["c0"]
    assert [one["cause"] for one in await segments.messages("segment.entered")] == ["edit", "edit"]
    assert [one["cause"] for one in await segments.messages("segment.exited")] == ["time"]
    await segments.audit()


async def test_events_that_come_during_a_backfill_count_once(small_chunks: Any) -> None:
    segments = small_chunks
    backfill = next(loop for loop in segments.running.service.loops if loop.name == "backfill segments")
    # Stop the loop; the test takes its steps.
    backfill.tick, tick = _nothing, backfill.tick
    for number in range(7):
        await segments.track(f"c{number}", "Product Viewed")
    made = await segments.post("/v1/segments", {"name": "s", "rule": BOUGHT}, 201)
    assert (made["status"], made["backfill"]) == ("backfilling", {"done": 0, "total": 7, "entered": 0, "exited": 0})
    await tick()
    assert (await segments.get(f"/v1/segments/{made['id']}"))["backfill"]["done"] == 2
    for who in ("c0", "c1", "c5", "new"):  # behind the cursor, at it, ahead of it, and not yet known
        await segments.track(who, "Order Completed")
    while await tick():
        await segments.track("c6", "Order Completed")
    shown = await segments.get(f"/v1/segments/{made['id']}")
    assert (shown["status"], shown["count"], shown["backfill"]) == ("live", 5, None)
    assert await segments.members(made["id"]) == ["c0", "c1", "c5", "c6", "new"]
    entered = await segments.messages("segment.entered")
    assert sorted((one["customer_id"], one["cause"]) for one in entered) == [
        ("c0", "event"), ("c1", "event"), ("c5", "edit"), ("c6", "edit"), ("new", "edit")
    ]  # fmt: skip
    await segments.audit()


async def _nothing() -> bool:
    return False


async def test_t10_an_edit_tells_only_the_difference(small_chunks: Any) -> None:
    segments = small_chunks
    for number in range(6):
        await segments.identify(f"c{number}", score=number)
    made = await segments.segment({"trait": "score", "op": "gte", "value": 2})
    await segments.tick()
    assert await segments.members(made) == ["c2", "c3", "c4", "c5"]
    before = len(await segments.messages("segment.entered"))
    answer = await segments.http.patch(
        f"/v1/segments/{made}", json={"rule": {"trait": "score", "op": "between", "value": [1, 4]}}
    )
    assert (answer.json()["version"], answer.json()["status"]) == (2, "backfilling")
    # Until its turn comes, everybody stays where the old version put them.
    assert await segments.members(made) == ["c2", "c3", "c4", "c5"]
    await segments.tick()
    assert await segments.members(made) == ["c1", "c2", "c3", "c4"]
    entered, exited = await segments.messages("segment.entered"), await segments.messages("segment.exited")
    assert [(one["customer_id"], one["cause"], one["segment_version"]) for one in entered[before:]] == [
        ("c1", "edit", 2)
    ]
    assert [(one["customer_id"], one["cause"], one["segment_version"]) for one in exited] == [("c5", "edit", 2)]
    versions = (await segments.get(f"/v1/segments/{made}/versions"))["data"]
    assert [one["version"] for one in versions] == [2, 1]
    await segments.audit()


async def test_a_new_name_is_no_new_version(segments: Any) -> None:
    made = await segments.segment(BOUGHT)
    answer = await segments.http.put(f"/v1/segments/{made}", json={"name": "new", "rule": BOUGHT})
    assert (answer.json()["name"], answer.json()["version"], answer.json()["status"]) == ("new", 1, "live")
    await segments.track("c1", "Order Completed")
    assert (await segments.messages("segment.entered"))[0]["segment_name"] == "new"


async def test_a_leaf_that_comes_back_is_measured_anew(segments: Any) -> None:
    first = await segments.segment(BOUGHT)
    await segments.track("c1", "Order Completed")
    assert (await segments.http.delete(f"/v1/segments/{first}")).status_code == 200
    await segments.track("c2", "Order Completed")  # nobody keeps the leaf up to date now
    second = await segments.segment({"not": BOUGHT})
    await segments.identify("c3", a=1)
    assert await segments.members(second) == ["c3"]
    await segments.tick()
    await segments.audit()


async def test_a_backfill_goes_on_after_a_kill(small_chunks: Any) -> None:
    segments = small_chunks
    backfill = next(loop for loop in segments.running.service.loops if loop.name == "backfill segments")
    backfill.tick, tick = _nothing, backfill.tick
    for number in range(7):
        await segments.track(f"c{number}", "Order Completed")
    made = await segments.segment(BOUGHT)
    await tick()
    # Another process on the same database takes over where this one stopped.
    kit = segments.running.service.kit
    other = create_service(kit.settings, kit.bus, kit.clock)
    await other.tick()
    await other.kit.db.close()
    assert await segments.members(made) == [f"c{number}" for number in range(7)]
    assert len(await segments.messages("segment.entered")) == 7
    await segments.audit()


async def test_whoever_refers_to_a_backfilling_segment_waits_for_it(small_chunks: Any) -> None:
    segments = small_chunks
    for number in range(5):
        await segments.track(f"c{number}", "Order Completed" if number % 2 else "Product Viewed")
    bought = await segments.segment(BOUGHT, "bought")
    others = await segments.segment({"not": {"segment": bought}}, "others")
    await segments.tick()
    assert await segments.members(others) == ["c0", "c2", "c4"]
    assert await segments.messages("segment.exited") == []
    await segments.audit()


async def test_flips_of_an_archived_segment_are_nobodys(segments: Any) -> None:
    made = await segments.segment({"event": "Product Viewed", "within": {"last": "1h"}})
    kept = await segments.segment({"event": "Product Viewed", "within": {"last": "2h"}})
    await segments.track("c1", "Product Viewed")
    assert (await segments.http.delete(f"/v1/segments/{made}")).status_code == 200
    segments.clock.advance(timedelta(hours=3))
    await segments.tick()
    assert (await segments.members(made), await segments.members(kept)) == (["c1"], [])
    assert [one["segment_id"] for one in await segments.messages("segment.exited")] == [kept]
    await segments.audit()


async def test_a_definition_that_fails_halfway_leaves_no_trace(segments: Any) -> None:
    """The rule set that a rolled back transaction saw must not stay in memory."""
    outbox = segments.running.service.kit.outbox
    publish, calls = outbox.publish, 0

    async def failing(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("the disk is full")
        return await publish(*arguments, **named)

    outbox.publish = failing
    answer = await segments.http.post("/v1/segments", json={"name": "ghost", "rule": {"event": "Product Viewed"}})
    assert answer.status_code == 503
    # The next rule set is another process's.
    kit = segments.running.service.kit
    other = RunningService(create_service(kit.settings, kit.bus, kit.clock), kit.bus, kit.clock, Recorder())
    made = await Segments(other, kit.clock).segment({"event": "Order Completed"})
    await segments.track("c1", "Product Viewed")
    await segments.track("c2", "Order Completed")
    await other.service.kit.db.close()
    await other.close()
    assert await segments.members(made) == ["c2"]
    assert len(await segments.messages("segment.entered")) == 1
    await segments.audit()
