"""Quotes that are priced together: each is what it would be alone, and of what is stored when it is asked for."""

import asyncio
from random import Random
from typing import Any

from api.coupon.mall import Json, Mall

from services.coupon.pricing import repository
from services.coupon.pricing.repository import MOST_IN_WALLET
from services.coupon.wallet.models import Coupon
from shared.clock import ManualClock
from shared.db import as_dict, insert_bulk

CUSTOMERS = [f"c{number}" for number in range(8)]


def _drawn(draw: Random, currency: str) -> Json:
    benefit: Json = draw.choice(
        [
            {"kind": "amount_off", "amount": draw.randint(100, 4000)},
            {"kind": "percent_off", "percent_bp": draw.randint(100, 5000)},
            {"kind": "free_shipping"},
        ]
    )
    more: Json = draw.choice(
        [{}, {"threshold": {"amount": draw.randint(1, 20_000)}}, {"scope": {"include": {"skus": ["s1"]}}}]
    )
    asked: Json = draw.choice([{}, {"scope": {"first_order_only": True}}, {"scope": {"channels": ["app"]}}])
    stacking = {"group": draw.choice([None, "g"]), "priority": draw.randint(0, 2)}
    return {"benefit": benefit, **more, **asked, "stacking": stacking, "currency": currency, "allow_zero_pay": True}


def _cart(draw: Random, customer_id: str) -> Json:
    lines = [
        {"line_id": str(n), "sku": f"s{n}", "unit_price": draw.randint(100, 9000), "quantity": draw.randint(1, 3)}
        for n in range(draw.randint(1, 3))
    ]
    currency = draw.choice(["CNY", "CNY", "USD"])
    return {"customer_id": customer_id, "lines": lines, "shipping_fee": 700, "currency": currency, "channel": "app"}


def _in_any_order(quote: Json) -> Json:
    """The same whatever order the refused offers were asked in."""
    return {**quote, "rejected": sorted(quote["rejected"], key=str)}


async def test_carts_that_are_priced_together_cost_what_each_costs_alone(mall: Mall) -> None:
    draw = Random(20261111)  # noqa: S311 - the same every time
    for number in range(12):
        await (mall.promotion if number % 3 == 0 else mall.template)(
            **_drawn(draw, "USD" if number % 4 == 3 else "CNY")
        )
    await mall.promotion(limits={"per_day": 1})
    offers = (await mall.http.get("/v1/coupon-templates?limit=100")).json()["data"]
    wallets: dict[str, list[str]] = {one: [] for one in CUSTOMERS}
    for customer, wallet in wallets.items():
        for offer in draw.sample(offers, draw.randint(0, len(offers))):
            wallet.append(await mall.claim(offer["id"], customer))
    carts = [_cart(draw, one) for one in [*CUSTOMERS, *CUSTOMERS]]
    together = await asyncio.gather(*(mall.quote(cart) for cart in carts))
    assert together == [await mall.quote(cart) for cart in carts]
    assert sum(len(one["applied"]) > 1 for one in together) > len(carts) // 3
    named = [await mall.quote({**cart, "coupons": wallets[cart["customer_id"]]}) for cart in carts]
    assert list(map(_in_any_order, together)) == list(map(_in_any_order, named))


async def test_each_quote_is_of_what_is_stored_when_it_is_asked_for(mall: Mall) -> None:
    template = await mall.template(2000)
    promotion = await mall.promotion(500)

    async def discounts() -> set[int]:
        return {one["discount"] for one in await asyncio.gather(*(mall.quote(mall.cart()) for _ in range(4)))}

    assert await discounts() == {500}
    coupon = await mall.claim(template)
    assert await discounts() == {2500}
    change: Json = {"benefit": {"kind": "amount_off", "amount": 700}}
    for path in (f"/v1/promotions/{promotion}", f"/v1/coupon-templates/{template}"):
        assert (await mall.http.patch(path, json=change)).status_code == 200
    assert await discounts() == {2700}  # the coupon keeps the terms that it was issued with
    assert (await mall.http.patch(f"/v1/promotions/{promotion}", json={"status": "paused"})).status_code == 200
    assert await discounts() == {2000}
    assert (await mall.http.post(f"/v1/coupons/{coupon}/void", json={"reason": "test"})).status_code == 200
    assert await discounts() == {0}


async def test_one_full_wallet_takes_no_place_of_another(mall: Mall, clock: ManualClock) -> None:
    template = await mall.template(2000)
    kept = await mall.claim(template, "other")
    first = await mall.claim(template, "full")
    db = mall.running.service.kit.db
    async with db.write() as tx:
        (row,) = await tx.rows(Coupon, Coupon.table.select().where(Coupon.c.id == first))
        more: list[dict[str, Any]] = [
            {**as_dict(row), "id": f"cpn_{n:026}", "code": f"X{n}", "seq": n + 2} for n in range(MOST_IN_WALLET)
        ]
        await insert_bulk(tx, Coupon.table, more)
    async with db.read() as tx:
        rows = await repository.live(tx, ["full", "other"], clock.now())
    assert [row.id for row in rows if row.customer_id == "other"] == [kept]
    assert [row.id for row in rows if row.customer_id == "full"] == sorted([first, *(one["id"] for one in more)])[:-1]
