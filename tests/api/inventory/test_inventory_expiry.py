"""Reservations beyond their time: swept, extended, or paid too late."""

from datetime import timedelta

import pytest
from api.inventory.shopkit import Shop, figures


async def test_ttl_bounds(shop: Shop) -> None:
    await shop.receive("a", 9)
    for wrong in (0, -1, 14_401, "900", 1.5, None):
        refused = await shop.reserve("o1", ("a", 1), ttl_seconds=wrong)
        assert refused.status_code == 422, wrong
        assert refused.json()["errors"][0]["pointer"] == "#/ttl_seconds"
    held = await shop.held("o2", ("a", 1), ttl_seconds=14_400)
    assert held["expires_at"] == "2026-11-11T06:00:00Z"
    assert (await shop.held("o3", ("a", 1)))["expires_at"] == "2026-11-11T02:15:00Z"


@pytest.mark.parametrize(("second", "status"), [(899, "held"), (900, "expired"), (901, "expired")])
async def test_expiry_boundary(shop: Shop, second: int, status: str) -> None:
    await shop.receive("a", 1)
    held = await shop.held("o1", ("a", 1))
    shop.clock.advance(seconds=second)
    await shop.running.tick()
    assert (await shop.read(held))["status"] == status
    assert figures(await shop.level("a")) == ((1, 0, 1, 0) if status == "held" else (1, 1, 0, 0))
    await shop.prove()


async def test_paid_after_expiry_takes_the_stock_again_and_says_so(shop: Shop) -> None:
    await shop.receive("a", 1)
    held = await shop.held("o1", ("a", 1))
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    confirmed = await shop.done(held, "confirm")
    assert (confirmed["status"], confirmed["reserved_again"], confirmed["expires_at"]) == ("confirmed", True, None)
    assert figures(await shop.level("a")) == (1, 0, 0, 1)
    await shop.prove()


async def test_paid_after_expiry_takes_the_stock_from_where_it_is_now(shop: Shop) -> None:
    await shop.place("w2")
    await shop.receive("a", 2)
    held = await shop.held("o1", ("a", 2))
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    await shop.held("o2", ("a", 2, "w1"))
    await shop.receive("a", 2, "w2")
    confirmed = await shop.done(held, "confirm")
    assert [(line["location_id"], line["quantity"]) for line in confirmed["lines"]] == [("w2", 2)]
    assert await shop.read(held) == confirmed
    await shop.prove()


async def test_paid_after_expiry_when_the_stock_is_gone_is_410_and_changes_nothing(shop: Shop) -> None:
    await shop.receive("a", 2)
    held = await shop.held("o1", ("a", 2))
    shop.clock.advance(seconds=900)
    await shop.held("o2", ("a", 1))
    gone = await shop.step(held, "confirm")
    assert (gone.status_code, gone.json()["code"]) == (410, "reservation_expired")
    assert (await shop.read(held))["status"] == "expired"
    assert figures(await shop.level("a")) == (2, 1, 1, 0)
    await shop.prove()


async def test_paid_after_expiry_may_take_what_others_hold_beyond_their_time(shop: Shop) -> None:
    await shop.receive("a", 1)
    first = await shop.held("o1", ("a", 1), ttl_seconds=60)
    shop.clock.advance(seconds=60)
    second = await shop.held("o2", ("a", 1), ttl_seconds=60)
    assert (await shop.step(first, "confirm")).status_code == 410
    shop.clock.advance(seconds=60)
    assert (await shop.done(first, "confirm"))["reserved_again"]
    assert (await shop.step(second, "confirm")).status_code == 410
    await shop.prove()


async def test_paid_late_but_not_swept_yet_keeps_its_stock(shop: Shop) -> None:
    await shop.receive("a", 1)
    held = await shop.held("o1", ("a", 1))
    shop.clock.advance(seconds=5000)
    confirmed = await shop.done(held, "confirm")
    assert (confirmed["status"], confirmed["reserved_again"]) == ("confirmed", True)
    await shop.running.tick()
    assert (await shop.read(held))["status"] == "confirmed"
    await shop.prove()


async def test_overdue_stock_is_swept_when_a_reservation_needs_it(shop: Shop) -> None:
    await shop.receive("a", 2)
    await shop.receive("b", 2)
    old = await shop.held("o1", ("a", 2), ("b", 1))
    shop.clock.advance(timedelta(minutes=15))
    await shop.held("o2", ("a", 1))
    assert (await shop.read(old))["status"] == "expired"
    assert figures(await shop.level("b")) == (2, 2, 0, 0)
    await shop.prove()


async def test_overdue_stock_is_swept_for_a_call_with_an_idempotency_key_too(shop: Shop) -> None:
    await shop.receive("a", 2)
    await shop.held("o1", ("a", 2))
    shop.clock.advance(timedelta(minutes=15))
    body = {"order_id": "o2", "channel": "app", "lines": [{"sku": "a", "quantity": 1}]}
    first = await shop.client.post("/v1/reservations", json=body, headers={"Idempotency-Key": "k1"})
    assert first.status_code == 201, first.text
    again = await shop.client.post("/v1/reservations", json=body, headers={"Idempotency-Key": "k1"})
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert figures(await shop.level("a")) == (2, 1, 1, 0)
    await shop.prove()


async def test_extend_once(shop: Shop) -> None:
    await shop.receive("a", 1)
    held = await shop.held("o1", ("a", 1))
    shop.clock.advance(seconds=600)
    extended = await shop.done(held, "extend", {"ttl_seconds": 900})
    assert (extended["expires_at"], extended["extended"]) == ("2026-11-11T02:25:00Z", True)
    twice = await shop.step(held, "extend")
    assert (twice.status_code, twice.json()["code"]) == (409, "already_extended")
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    assert (await shop.read(held))["status"] == "expired"


async def test_extend_never_shortens_and_never_wakes_the_dead(shop: Shop) -> None:
    await shop.receive("a", 2)
    held = await shop.held("o1", ("a", 1), ttl_seconds=3600)
    assert (await shop.done(held, "extend", {"ttl_seconds": 1}))["expires_at"] == held["expires_at"]
    late = await shop.held("o2", ("a", 1), ttl_seconds=1)
    shop.clock.advance(seconds=1)
    gone = await shop.step(late, "extend")
    assert (gone.status_code, gone.json()["code"]) == (410, "reservation_expired")
    await shop.done(held, "confirm")
    paid = await shop.step(held, "extend")
    assert (paid.status_code, paid.json()["code"]) == (409, "reservation_state")
