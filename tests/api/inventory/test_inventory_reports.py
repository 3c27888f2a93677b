"""Public bug reports about the stock of other shops, played here. Each has a SKU of its own; they share a service on each
database, and the audit is asked after each.
"""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
from api.inventory.shopkit import Json, Shop, figures

Play = Callable[[Shop, str], Awaitable[None]]
REPORTS: dict[str, Play] = {}


def report(name: str) -> Callable[[Play], Play]:
    def keep(play: Play) -> Play:
        REPORTS[name] = play
        return play

    return keep


async def test_reports_of_other_shops(shop: Shop) -> None:
    await shop.place("w2")
    for number, (name, play) in enumerate(REPORTS.items()):
        try:
            await play(shop, f"sku{number}")
            await shop.prove()
        except AssertionError as error:
            error.add_note(name)
            raise


async def paid(shop: Shop, order_id: str, sku: str, units: int) -> Json:
    return await shop.done(await shop.held(order_id, (sku, units)), "confirm")


async def count(shop: Shop, sku: str, counted: int, **when: object) -> httpx.Response:
    body = {"sku": sku, "location_id": "w1", "counted": counted, **when}
    return await shop.client.post("/v1/stock/counts", json=body)


def part(sku: str, units: int) -> Json:
    return {"lines": [{"sku": sku, "quantity": units}]}


def moved(sku: str, source: str, target: str) -> list[Json]:
    """The lines of a transfer of four units."""
    return [{"sku": sku, "location_id": place, "change": units} for place, units in ((source, -4), (target, 4))]


@report("Sylius 3573, 7707, WooCommerce 67354: who pays again is told that their own order has taken the last unit")
async def blocked_by_the_own_order(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 1)
    first = await shop.held(f"{sku}-o", (sku, 1))
    again = await shop.reserve(f"{sku}-o", (sku, 1))
    assert (again.status_code, again.json()["id"]) == (201, first["id"])
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    later = await shop.reserve(f"{sku}-o", (sku, 1))
    assert (later.status_code, later.json()["status"]) == (201, "held")


@report("Sylius 9435, 7144: an order can't be cancelled after the stock was set below what it holds")
async def set_below_what_is_held(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 5)
    held = await shop.held(f"{sku}-o", (sku, 3))
    line = {"sku": sku, "location_id": "w1", "change": -5}
    assert (await shop.adjust([line], "lost")).json()["code"] == "insufficient_stock"
    below = await count(shop, sku, 0, expected_version=(await shop.level(sku))["version"])
    assert (below.status_code, below.json()["reservations"]) == (409, [held["id"]])
    await shop.done(held, "release")
    assert figures(await shop.level(sku)) == (5, 5, 0, 0)


@report(
    "Magento MSI 1881, 1887, 1906, Bagisto 10205: a partly shipped order is cancelled, and all of it comes back, or nothing"
)
async def partly_shipped_and_cancelled(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 100)
    order = await paid(shop, f"{sku}-o", sku, 5)
    await shop.done(order, "ship", part(sku, 2))
    await shop.done(order, "release")
    assert figures(await shop.level(sku)) == (98, 98, 0, 0)


@report("Magento MSI 1849, 1878, Bagisto 6290: a shipped order is cancelled, and other orders lose what they hold")
async def shipped_and_cancelled(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 10)
    shipped, waiting = await paid(shop, f"{sku}-1", sku, 5), await paid(shop, f"{sku}-2", sku, 2)
    await shop.done(shipped, "ship")
    assert (await shop.step(shipped, "release")).status_code == 409
    assert figures(await shop.level(sku)) == (5, 3, 0, 2)
    await shop.done(waiting, "ship")


@report(
    "Magento MSI 3329, Sylius 14620, Solidus 2947: four of six are refunded before shipping, and the order never completes"
)
async def refunded_before_shipping(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 6)
    order = await paid(shop, f"{sku}-o", sku, 6)
    await shop.done(order, "release", part(sku, 4) | {"reference": "refund-1"})
    assert (await shop.done(order, "ship"))["status"] == "shipped"
    await shop.done(order, "release", part(sku, 4) | {"reference": "refund-1"})
    assert figures(await shop.level(sku)) == (4, 4, 0, 0)


@report("WooCommerce 22489, 28585, hipay 161: cancelled twice, by the cron and by hand, restocks twice")
async def cancelled_twice(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 3)
    order = await paid(shop, f"{sku}-o", sku, 3)
    await asyncio.gather(*(shop.step(order, "release") for _ in range(4)))
    await shop.done(order, "release")
    assert figures(await shop.level(sku)) == (3, 3, 0, 0)


@report("Vendure 550: two payment states, authorised and settled, move the stock twice")
async def confirmed_twice(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 3)
    order = await paid(shop, f"{sku}-o", sku, 2)
    await shop.done(order, "confirm")
    assert figures(await shop.level(sku)) == (3, 1, 0, 2)


@report("Vendure 1557, Medusa 11131: what holds nothing is cancelled, and the reserved figure goes below zero")
async def cancelled_without_holding(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 2)
    held = await shop.held(f"{sku}-o", (sku, 2))
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    await shop.done(held, "release")
    assert figures(await shop.level(sku)) == (2, 2, 0, 0)
    assert (await shop.step(held, "confirm")).status_code == 409, "cancelled, and paid for all the same"


@report("Vendure 4030: units that other orders have at a place are given out again")
async def places_net_of_others(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 10)
    await shop.receive(sku, 15, "w2")
    await shop.held(f"{sku}-1", (sku, 9, "w1"))
    held = await shop.held(f"{sku}-2", (sku, 16))
    assert [(line["location_id"], line["quantity"]) for line in held["lines"]] == [("w1", 1), ("w2", 15)]


@report("Vendure 1355: the stock goes while the customer pays, and the order is placed all the same")
async def sold_while_paying(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 2)
    late = await shop.held(f"{sku}-1", (sku, 2))
    shop.clock.advance(seconds=900)
    await paid(shop, f"{sku}-2", sku, 2)
    assert (await shop.step(late, "confirm")).status_code == 410


@report("Odoo 10677: two counts of one SKU are open at once, and the second adds its difference to the first one's")
async def two_counts_at_once(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 10)
    version = (await shop.level(sku))["version"]
    first, second = [await count(shop, sku, units, expected_version=version) for units in (20, 30)]
    assert (first.json()["on_hand"], second.json()["on_hand"]) == (20, 30)


@report("Odoo 62515: stock is counted while it is being reserved, and more is reserved than is there")
async def counted_while_reserved(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 35)
    version = (await shop.level(sku))["version"]
    orders = [shop.reserve(f"{sku}-{n}", (sku, 7)) for n in range(7)]
    counted, *answers = await asyncio.gather(count(shop, sku, 30, expected_version=version), *orders)
    held = 7 * [answer.status_code for answer in answers].count(201)
    level = await shop.level(sku)
    assert (level["held"], level["on_hand"]) == (held, 30 if counted.status_code == 201 else 35)
    assert level["on_hand"] >= held


@report("ERPNext 49382: nothing can be counted while any unit is reserved")
async def counted_though_reserved(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 8)
    await paid(shop, f"{sku}-o", sku, 5)
    counted = await count(shop, sku, 5, expected_version=(await shop.level(sku))["version"])
    assert (counted.status_code, figures(counted.json())) == (201, (5, 0, 0, 5))


@report(
    "ERPNext 37192, OCA 1947: a count of this morning is entered after the day's deliveries, and takes them off twice"
)
async def counted_this_morning(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 15_000)
    shop.clock.advance(seconds=3600)
    morning = shop.clock.now().isoformat()
    shop.clock.advance(seconds=3600)
    order = await paid(shop, f"{sku}-o", sku, 2_000)
    await shop.done(order, "ship")
    for difference in (-2_000, 0):
        counted = await count(shop, sku, 13_000, as_of=morning)
        assert (counted.json()["on_hand"], counted.json()["difference"]) == (11_000, difference)


@report("WooCommerce 51405: low stock is mailed each time that the product is saved")
async def saved_again(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 9)
    await shop.adjust([{"sku": sku, "location_id": "w1", "change": -5}], "sold")
    for units in (0, 0, 1, 0):
        await shop.client.put("/v1/stock/safety", json={"sku": sku, "location_id": "w1", "safety": units})
    assert [name for name, told in await shop.signals() if told["sku"] == sku] == ["stock.low"]


@report("PrestaShop ps_emailalerts 153: a cart with the last units makes the product sold out, and then back in stock")
async def carts_are_no_sales(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 30)
    for n in range(3):
        cart = await shop.held(f"{sku}-{n}", (sku, 30))
        await shop.signals()
        await shop.done(cart, "release")
        assert [name for name, told in await shop.signals() if told["sku"] == sku] == []


@report("Medusa 16406: an order that is edited after shipping reserves its whole quantity again")
async def repeated_after_shipping(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 9)
    order = await paid(shop, f"{sku}-o", sku, 4)
    await shop.done(order, "ship", part(sku, 3))
    assert (await shop.held(f"{sku}-o", (sku, 4)))["id"] == order["id"]
    assert figures(await shop.level(sku)) == (6, 5, 0, 1)


@report("grandnode 560, stock-locations-for-woocommerce 162: of two places one gets its units back, or both get all")
async def two_places_cancelled(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 3)
    await shop.receive(sku, 2, "w2")
    await shop.done(await paid(shop, f"{sku}-o", sku, 5), "release")
    assert [figures(await shop.level(sku, place)) for place in ("w1", "w2")] == [(3, 3, 0, 0), (2, 2, 0, 0)]


@report("RepairDesk 430: a transfer that is saved twice leaves the warehouse twice")
async def transferred_twice(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 9)
    lines = moved(sku, "w1", "w2")
    first, again = [await shop.adjust(lines, "transfer", reference=f"TO-{sku}") for _ in range(2)]
    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")
    assert figures(await shop.level(sku)) == (5, 5, 0, 0)


@report("Bagisto 3068, Dolibarr 4370, Odoo 58684: a closed warehouse still sells, and takes what is sent to it")
async def a_closed_place(shop: Shop, sku: str) -> None:
    await shop.receive(sku, 5)
    await shop.receive(sku, 5, "w2")
    await shop.client.patch("/v1/locations/w2", json={"active": False})
    try:
        named = await shop.reserve(f"{sku}-1", (sku, 1, "w2"))
        assert (named.status_code, named.json()["code"]) == (409, "location_closed")
        assert (await shop.reserve(f"{sku}-2", (sku, 6))).json()["lines"][0]["available"] == 5
        lines = moved(sku, "w1", "w2")
        sent = await shop.adjust(lines, "transfer")
        assert (sent.status_code, sent.json()["code"]) == (409, "location_closed")
        assert sent.json()["errors"][0]["pointer"] == "#/lines/1/location_id"
        assert (await shop.adjust(lines[1:], "found")).status_code == 201, "what is there is there"
        assert (
            await shop.adjust([line | {"change": -line["change"]} for line in lines], "transfer")
        ).status_code == 201
    finally:
        await shop.client.patch("/v1/locations/w2", json={"active": True})
