"""What the world hears: stock.* and reservation.*, once each, coalesced per transaction."""

import asyncio
from typing import Any

from api.inventory.shopkit import Json, Shop


async def test_one_stock_message_per_level_and_batch(shop: Shop) -> None:
    await shop.receive("a", 500)
    await asyncio.gather(*(shop.reserve(f"o{n}", ("a", 1)) for n in range(200)))
    changed = await shop.told("stock.changed")
    assert len(changed) < 100, "a message for each reservation would be 200"
    last = max(changed, key=lambda message: message["level_version"])
    level = await shop.level("a")
    assert last == {
        "sku": "a",
        "location_id": "w1",
        "available": 300,
        "on_hand": 500,
        "reserved": 200,
        "level_version": level["version"],
    }
    held = await shop.told("reservation.held")
    assert sorted(message["order_id"] for message in held) == sorted(f"o{n}" for n in range(200))


async def test_a_transaction_of_several_lines_of_one_level_tells_once(shop: Shop) -> None:
    line = {"sku": "a", "location_id": "w1"}
    await shop.adjust([line | {"change": 5}, line | {"change": 2, "state": "damaged"}, line | {"change": -1}])
    assert [(m["on_hand"], m["available"]) for m in await shop.told("stock.changed")] == [(6, 4)]


async def test_reservation_messages_through_a_life(shop: Shop) -> None:
    await shop.receive("a", 10)
    paid = await shop.held("paid", ("a", 2))
    await shop.done(paid, "confirm")
    await shop.done(paid, "confirm")
    await shop.done(paid, "ship", {"lines": [{"sku": "a", "quantity": 1}]})
    await shop.done(paid, "release")
    await shop.done(paid, "release")
    lost = await shop.held("lost", ("a", 3))
    shop.clock.advance(seconds=900)
    await shop.running.tick()

    def message(reservation: Json, order: str, units: int, status: str, expires_at: str | None = None) -> Json:
        return {
            "owner_id": "own_test",
            "reservation_id": reservation["id"],
            "order_id": order,
            "channel": "app",
            "lines": [{"sku": "a", "quantity": units, "location_id": "w1"}],
            "status": status,
            "expires_at": expires_at,
        }

    soon = "2026-11-11T02:15:00Z"
    held = [message(paid, "paid", 2, "held", soon), message(lost, "lost", 3, "held", soon)]
    assert await shop.told("reservation.held") == held
    assert await shop.told("reservation.confirmed") == [message(paid, "paid", 2, "confirmed")]
    assert await shop.told("reservation.released") == [message(paid, "paid", 1, "released")]
    assert await shop.told("reservation.expired") == [message(lost, "lost", 3, "expired")]


async def test_the_envelope_names_the_order_and_the_request(shop: Shop) -> None:
    await shop.receive("a", 10)
    body = {"order_id": "o1", "channel": "app", "lines": [{"sku": "a", "quantity": 1}]}
    await shop.client.post("/v1/reservations", json=body, headers={"X-Request-Id": "req_of_the_test"})
    await shop.running.drain()
    held = next(one for one in shop.running.recorder.envelopes if one.name == "reservation.held")
    assert (held.subject, held.correlation_id) == ("o1", "req_of_the_test")


async def sold(shop: Shop, order_id: str, *lines: Any) -> Json:
    """Reserved and paid."""
    return await shop.done(await shop.held(order_id, *lines), "confirm")


async def test_low_sold_out_and_back_are_told_of_what_is_sold_only(shop: Shop) -> None:
    await shop.receive("a", 8)
    assert await shop.signals() == []
    for visit in range(5):  # carts come and go, down to the last unit
        cart = await shop.held(f"cart{visit}", ("a", 8))
        assert await shop.signals() == []
        await shop.done(cart, "release")
    await sold(shop, "o1", ("a", 2))
    assert await shop.signals() == []
    await shop.held("unpaid", ("a", 1))
    assert await shop.signals() == []
    await sold(shop, "o2", ("a", 1))
    place = {"location_id": "w1"}
    low = {"sku": "a", "available": 4, "held": 1, "by_location": [place | {"available": 4}]}
    assert await shop.signals() == [("stock.low", low)]
    last = await sold(shop, "o3", ("a", 4))
    assert [name for name, _ in await shop.signals()] == ["stock.low"], "an unpaid order may still give its unit back"
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    await sold(shop, "o4", ("a", 1))
    out = {"sku": "a", "available": 0, "held": 0, "by_location": []}
    assert (await shop.signals())[1:] == [("stock.sold_out", out)]
    await shop.done(last, "release")
    back = {"sku": "a", "available": 4, "held": 0, "by_location": [place | {"available": 4}]}
    assert (await shop.signals())[2:] == [("stock.back_in_stock", back)]
    await shop.prove()


async def test_a_sku_is_judged_over_all_places_that_sell(shop: Shop) -> None:
    await shop.place("w2")
    await shop.place("tmall", kind="marketplace")
    for place, units in (("w1", 7), ("w2", 9), ("tmall", 50)):
        await shop.receive("a", units, place)
    await sold(shop, "o1", ("a", 7, "w1"))
    assert await shop.signals() == [], "one place is empty, the SKU is not"
    await shop.client.patch("/v1/locations/w2", json={"active": False})
    assert [name for name, _ in await shop.signals()] == ["stock.sold_out"]
    await shop.client.patch("/v1/locations/w2", json={"active": True})
    told = await shop.signals()
    assert [name for name, _ in told] == ["stock.sold_out", "stock.back_in_stock"]
    assert told[1][1]["by_location"] == [{"location_id": "w2", "available": 9}]
    await shop.prove()


async def test_two_places_that_sell_their_last_units_at_once_are_one_sold_out(shop: Shop) -> None:
    for n in range(6):
        await shop.place(f"p{n}")
        await shop.receive("a", 3, f"p{n}")
    carts = [await shop.held(f"o{n}", ("a", 3, f"p{n}")) for n in range(6)]
    await shop.signals()
    await asyncio.gather(*(shop.step(cart, "confirm") for cart in carts), *(shop.running.tick() for _ in range(4)))
    names = [name for name, _ in await shop.signals()]
    assert names.count("stock.sold_out") == 1
    await shop.prove()


async def test_thresholds_of_its_places_are_those_of_the_sku(shop: Shop) -> None:
    await shop.place("w2")
    for place in ("w1", "w2"):
        await shop.client.put("/v1/stock/safety", json={"sku": "a", "location_id": place, "low_threshold": 1})
        await shop.receive("a", 4, place)
    await sold(shop, "o1", ("a", 5))
    assert await shop.signals() == []
    await shop.client.put("/v1/stock/safety", json={"sku": "a", "location_id": "w2", "low_threshold": 2})
    assert [name for name, _ in await shop.signals()] == ["stock.low"]


async def test_a_refused_request_tells_nothing(shop: Shop) -> None:
    await shop.receive("a", 1)
    before = len(await shop.told("stock.changed"))
    await shop.reserve("o1", ("a", 2))
    await shop.adjust([{"sku": "a", "location_id": "w1", "change": -2}], "sold")
    assert len(await shop.told("stock.changed")) == before
    assert await shop.told("reservation.held") == []
