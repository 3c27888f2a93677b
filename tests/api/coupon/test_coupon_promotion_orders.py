"""Promotions in orders: their limits and budgets are taken with the lock, given back with it, and never passed."""

import asyncio
from typing import Any

import pytest
from api.coupon.mall import Json, Mall
from api.coupon.test_coupon_refunds import paid

from shared.clock import ManualClock


async def seen(mall: Mall, promotion_id: str) -> tuple[int, int]:
    """How many orders use it, and what they took of its budget."""
    found = (await mall.http.get(f"/v1/promotions/{promotion_id}")).json()
    return found["issued"], found["budget_spent"]


def cart_of(customer: str, price: int = 10_000) -> Json:
    line = {"line_id": "1", "sku": "s1", "quantity": 1, "unit_price": price}
    return {"customer_id": customer, "lines": [line]}


async def test_an_order_counts_while_it_is_open_or_paid(mall: Mall) -> None:
    promotion_id = await mall.promotion(1_000, limits={"budget": 5_000, "total": 9, "per_day": 9})
    given_up, bought = await mall.checkout("o1"), await mall.checkout("o2")
    assert given_up["promotions"] == [{"promotion_id": promotion_id, "amount": 1_000, "state": "live"}]
    assert await seen(mall, promotion_id) == (2, 2_000)
    assert await mall.audit() == {}
    await mall.end(given_up["id"], "rollback")
    await mall.end(bought["id"], "commit")
    assert await seen(mall, promotion_id) == (1, 1_000)
    assert await mall.audit() == {}
    await mall.refund(bought["id"])
    assert await seen(mall, promotion_id) == (0, 0)
    assert (await mall.http.get(f"/v1/checkouts/{bought['id']}")).json()["promotions"][0]["state"] == "returned"
    assert await mall.audit() == {}


@pytest.mark.parametrize(
    ("limits", "used"), [({"budget": 3_500}, 3), ({"total": 4}, 4), ({"per_day": 2}, 2), ({"budget": 9_000}, 8)]
)
async def test_limits_are_exact_whoever_orders_at_once(mall: Mall, limits: Json, used: int) -> None:
    """Whoever comes too late is priced without the promotion in the same call, as a quote would be then."""
    promotion_id = await mall.promotion(1_000, limits=limits)
    made = await asyncio.gather(*[mall.checkout(f"o{number}", cart_of(f"c{number}")) for number in range(8)])
    discounts = sorted(one["quote"]["discount"] for one in made)
    assert discounts == [0] * (8 - used) + [1_000] * used
    assert await seen(mall, promotion_id) == (used, 1_000 * used if "budget" in limits else 0)
    assert (await mall.quote(cart_of("c9")))["discount"] == (1_000 if used == 8 else 0)
    assert await mall.audit() == {}


async def test_a_budget_on_redemption_is_taken_by_orders_not_by_coupons(mall: Mall) -> None:
    template_id = await mall.template(1_000, limits={"budget": 2_500, "budget_on": "redemption"})
    for number in range(4):
        await mall.claim(template_id, f"c{number}")
    assert (await mall.seen(template_id))["budget_spent"] == 0
    made = await asyncio.gather(*[mall.checkout(f"o{number}", cart_of(f"c{number}")) for number in range(4)])
    assert sorted(one["quote"]["discount"] for one in made) == [0, 0, 1_000, 1_000]
    assert (await mall.seen(template_id))["budget_spent"] == 2_000
    won = [one for one in made if one["quote"]["discount"]]
    lost = next(one for one in made if not one["quote"]["discount"])
    assert [one["code"] for one in lost["quote"]["rejected"]] == ["budget_exhausted"]
    await mall.end(won[0]["id"], "rollback")
    await mall.end(won[1]["id"], "commit")
    assert (await mall.seen(template_id))["budget_spent"] == 1_000
    assert await mall.audit() == {}
    await mall.refund(won[1]["id"])
    assert (await mall.seen(template_id))["budget_spent"] == 0
    assert await mall.audit() == {}


async def test_a_returned_coupon_finds_what_it_lacks_of_the_budget_or_is_not_used(mall: Mall) -> None:
    """Budget registered with one hand and reverted with the other (Medusa 16012, 16595) would pass its limit here."""
    template_id = await mall.template(1_000, limits={"budget": 1_400})
    await mall.claim(template_id)
    first = await paid(mall, mall.cart(400))
    await mall.claim(template_id, "c2")
    await mall.refund(first["id"])  # the coupon is back and holds 400; the other one holds the rest
    big, small = await mall.quote(mall.cart(2_000)), await mall.quote(mall.cart(300))
    assert (big["discount"], [one["code"] for one in big["rejected"]]) == (0, ["budget_exhausted"])
    assert small["discount"] == 300
    other = await paid(mall, cart_of("c2", 100), "o2")  # gives 900 back
    assert other["quote"]["discount"] == 100
    assert (await mall.checkout("o3", mall.cart(2_000)))["quote"]["discount"] == 1_000
    assert (await mall.seen(template_id))["budget_spent"] == 1_100
    assert await mall.audit() == {}


@pytest.mark.parametrize("swept", [True, False])
async def test_a_late_commit_takes_the_promotion_again_or_says_why_not(
    mall: Mall, clock: ManualClock, swept: bool
) -> None:
    promotion_id = await mall.promotion(1_000, limits={"budget": 1_500})
    first, second = await mall.checkout("o1", ttl_seconds=60), await mall.checkout("o2", cart_of("c2"), ttl_seconds=60)
    assert (first["quote"]["discount"], second["quote"]["discount"]) == (1_000, 0)
    clock.advance(seconds=61)
    if swept:
        await mall.running.tick()
    assert (await mall.end(first["id"], "commit")).status_code == 200
    assert await seen(mall, promotion_id) == (1, 1_000)
    assert await mall.audit() == {}


async def test_a_late_commit_is_refused_when_others_took_the_budget(mall: Mall, clock: ManualClock) -> None:
    promotion_id = await mall.promotion(1_000, limits={"budget": 1_500})
    first = await mall.checkout("o1", ttl_seconds=60)
    clock.advance(seconds=61)
    await mall.running.tick()
    assert (await mall.checkout("o2", cart_of("c2")))["quote"]["discount"] == 1_000
    late = await mall.end(first["id"], "commit")
    assert (late.status_code, late.json()["code"]) == (409, "checkout_expired")
    assert late.json()["promotions"] == [{"promotion_id": promotion_id, "code": "budget_exhausted"}]
    assert await mall.audit() == {}


async def test_quote_and_checkout_agree(mall: Mall) -> None:
    more: dict[str, Any] = {"shipping_fee": 900, "points": 150}
    await mall.promotion(1_000, limits={"budget": 1_500})
    await mall.claim(await mall.template(700, funder="platform", stacking={"layer": "coupon"}))
    cart = mall.cart(3_333, 3, **more)
    quoted = await mall.quote(cart)
    checkout = await paid(mall, cart)
    assert checkout["quote"] == quoted
    refund = await mall.refund(checkout["id"], lines=[{"line_id": "1", "quantity": 2}])
    last = await mall.refund(checkout["id"])
    payers = {key: refund["payers"][key] + last["payers"][key] for key in last["payers"]}
    assert payers == {"customer": quoted["total"], "points": 150, "shop": 1_000, "platform": 700}
    assert await mall.audit() == {}
