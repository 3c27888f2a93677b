"""Refunds: from the frozen shares, once each, never more than was paid."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from api.coupon.mall import Json, Mall

from shared.clock import ManualClock

TWO = [
    {"line_id": "1", "sku": "s1", "quantity": 2, "unit_price": 5_000},
    {"line_id": "2", "sku": "s2", "quantity": 3, "unit_price": 3_333},
]


async def paid(mall: Mall, cart: Json, order_id: str = "o1") -> Json:
    checkout = await mall.checkout(order_id, cart)
    answer = await mall.end(checkout["id"], "commit")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def two(**more: Any) -> Json:
    return {"customer_id": "c1", "lines": TWO, "shipping_fee": 800, **more}


async def test_two_of_three_at_ten_percent_off(mall: Mall) -> None:
    """Reference §4.6: 3 × ¥100, 10 % off; return 2 → 180. The quote says the same first and stores nothing."""
    await mall.claim(await mall.template(benefit={"kind": "percent_off", "percent_bp": 1000}, funder="platform"))
    checkout = await paid(mall, mall.cart(10_000, 3))
    wanted = {"lines": [{"line_id": "1", "quantity": 2}]}
    quoted = await mall.http.post(f"/v1/checkouts/{checkout['id']}/refunds/quote", json=wanted)
    assert quoted.status_code == 200, quoted.text
    assert (await mall.http.get(f"/v1/checkouts/{checkout['id']}/refunds")).json()["data"] == []
    refund = await mall.refund(checkout["id"], **wanted)
    assert quoted.json() == {key: refund[key] for key in quoted.json()}
    assert (refund["amount"], refund["policy"], refund["whole"]) == (18_000, "keep", False)
    assert refund["payers"] == {"customer": 18_000, "points": 0, "shop": 0, "platform": 2_000}
    source = checkout["locks"][0]["coupon_id"]
    share = {"source": source, "funder": "platform", "amount": 2_000}
    assert refund["lines"] == [{"line_id": "1", "quantity": 2, "amount": 18_000, "points": 0, "shares": [share]}]
    assert (await mall.http.get(f"/v1/refunds/{refund['id']}")).json() == refund
    assert (await mall.http.get(f"/v1/checkouts/{checkout['id']}/refunds")).json()["data"] == [refund]
    assert await mall.audit() == {}


@pytest.mark.parametrize(("policy", "amount"), [(None, 22_000), ("clawback", 22_000), ("keep", 22_500)])
async def test_what_falls_under_the_threshold(mall: Mall, policy: str | None, amount: int) -> None:
    """Reference §4.6: 6 × ¥50, 10 % off from ¥300; return 5 → KEEP 225, CLAWBACK 220. The default is the template's."""
    benefit = {"kind": "percent_off", "percent_bp": 1000}
    await mall.claim(await mall.template(benefit=benefit, threshold={"amount": 30_000}, refund_policy="clawback"))
    checkout = await paid(mall, mall.cart(5_000, 6))
    body: Json = {"lines": [{"line_id": "1", "quantity": 5}]} | ({"policy": policy} if policy else {})
    first = await mall.refund(checkout["id"], **body)
    assert first["amount"] == amount
    last = await mall.refund(checkout["id"])
    assert (first["amount"] + last["amount"], last["whole"]) == (27_000, True)
    assert await mall.audit() == {}


async def test_every_order_and_split_gives_back_what_was_paid(mall: Mall) -> None:
    """A refund never re-prorates what others paid (Vendure 4811, 5127), and a whole one never exceeds what was paid."""
    await mall.claim(await mall.template(777))
    checkout = await paid(mall, two())
    total = checkout["quote"]["total"]
    steps: list[Json] = [
        {"lines": [{"line_id": "2", "quantity": 1}]},
        {"lines": [{"line_id": "1", "quantity": 1}, {"line_id": "2", "quantity": 1}], "policy": "clawback"},
        {"lines": [], "shipping": "now"},
        {"lines": [{"line_id": "1", "quantity": 1}]},
        {},
    ]
    amounts = [(await mall.refund(checkout["id"], **step))["amount"] for step in steps]
    assert sum(amounts) == total
    assert amounts[2] == 800
    over = await mall.try_refund(checkout["id"], refund_id="r9")
    assert (over.status_code, over.json()["code"]) == (409, "nothing_left_to_refund")
    again = await mall.http.post(f"/v1/checkouts/{checkout['id']}/refunds")  # may carry nothing, and may be repeated
    assert (again.json()["number"], again.headers["idempotent-replayed"]) == (len(steps), "true")
    assert await mall.audit() == {}


@pytest.mark.parametrize(("shipping", "more"), [("when_whole", 800), ("never", 0)])
async def test_the_shipping_fee_comes_back_with_the_last_goods_or_never(mall: Mall, shipping: str, more: int) -> None:
    checkout = await paid(mall, two())
    first = await mall.refund(checkout["id"], lines=[{"line_id": "1", "quantity": 2}], shipping=shipping)
    last = await mall.refund(checkout["id"], lines=[{"line_id": "2", "quantity": 3}], shipping=shipping)
    assert (first["amount"], last["amount"]) == (10_000, 9_999 + more)
    assert [line["line_id"] for line in last["lines"]] == ["2", "shipping"][: 1 + bool(more)]
    assert await mall.audit() == {}


async def test_what_cannot_be_refunded_is_refused_with_numbers(mall: Mall) -> None:
    checkout = await mall.checkout("o1", two())
    early = await mall.try_refund(checkout["id"])
    assert (early.status_code, early.json()["code"]) == (409, "checkout_not_committed")
    await mall.end(checkout["id"], "commit")
    unknown = await mall.try_refund(checkout["id"], lines=[{"line_id": "9", "quantity": 1}])
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_line")
    assert unknown.json()["errors"][0]["pointer"] == "#/lines/0/line_id"
    await mall.refund(checkout["id"], lines=[{"line_id": "1", "quantity": 1}])
    over = await mall.try_refund(
        checkout["id"], lines=[{"line_id": "1", "quantity": 2}, {"line_id": "2", "quantity": 3}]
    )
    assert (over.status_code, over.json()["code"]) == (409, "nothing_left_to_refund")
    assert over.json()["lines"] == [{"line_id": "1", "requested": 2, "left": 1}]
    twice = [{"line_id": "1", "quantity": 1}] * 2
    wrong: tuple[Json, ...] = (
        {"lines": twice},
        {"lines": []},
        {"lines": [{"line_id": "1", "quantity": 0}]},
        {"reason": "x"},
    )
    for body in wrong:
        assert (await mall.try_refund(checkout["id"], **body)).status_code == 422
    assert (await mall.try_refund("chk_none")).status_code == 404
    assert await mall.audit() == {}


async def test_a_refund_happens_once_by_its_id_and_by_its_key(mall: Mall) -> None:
    checkout = await paid(mall, two())
    body: Json = {"lines": [{"line_id": "1", "quantity": 1}], "refund_id": "r1"}
    answers = await asyncio.gather(*[mall.try_refund(checkout["id"], **body) for _ in range(5)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Counter("idempotent-replayed" in answer.headers for answer in answers) == {True: 4, False: 1}
    other = await mall.try_refund(checkout["id"], refund_id="r1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    path = f"/v1/checkouts/{checkout['id']}/refunds"
    keyed = [await mall.http.post(path, json={"lines": TWO_BACK}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert keyed[0].content == keyed[1].content
    assert len((await mall.http.get(path)).json()["data"]) == 2
    assert await mall.audit() == {}


TWO_BACK = [{"line_id": "2", "quantity": 2}]


async def test_refunds_of_one_checkout_together_take_no_unit_twice(mall: Mall) -> None:
    await mall.claim(await mall.template(500))
    checkout = await paid(mall, mall.cart(5_000, 4))
    one = {"lines": [{"line_id": "1", "quantity": 1}]}
    answers = await asyncio.gather(*[mall.try_refund(checkout["id"], **one) for _ in range(7)])
    assert Counter(answer.status_code for answer in answers) == {201: 4, 409: 3}
    assert sum(answer.json()["amount"] for answer in answers if answer.status_code == 201) == 19_500
    assert await mall.audit() == {}


@pytest.mark.parametrize("lasts", [True, False])
async def test_a_whole_refund_gives_the_coupon_back_if_its_time_is_not_over(
    mall: Mall, clock: ManualClock, lasts: bool
) -> None:
    template_id = await mall.template(500, validity={"days_after_claim": 1}, limits={"budget": 600})
    coupon_id = await mall.claim(template_id)
    checkout = await paid(mall, mall.cart(400, 2))  # 500 off, of which 500 stay in the budget
    clock.advance(seconds=0 if lasts else 172_800)
    quoted = (await mall.http.post(f"/v1/checkouts/{checkout['id']}/refunds/quote")).json()
    assert (await mall.refund(checkout["id"], lines=[{"line_id": "1", "quantity": 1}]))["coupons_returned"] == []
    assert (await mall.refund(checkout["id"]))["coupons_returned"] == [coupon_id] == quoted["coupons_returned"]
    coupon = await mall.coupon(coupon_id)
    assert (coupon["status"], coupon["ledger"][3]["event"]) == ("issued" if lasts else "expired", "returned")
    assert (await mall.seen(template_id))["budget_spent"] == (500 if lasts else 0)
    assert [one["reason"] for one in await mall.told("coupon.returned")] == ["refunded"]
    assert await mall.audit() == {}
    if lasts:
        assert (await paid(mall, mall.cart(400, 2), "o2"))["quote"]["discount"] == 500
        assert await mall.audit() == {}


async def test_coupons_stay_used_where_caller_or_terms_say_so(mall: Mall) -> None:
    first = await mall.claim(await mall.template(500, reusable_after_refund=False))
    checkout = await paid(mall, mall.cart())
    assert (await mall.refund(checkout["id"]))["coupons_returned"] == []
    second = await mall.claim(await mall.template(500))
    checkout = await paid(mall, mall.cart(), "o2")
    assert (await mall.refund(checkout["id"], return_coupons="never"))["coupons_returned"] == []
    assert [(await mall.coupon(one))["status"] for one in (first, second)] == ["redeemed", "redeemed"]
    assert await mall.audit() == {}


async def test_a_returned_coupon_never_takes_more_of_the_budget_than_there_is(mall: Mall) -> None:
    """The budget that its first use gave back is gone to another coupon by the time it comes back."""
    template_id = await mall.template(1_000, limits={"budget": 1_400})
    coupon_id = await mall.claim(template_id)
    checkout = await paid(mall, mall.cart(400))  # takes 400 of 1,000; 600 are free again
    assert (await mall.seen(template_id))["budget_spent"] == 400
    other = await mall.claim(template_id, "c2")
    await mall.refund(checkout["id"])
    assert (await mall.seen(template_id))["budget_spent"] == 1_400
    assert [one["status"] for one in (await mall.coupon(coupon_id), await mall.coupon(other))] == ["issued", "issued"]
    assert await mall.audit() == {}


async def test_shoppers_see_their_refunds_and_make_none(mall: Mall) -> None:
    checkout = await paid(mall, two())
    refund = await mall.refund(checkout["id"])
    shopper, stranger = mall.running.client(customer_id="c1"), mall.running.client(customer_id="c2")
    path = f"/v1/checkouts/{checkout['id']}/refunds"
    assert (await shopper.get(path)).json()["data"] == [refund]
    assert (await shopper.post(path)).json()["code"] == "merchant_only"
    for one in (path, f"/v1/refunds/{refund['id']}"):
        assert (await stranger.get(one)).status_code == 404
