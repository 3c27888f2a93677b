"""Failures of the systems before us, each by name. Others of the list have their tests beside the feature:

oversell under concurrency, deadlock by other order, one order twice -> test_inventory_races · two lines of one SKU, partial
shipment then cancel, released twice -> test_inventory_reservations · paid after expiry -> test_inventory_expiry · duplicate
document -> test_inventory_stock · absolute push (what moved since a count) -> test_inventory_counts · counter and reservations
disagree -> test_inventory_audit · twenty reports more -> test_inventory_reports
"""

import asyncio

import pytest
from api.inventory.shopkit import Shop, figures
from sqlalchemy import update

from services.inventory.reservations.models import ReservationRow


async def test_a_fully_reserved_order_can_ship(shop: Shop) -> None:
    """medusajs/medusa 6500: the order's own reservation was counted against it."""
    await shop.receive("a", 3)
    held = await shop.held("o1", ("a", 3))
    await shop.done(held, "confirm")
    assert (await shop.done(held, "ship"))["status"] == "shipped"
    assert figures(await shop.level("a")) == (0, 0, 0, 0)


async def test_draft_and_checkout_of_one_order_reserve_once(shop: Shop) -> None:
    """medusajs/medusa 5198."""
    await shop.receive("a", 3)
    await shop.held("o1", ("a", 2))
    await shop.held("o1", ("a", 2))
    assert figures(await shop.level("a")) == (3, 1, 2, 0)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_skip_locked_never_changes_a_figure(shop: Shop) -> None:
    """Leetcode-City 1654, Odoo 272560: rows that a sweeper skips must only come later, not be lost or counted twice.

    PostgreSQL only: on SQLite the sweeper would simply wait for the writer.
    """
    await shop.receive("a", 20)
    held = [await shop.held(f"o{n}", ("a", 1)) for n in range(20)]
    shop.clock.advance(seconds=900)
    db = shop.running.service.kit.db
    async with db.write() as tx:
        await tx.execute(
            update(ReservationRow.table)
            .where(ReservationRow.c.id == held[0]["id"])
            .values(version=ReservationRow.c.version)
        )
        await asyncio.create_task(shop.running.tick())  # tasks of their own, as loops and requests are
        assert figures(await asyncio.create_task(shop.level("a"))) == (20, 19, 1, 0)
    await shop.running.tick()
    assert figures(await shop.level("a")) == (20, 20, 0, 0)
    await shop.prove()


async def test_no_false_sold_out_while_others_come_and_go(shop: Shop) -> None:
    """At most ten units are ever wanted at once, ten are there: nobody may be refused."""
    await shop.receive("a", 10)

    async def customer(number: int) -> list[int]:
        statuses = []
        for visit in range(8):
            answer = await shop.reserve(f"o{number}-{visit}", ("a", 1))
            statuses.append(answer.status_code)
            if answer.status_code == 201:
                await shop.done(answer.json(), "release")
        return statuses

    statuses = await asyncio.gather(*(customer(number) for number in range(10)))
    assert {status for row in statuses for status in row} == {201}
    await shop.prove()


async def test_clients_cannot_set_reserved_quantities(shop: Shop) -> None:
    line = {"sku": "a", "location_id": "w1", "change": 1}
    for state in ("held", "committed", "safety", "outside"):
        assert (await shop.adjust([line | {"state": state}])).status_code == 422
    body = {"order_id": "o", "channel": "app", "status": "confirmed", "lines": [{"sku": "a", "quantity": 1}]}
    assert (await shop.client.post("/v1/reservations", json=body)).status_code == 422


async def test_a_paid_order_never_expires(shop: Shop) -> None:
    await shop.receive("a", 1)
    held = await shop.held("o1", ("a", 1))
    await shop.done(held, "confirm")
    shop.clock.advance(seconds=10**8)
    await shop.running.tick()
    assert (await shop.read(held))["status"] == "confirmed"


async def test_sku_case_is_kept_apart_and_kept_whole(shop: Shop) -> None:
    await shop.receive("Shoe", 1)
    await shop.receive("shoe", 2)
    await shop.receive("鞋", 3)
    assert [(await shop.level(sku))["on_hand"] for sku in ("Shoe", "shoe", "鞋")] == [1, 2, 3]


async def test_the_sweeper_takes_more_than_one_batch(shop: Shop) -> None:
    await shop.receive("a", 1200)
    answers = await asyncio.gather(*(shop.reserve(f"o{n}", ("a", 1)) for n in range(1100)))
    assert {answer.status_code for answer in answers} == {201}
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    assert figures(await shop.level("a")) == (1200, 1200, 0, 0)
    await shop.prove()
