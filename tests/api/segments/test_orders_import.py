"""Order history in bulk: judged one by one, stored once, without setting off what is for the present."""

from typing import Any

LINE = {"sku": "85123A", "name": "HOLDER", "quantity": 6, "unit_price": 255}


def order(number: int, **extra: Any) -> dict[str, Any]:
    return {
        "order_id": f"o{number}", "customer_id": f"c{number % 2}", "ordered_at": "2010-12-01T08:26:00+00:00", "lines": [LINE],
        **extra,
    }  # fmt: skip


async def run(segments: Any, *orders: Any, status: int = 200) -> Any:
    return await segments.post(
        "/v1/imports/orders", {"source": "shop", "currency": "GBP", "orders": list(orders)}, status
    )


async def test_orders_become_customers_and_events(segments: Any) -> None:
    made = await segments.segment({"event": "Order Completed", "op": "gte", "value": 2})
    found = await run(segments, order(1), order(3, total=99), order(2, traits={"country": "France"}))
    assert (found["accepted"], found["duplicates"], found["rejected"]) == (3, 0, 0)
    assert await segments.members(made) == ["c1"]
    assert (await segments.get("/v1/profiles/c0"))["traits"] == {"country": "France"}
    newest = (await segments.get("/v1/profiles/c1/timeline"))["data"]
    assert sorted(one["properties"]["total"] for one in newest) == [99, 1530]
    assert newest[0]["timestamp"] == "2010-12-01T08:26:00Z"
    assert newest[0]["properties"]["products"] == [{"sku": "85123A", "name": "HOLDER", "quantity": 6, "price": 255}]
    assert [one["cause"] for one in await segments.messages("segment.entered")] == ["import"]
    told = [event for pack in await segments.messages("events.tracked") for event in pack["events"]]
    assert [event["history"] for event in told] == [True] * 3
    assert await segments.preview(
        {
            "event": "Order Completed",
            "measure": "sum",
            "property": "total",
            "op": "gte",
            "value": 1530,
            "currency": "GBP",
        }
    ) == ["c0", "c1"]
    await segments.audit()


async def test_a_second_run_changes_nothing(segments: Any) -> None:
    await segments.segment({"event": "Order Completed"})
    first = await run(segments, order(1), order(2))
    before = await segments.messages("events.tracked"), await segments.messages("segment.entered")
    second = await run(segments, order(1), order(2), order(2))
    assert [one["status"] for one in first["results"]] == ["accepted"] * 2
    assert [one["status"] for one in second["results"]] == ["duplicate"] * 3
    assert (await segments.messages("events.tracked"), await segments.messages("segment.entered")) == before


async def test_an_order_that_the_shop_already_told_is_a_duplicate(segments: Any) -> None:
    await segments.track("c1", "Order Completed", properties={"order_id": "o1", "total": 15.3})
    found = await run(segments, order(1), order(1, kind="refunded"))
    assert [one["status"] for one in found["results"]] == ["duplicate", "accepted"]


async def test_bad_orders_are_named_and_their_neighbours_stored(segments: Any) -> None:
    found = await run(
        segments,
        order(1),
        order(2, ordered_at="yesterday"),
        order(3, lines=[LINE, {**LINE, "quantity": -1}]),
        order(4, customer_id=""),
        order(5, ordered_at="2030-01-01T00:00:00Z"),
        order(6, colour="red"),
        order(7, total=1.5),
        order(8),
        order(9, traits={"n": 10**30}),
    )
    assert (found["accepted"], found["rejected"]) == (3, 6)
    named = {one["index"]: one["pointer"] for one in found["results"] if one["status"] == "rejected"}
    assert named == {
        1: "#/orders/1/ordered_at", 2: "#/orders/2/lines/1/quantity", 3: "#/orders/3/customer_id", 4: "#/orders/4",
        5: "#/orders/5/colour", 6: "#/orders/6/total",
    }  # fmt: skip
    assert all(one["detail"] for one in found["results"] if one["status"] == "rejected")


async def test_a_broken_envelope_is_refused(segments: Any) -> None:
    for body in ({"source": "shop", "orders": []}, {"source": "a b", "orders": [order(1)]}, {"orders": [order(1)]}):
        await segments.post("/v1/imports/orders", body, 422)
    await segments.post("/v1/imports/orders", {"source": "shop", "orders": [order(1)] * 501}, 422)
