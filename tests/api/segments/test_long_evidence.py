"""Leaves with more evidence than a state row keeps are measured from the stored events, to the same effect."""

from datetime import timedelta
from typing import Any

from services.segments.rule_language.measures import LIMIT

SPENT = {"measure": "sum", "property": "total", "op": "gte", "within": {"last": "1d"}, "event": "Order Completed"}


async def test_a_sum_over_more_events_than_are_kept(segments: Any) -> None:
    many = LIMIT + 100
    enough = await segments.segment({**SPENT, "value": many * 100})
    nearly = await segments.segment({**SPENT, "value": (many - 50) * 100})
    now = segments.clock.now()
    for start in range(0, many, 100):
        items = [
            {
                "type": "track", "userId": "c1", "event": "Order Completed", "messageId": f"m{number}",
                "properties": {"total": 1}, "timestamp": (now - timedelta(minutes=number)).isoformat(),
            }
            for number in range(start, start + 100)
        ]  # fmt: skip
        await segments.post("/v1/batch", {"batch": items})
    assert (await segments.members(enough), await segments.members(nearly)) == (["c1"], ["c1"])
    found = await segments.get(f"/v1/segments/{nearly}/members/c1")
    # The oldest is 599 minutes old; the fifty-first to leave takes the sum under the bound.
    assert found["next_change_at"] == "2026-11-11T16:51:00Z"
    segments.clock.advance(timedelta(days=1) - timedelta(minutes=many - 1))
    await segments.tick()
    assert (await segments.members(enough), await segments.members(nearly)) == ([], ["c1"])
    await segments.track("c1", "Order Completed", "late", properties={"total": 1}, at=now)
    assert await segments.members(enough) == ["c1"]
    segments.clock.advance(timedelta(minutes=50))
    await segments.tick()
    assert (await segments.members(enough), await segments.members(nearly)) == ([], ["c1"])
    segments.clock.advance(timedelta(minutes=1))
    await segments.tick()
    await segments.audit()
    exits = {one["segment_id"]: one["at"] for one in await segments.messages("segment.exited")}
    assert exits[nearly] == "2026-11-11T16:52:00Z"
