"""What an offer gave 赠品, and refunds: it comes back when the thing does, and never to be had again and again."""

from typing import Any

import pytest
from api.coupon.mall import Json, Mall
from api.coupon.test_coupon_refunds import paid
from api.coupon.tillkit import Till

ONE = [{"line_id": "1", "quantity": 1}]
GIFT: Json = {"benefit": {"kind": "gift", "sku": "tote"}, "threshold": {"amount": 10_000}}
VOUCHER: Json = {"benefit": {"kind": "exchange", "product_id": "mug"}}


async def status(mall: Mall, coupon_id: str) -> str:
    return str((await mall.coupon(coupon_id))["status"])


@pytest.mark.parametrize("offer", [GIFT, VOUCHER], ids=["gift", "voucher"])
async def test_the_coupon_of_a_gift_that_is_kept_stays_used(mall: Mall, offer: Json) -> None:
    """The item comes back and the gift does not: no second gift, no shipping fee. With the gift all of it comes back."""
    coupon_id = await mall.claim(await mall.template(**offer))
    checkout = await paid(mall, mall.cart(shipping_fee=800))
    gift = next(line for line in checkout["quote"]["lines"] if line["kind"] != "item")
    quoted = (await mall.http.post(f"/v1/checkouts/{checkout['id']}/refunds/quote", json={"lines": ONE})).json()
    first = await mall.refund(checkout["id"], lines=ONE)
    assert quoted == {key: first[key] for key in quoted}
    assert (first["amount"], first["whole"], first["coupons_returned"]) == (10_000, False, [])
    assert first["gifts_kept"] == [{"line_id": gift["line_id"], "source": coupon_id, "quantity": 1}]
    assert await status(mall, coupon_id) == "redeemed"
    assert await mall.audit() == {}
    last = await mall.refund(checkout["id"], lines=[{"line_id": gift["line_id"], "quantity": 1}])
    assert (last["amount"], last["whole"], last["coupons_returned"], last["gifts_kept"]) == (800, True, [coupon_id], [])
    assert await status(mall, coupon_id) == "issued"
    assert await mall.audit() == {}


async def test_other_coupons_come_back_with_the_goods_whatever_gift_is_kept(mall: Mall) -> None:
    gift = await mall.claim(await mall.template(**{**GIFT, "benefit": {"kind": "gift", "sku": "tote", "quantity": 3}}))
    plain = await mall.claim(await mall.template(500))
    checkout = await paid(mall, mall.cart())
    assert (await mall.refund(checkout["id"], lines=ONE))["coupons_returned"] == [plain]
    some = [{"line_id": f"{gift}:1", "quantity": 2}]
    part = await mall.refund(checkout["id"], lines=some)
    assert (part["coupons_returned"], part["gifts_kept"][0]["quantity"]) == ([], 1)
    assert (await mall.refund(checkout["id"]))["coupons_returned"] == [gift]
    assert await mall.audit() == {}


async def test_coupons_that_a_refund_left_used_do_not_come_back_with_a_later_gift(mall: Mall) -> None:
    await mall.claim(await mall.template(500))
    gift = await mall.claim(await mall.template(**GIFT))
    checkout = await paid(mall, mall.cart())
    await mall.refund(checkout["id"], lines=ONE, return_coupons="never")
    assert (await mall.refund(checkout["id"]))["coupons_returned"] == [gift]
    assert await mall.audit() == {}


async def test_a_promotion_of_gifts_counts_on_until_the_gift_is_back(mall: Mall) -> None:
    promotion = await mall.promotion(**GIFT, limits={"total": 1})
    checkout = await paid(mall, mall.cart())
    await mall.refund(checkout["id"], lines=ONE)
    assert await _issued(mall, promotion) == 1
    assert (await mall.quote(mall.cart()))["applied"] == []
    await mall.refund(checkout["id"])
    assert await _issued(mall, promotion) == 0
    assert await mall.audit() == {}


async def _issued(mall: Mall, promotion_id: str) -> int:
    return int((await mall.http.get(f"/v1/promotions/{promotion_id}")).json()["issued"])


async def test_a_free_shipping_coupon_comes_back_with_the_fee_that_it_paid(mall: Mall) -> None:
    """The parcel went out: while the fee is not given back, the coupon is spent."""
    coupon_id = await mall.claim(await mall.template(benefit={"kind": "free_shipping"}))
    checkout = await paid(mall, mall.cart(shipping_fee=800))
    refund = await mall.refund(checkout["id"], shipping="never")
    assert (refund["amount"], refund["whole"], refund["coupons_returned"]) == (10_000, True, [])
    assert await mall.audit() == {}
    fee = await mall.refund(checkout["id"], lines=[], shipping="now")
    assert (fee["amount"], fee["coupons_returned"], fee["payers"]["shop"]) == (0, [coupon_id], 800)
    assert await mall.audit() == {}


async def test_an_order_that_is_cancelled_before_it_is_sent_gives_all_of_it_back(mall: Mall) -> None:
    gift, voucher = [await mall.claim(await mall.template(**one)) for one in (GIFT, VOUCHER)]
    free = await mall.claim(await mall.template(benefit={"kind": "free_shipping"}))
    checkout = await paid(mall, mall.cart(shipping_fee=800))
    refund = await mall.refund(checkout["id"])
    assert (refund["amount"], refund["coupons_returned"]) == (10_000, sorted([gift, voucher, free]))
    assert await mall.audit() == {}


async def _cash_back(mall: Mall) -> tuple[Json, str, str]:
    """A completed order with a coupon that promised ¥30 back: the order, that coupon, and the coupon that it gave."""
    source = await mall.claim(await mall.template(benefit={"kind": "cash_back", "amount": 3_000}))
    checkout = await paid(mall, mall.cart())
    (given,) = (await mall.complete(checkout["id"])).json()["cash_back"]
    return checkout, source, given["coupon_id"]


async def test_a_coupon_whose_cash_back_was_spent_stays_used(mall: Mall) -> None:
    checkout, source, given = await _cash_back(mall)
    await paid(mall, mall.cart(coupons=[given]), "o2")
    refund = await mall.refund(checkout["id"])
    assert (refund["amount"], refund["coupons_returned"]) == (10_000, [])
    assert (refund["cash_back"][0]["lost"], await status(mall, source)) == (3_000, "redeemed")
    assert await mall.audit() == {}


@pytest.mark.parametrize("how", ["rollback", "refund", "expiry"])
async def test_spent_cash_back_of_refunded_goods_is_taken_once_it_is_free(mall: Mall, clock: Any, how: str) -> None:
    checkout, _, given = await _cash_back(mall)
    other = await mall.checkout("o2", mall.cart(coupons=[given]))
    if how == "refund":
        await mall.end(other["id"], "commit")
    await mall.refund(checkout["id"])
    assert await mall.audit() == {}
    if how == "refund":
        await mall.refund(other["id"])
    elif how == "rollback":
        await mall.end(other["id"], "rollback")
    else:
        clock.advance(seconds=901)
        await mall.running.tick()
    assert await status(mall, given) == "voided"
    assert await mall.audit() == {}
    if how == "expiry":  # late payment does not take it up again
        assert (await mall.end(other["id"], "commit")).json()["coupons"] == [{"coupon_id": given, "status": "voided"}]


async def test_spent_cash_back_is_taken_when_the_till_that_used_it_takes_it_back(mall: Mall) -> None:
    checkout, _, given = await _cash_back(mall)
    till = Till(mall)
    done = (await till.redeem(coupon_id=given, customer_id="c1")).json()
    await mall.refund(checkout["id"])
    assert (await status(mall, given), await mall.audit()) == ("redeemed", {})
    await till.http.post(f"/v1/redemptions/{done['id']}/reverse", json={"reason": "x"})
    assert (await status(mall, given), await mall.audit()) == ("voided", {})


async def test_cash_back_that_is_owed_in_part_is_cut_and_late_payment_takes_no_more_than_is_left(
    mall: Mall, clock: Any
) -> None:
    await mall.promotion(benefit={"kind": "cash_back", "percent_bp": 1_000})
    checkout = await paid(mall, mall.cart(5_000, 4))
    (given,) = (await mall.complete(checkout["id"])).json()["cash_back"]
    other = await mall.checkout("o2", mall.cart(coupons=[given["coupon_id"]]))
    await mall.refund(checkout["id"], lines=ONE)
    clock.advance(seconds=901)
    await mall.running.tick()
    coupon = await mall.coupon(given["coupon_id"])
    assert (coupon["status"], coupon["benefit"]["amount"]) == ("issued", 1_500)
    late = await mall.end(other["id"], "commit")
    assert (late.status_code, late.json()["coupons"][0]["status"]) == (409, "reduced")
    assert await mall.audit() == {}
