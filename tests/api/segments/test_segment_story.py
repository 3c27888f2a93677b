"""The main story of segments: a shopper's events in, a membership by events, its end by time, messages out."""

from datetime import timedelta
from typing import Any

CART = {
    "all": [
        {
            "event": "Product Added",
            "measure": "count",
            "op": "gte",
            "value": 1,
            "within": {"last": "30d", "mode": "rolling"},
        },
        {"not": {"event": "Order Completed", "measure": "count", "op": "gte", "value": 1}},
    ]
}


async def test_a_shopper_enters_by_an_event_and_leaves_by_another(segments: Any) -> None:
    cart = await segments.segment(CART, "carts")
    await segments.identify("c1", city="上海")
    await segments.track("c1", "Product Viewed")
    assert await segments.members(cart) == []
    await segments.track("c1", "Product Added", properties={"price": 199.0})
    assert await segments.members(cart) == ["c1"]
    await segments.track("c1", "Order Completed", properties={"order_id": "o1", "total": 199.0})
    assert await segments.members(cart) == []
    entered, exited = await segments.messages("segment.entered"), await segments.messages("segment.exited")
    assert [(one["segment_id"], one["customer_id"], one["cause"]) for one in entered] == [(cart, "c1", "event")]
    assert [(one["segment_id"], one["customer_id"], one["cause"]) for one in exited] == [(cart, "c1", "event")]
    tracked = [event for pack in await segments.messages("events.tracked") for event in pack["events"]]
    assert [event["event"] for event in tracked] == [None, "Product Viewed", "Product Added", "Order Completed"]
    assert tracked[2]["properties"] == {"price": 19900, "currency": "CNY"}
    assert [one["customer_id"] for one in await segments.messages("profile.created")] == ["c1"]
    await segments.audit()


async def test_t5_a_membership_ends_exactly_when_the_window_has_passed(segments: Any) -> None:
    cart = await segments.segment(CART, "carts")
    added = segments.clock.now()
    await segments.track("c1", "Product Added")
    segments.clock.set(added + timedelta(days=30) - timedelta(microseconds=1))
    await segments.tick()
    assert await segments.members(cart) == ["c1"]
    # The sweep comes late; the instant is the scheduled one all the same.
    segments.clock.set(added + timedelta(days=30, seconds=7))
    await segments.tick()
    assert await segments.members(cart) == []
    exited = await segments.messages("segment.exited")
    assert [(one["at"], one["cause"]) for one in exited] == [("2026-12-11T02:00:00Z", "time")]
    await segments.audit()
