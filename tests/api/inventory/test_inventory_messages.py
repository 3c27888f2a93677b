"""What the world hears: stock.* and reservation.*, once each, coalesced per transaction."""

import asyncio

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

    def message(reservation: Json, order: str, units: int, expires_at: str | None = None) -> Json:
        return {
            "owner_id": "own_test",
            "reservation_id": reservation["id"],
            "order_id": order,
            "channel": "app",
            "lines": [{"sku": "a", "quantity": units, "location_id": "w1"}],
            "expires_at": expires_at,
        }

    soon = "2026-11-11T02:15:00Z"
    assert await shop.told("reservation.held") == [message(paid, "paid", 2, soon), message(lost, "lost", 3, soon)]
    assert await shop.told("reservation.confirmed") == [message(paid, "paid", 2)]
    assert await shop.told("reservation.released") == [message(paid, "paid", 1)]
    assert await shop.told("reservation.expired") == [message(lost, "lost", 3)]


async def test_the_envelope_names_the_order_and_the_request(shop: Shop) -> None:
    await shop.receive("a", 10)
    body = {"order_id": "o1", "channel": "app", "lines": [{"sku": "a", "quantity": 1}]}
    await shop.client.post("/v1/reservations", json=body, headers={"X-Request-Id": "req_of_the_test"})
    await shop.running.drain()
    held = next(one for one in shop.running.recorder.envelopes if one.name == "reservation.held")
    assert (held.subject, held.correlation_id) == ("o1", "req_of_the_test")


async def test_low_sold_out_and_back_are_told_on_crossing_only(shop: Shop) -> None:
    await shop.receive("a", 8)
    assert await shop.told("stock.back_in_stock") == []
    await shop.held("o1", ("a", 2))
    assert await shop.told("stock.low") == []
    await shop.held("o2", ("a", 1))
    await shop.held("o3", ("a", 1))
    assert [message["available"] for message in await shop.told("stock.low")] == [5]
    last = await shop.held("o4", ("a", 4))
    assert [message["available"] for message in await shop.told("stock.sold_out")] == [0]
    await shop.done(last, "release")
    assert await shop.told("stock.back_in_stock") == [{"sku": "a", "location_id": "w1", "available": 4}]
    assert len(await shop.told("stock.low")) == 1


async def test_a_level_has_its_own_threshold(shop: Shop) -> None:
    body = {"sku": "a", "location_id": "w1", "safety": 0, "low_threshold": 2}
    await shop.client.put("/v1/stock/safety", json=body)
    await shop.receive("a", 8)
    await shop.held("o1", ("a", 5))
    assert await shop.told("stock.low") == []
    await shop.held("o2", ("a", 1))
    assert [message["available"] for message in await shop.told("stock.low")] == [2]


async def test_a_refused_request_tells_nothing(shop: Shop) -> None:
    await shop.receive("a", 1)
    before = len(await shop.told("stock.changed"))
    await shop.reserve("o1", ("a", 2))
    await shop.adjust([{"sku": "a", "location_id": "w1", "change": -2}], "sold")
    assert len(await shop.told("stock.changed")) == before
    assert await shop.told("reservation.held") == []
