"""Figures of an offer: every coupon in one state, and what it cost after refunds, on both databases."""

from api.coupon.mall import Json, Mall
from api.coupon.test_coupon_refunds import paid
from api.coupon.tillkit import Till, show

from shared.clock import ManualClock

COUNTED = ("claimed", "unused", "locked", "redeemed", "expired", "voided")


async def figures(mall: Mall, path: str) -> Json:
    answer = await mall.http.get(f"/v1/{path}/figures")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_coupons_are_counted_where_they_are_and_cost_what_they_took_off(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(1_000, validity={"days_after_claim": 1})
    path = f"coupon-templates/{template_id}"
    nothing = await figures(mall, path)
    assert [nothing[name] for name in COUNTED] == [0] * 6
    assert (nothing["redemption_rate_bp"], nothing["discount_cost"], nothing["currency"]) == (None, 0, "CNY")
    for customer in ("c1", "c2", "c3", "c4", "c5", "c6"):
        await mall.claim(template_id, customer)
    taken_back = await mall.claim(template_id, "c7")
    assert (await mall.http.post(f"/v1/coupons/{taken_back}/void", json={"reason": "x"})).status_code == 200
    await mall.claim(await mall.template(1_000), "c8")  # another offer's are not counted
    whole = await paid(mall, {**mall.cart(2_500, 4), "customer_id": "c1"}, "o1")
    assert whole["quote"]["discount"] == 1_000
    await paid(mall, {**mall.cart(2_500, 4), "customer_id": "c2"}, "o2")
    await mall.checkout("o3", {**mall.cart(), "customer_id": "c3"}, ttl_seconds=60)
    at_till = (await mall.http.get("/v1/coupons?customer_id=c4")).json()["data"][0]["id"]
    used = await Till(mall).redeem(token=(await show(mall, at_till))["token"], lines=mall.cart()["lines"])
    assert (used.status_code, used.json()["amount"]) == (201, 1_000)
    found = await figures(mall, path)
    assert [found[name] for name in COUNTED] == [7, 2, 1, 3, 0, 1]
    assert (found["redemption_rate_bp"], found["discount_cost"]) == (4286, 3_000)
    await mall.refund(whole["id"], lines=[{"line_id": "1", "quantity": 1}])
    assert (await figures(mall, path))["discount_cost"] == 2_750
    await mall.refund(whole["id"])
    found = await figures(mall, path)
    assert [found[name] for name in COUNTED] == [7, 3, 1, 2, 0, 1], "it is back in the wallet"
    assert found["discount_cost"] == 2_000
    clock.advance(seconds=61)
    assert [(await figures(mall, path))[name] for name in COUNTED] == [7, 4, 0, 2, 0, 1], "the lock ran out"
    clock.advance(seconds=86_400)
    assert [(await figures(mall, path))[name] for name in COUNTED] == [7, 0, 0, 2, 4, 1]
    await mall.running.tick()
    assert [(await figures(mall, path))[name] for name in COUNTED] == [7, 0, 0, 2, 4, 1], "as the sweeper writes it"


async def test_a_promotion_is_counted_in_orders(mall: Mall) -> None:
    promotion_id = await mall.promotion(1_000)
    first = await paid(mall, mall.cart(2_500, 4), "o1")
    await paid(mall, mall.cart(2_500, 4), "o2")
    await mall.checkout("o3")
    given_up = await mall.checkout("o4")
    assert (await mall.end(given_up["id"], "rollback")).status_code == 200
    await mall.refund(first["id"], lines=[{"line_id": "1", "quantity": 1}])
    found = await figures(mall, f"promotions/{promotion_id}")
    names = ("locked", "redeemed", "returned", "discount_cost", "cash_back")
    assert [found[name] for name in names] == [1, 2, 0, 1_750, 0]
    await mall.refund(first["id"])
    found = await figures(mall, f"promotions/{promotion_id}")
    assert [found[name] for name in names] == [1, 1, 1, 1_000, 0]


async def test_promised_cash_back_is_told_beside_the_discount(mall: Mall) -> None:
    benefit = {"kind": "cash_back", "percent_bp": 1000, "max_amount": 9_000, "valid_days": 7}
    promotion_id = await mall.promotion(benefit=benefit, name="返现")
    order = await paid(mall, mall.cart(5_000, 4), "o1")
    await paid(mall, mall.cart(5_000, 4), "o2")
    await mall.refund(order["id"], lines=[{"line_id": "1", "quantity": 1}])
    found = await figures(mall, f"promotions/{promotion_id}")
    assert (found["discount_cost"], found["cash_back"]) == (0, 3_500)


async def test_figures_are_not_for_shoppers(mall: Mall) -> None:
    template_id = await mall.template()
    page = mall.running.client(("coupon:templates:read",), kind="publishable")
    assert (await page.get(f"/v1/coupon-templates/{template_id}/figures")).status_code == 403
    assert (await mall.http.get("/v1/coupon-templates/tpl_none/figures")).status_code == 404
    assert (await mall.http.get(f"/v1/promotions/{template_id}/figures")).status_code == 404
