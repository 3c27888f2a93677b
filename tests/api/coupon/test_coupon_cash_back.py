"""Cash-back: promised with the order, given once when it is completed, cut by what comes back."""

import asyncio
from collections import Counter

from api.coupon.mall import Json, Mall
from api.coupon.test_coupon_refunds import paid

from shared.clock import ManualClock


async def promised(mall: Mall, order_id: str = "o1", quantity: int = 4) -> Json:
    """A paid order of `quantity` × ¥50 with 10 % back."""
    benefit = {"kind": "cash_back", "percent_bp": 1000, "max_amount": 9_000, "valid_days": 7}
    await mall.promotion(benefit=benefit, name="返现")
    return await paid(mall, mall.cart(5_000, quantity), order_id)


async def cash_back(mall: Mall, **filters: str) -> Json:
    (found,) = (await mall.http.get("/v1/cash-back", params=filters)).json()["data"]
    one: Json = found
    return one


async def test_a_completed_order_gives_its_cash_back_once(mall: Mall, clock: ManualClock) -> None:
    checkout = await promised(mall)
    assert checkout["quote"]["cash_back"][0]["amount"] == 2_000
    assert (await cash_back(mall, order_id="o1"))["status"] == "promised"
    answers = await asyncio.gather(*[mall.complete(checkout["id"]) for _ in range(4)])
    assert {answer.status_code for answer in answers} == {200}
    (given,) = answers[0].json()["cash_back"]
    assert (given["status"], given["amount"]) == ("issued", 2_000)
    assert await cash_back(mall, customer_id="c1", status="issued") == given
    assert (await mall.http.get(f"/v1/cash-back/{given['id']}")).json() == given
    (coupon,) = (await mall.http.get("/v1/coupons?customer_id=c1")).json()["data"]
    assert (coupon["id"], coupon["source"], coupon["benefit"]["amount"]) == (given["coupon_id"], "cash_back", 2_000)
    assert coupon["valid_until"] == "2026-11-18T02:00:00Z"
    assert [one["benefit"]["amount"] for one in await mall.told("coupon.issued")] == [2_000]
    next_order = await paid(mall, mall.cart(5_000), "o2")
    assert next_order["quote"]["discount"] == 2_000
    assert await mall.audit() == {}
    assert (await mall.try_claim(coupon["template_id"], "c9")).status_code == 404


async def test_only_paid_orders_are_completed_and_only_by_the_shop(mall: Mall) -> None:
    checkout = await mall.checkout("o1")
    early = await mall.complete(checkout["id"])
    assert (early.status_code, early.json()["code"]) == (409, "checkout_not_committed")
    assert (await mall.complete("chk_none")).status_code == 404
    shopper = mall.running.client(customer_id="c1")
    assert (await shopper.post(f"/v1/checkouts/{checkout['id']}/complete")).json()["code"] == "merchant_only"


async def test_what_comes_back_before_completion_is_not_given(mall: Mall) -> None:
    checkout = await promised(mall)
    refund = await mall.refund(checkout["id"], lines=[{"line_id": "1", "quantity": 1}])
    assert refund["cash_back"][0] == {**refund["cash_back"][0], "before": 2_000, "after": 1_500, "lost": 0}
    (given,) = (await mall.complete(checkout["id"])).json()["cash_back"]
    assert (given["promised"], given["amount"]) == (2_000, 1_500)
    assert (await mall.coupon(given["coupon_id"]))["benefit"]["amount"] == 1_500
    assert await mall.audit() == {}


async def test_a_whole_refund_or_a_given_up_order_cancels_it(mall: Mall) -> None:
    checkout = await promised(mall)
    await mall.refund(checkout["id"])
    assert (await cash_back(mall))["status"] == "cancelled"
    assert (await mall.complete(checkout["id"])).json()["cash_back"][0]["coupon_id"] is None
    other = await mall.checkout("o2")
    assert (await cash_back(mall, order_id="o2"))["status"] == "promised"
    await mall.end(other["id"], "rollback")
    assert (await cash_back(mall, order_id="o2"))["status"] == "cancelled"
    assert await mall.audit() == {}


async def test_a_coupon_that_nobody_used_is_cut_and_then_voided(mall: Mall) -> None:
    checkout = await promised(mall)
    (given,) = (await mall.complete(checkout["id"])).json()["cash_back"]
    part = {"lines": [{"line_id": "1", "quantity": 1}]}
    quoted = (await mall.http.post(f"/v1/checkouts/{checkout['id']}/refunds/quote", json=part)).json()
    assert (await mall.refund(checkout["id"], **part))["cash_back"] == quoted["cash_back"]
    assert (await mall.coupon(given["coupon_id"]))["benefit"]["amount"] == 1_500
    await mall.refund(checkout["id"])
    coupon = await mall.coupon(given["coupon_id"])
    assert (coupon["status"], [one["event"] for one in coupon["ledger"]]) == ("voided", ["issued", "reduced", "voided"])
    assert (await cash_back(mall))["status"] == "cancelled"
    assert await mall.audit() == {}


async def test_what_was_used_already_is_told_as_lost(mall: Mall) -> None:
    checkout = await promised(mall)
    (given,) = (await mall.complete(checkout["id"])).json()["cash_back"]
    await paid(mall, mall.cart(5_000, coupons=[given["coupon_id"]]), "o2")
    refund = await mall.refund(checkout["id"])
    assert Counter((one["after"], one["lost"]) for one in refund["cash_back"]) == {(2_000, 2_000): 1}
    assert (await cash_back(mall, order_id="o1"))["status"] == "issued"
    assert await mall.audit() == {}


async def test_a_paused_template_leaves_it_due_until_it_is_completed_again(mall: Mall) -> None:
    first = await promised(mall)
    (given,) = (await mall.complete(first["id"])).json()["cash_back"]
    template_id = (await mall.coupon(given["coupon_id"]))["template_id"]
    path = f"/v1/coupon-templates/{template_id}"
    await mall.http.patch(path, json={"status": "paused"})
    second = await paid(mall, mall.cart(5_000, coupons=[]), "o2")
    (due,) = (await mall.complete(second["id"])).json()["cash_back"]
    assert (due["status"], due["note"]) == ("due", "paused")
    await mall.http.patch(path, json={"status": "active"})
    (later,) = (await mall.complete(second["id"])).json()["cash_back"]
    assert (later["status"], later["note"]) == ("issued", None)
    assert await mall.audit() == {}
