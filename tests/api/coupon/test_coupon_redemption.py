"""Store redemption at tills on line, with the clock in the test's hand."""

import asyncio
from collections import Counter

import pytest
from api.coupon.mall import Json, Mall, membership
from api.coupon.tillkit import Till, code_of, show

from shared.clock import ManualClock
from shared.contracts import SegmentEntered, SegmentExited


async def test_a_coupon_is_shown_scanned_and_used_once(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template(1000, limits={"budget": 5000}))
    shown = await show(mall, coupon_id)
    assert (await mall.http.get(f"/v1/redemption-tokens/{shown['id']}")).json() == shown
    assert (await mall.http.get("/v1/redemption-tokens")).json()["data"] == [shown]
    picture = await mall.http.get(shown["qr_svg_url"])
    assert picture.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in picture.content
    till = Till(mall)
    done = await till.redeem(token=shown["token"])
    assert done.status_code == 201, done.text
    view = done.json()
    assert (view["shop_id"], view["amount"], view["status"], view["offline"]) == ("shopA", 1000, "redeemed", False)
    clock.advance(seconds=3600)
    again = await till.redeem(token=shown["token"])
    assert (again.json(), again.headers["idempotent-replayed"]) == (view, "true"), "the same receipt, however late"
    assert code_of(await till.redeem("r2", token=shown["token"])) == (409, "coupon_redeemed")
    assert code_of(await mall.http.post("/v1/redemption-tokens", json={"coupon_id": coupon_id})) == (
        409,
        "coupon_redeemed",
    )
    detail = await mall.coupon(coupon_id)
    assert (detail["status"], detail["ledger"][-1]["checkout_id"], detail["ledger"][-1]["actor"]) == (
        "redeemed",
        view["id"],
        "key:key_test",
    )
    (event,) = await mall.told("coupon.redeemed")
    assert (event["redemption_id"], event["checkout_id"]) == (view["id"], None)
    assert (event["shop_id"], event["order_id"], event["amount"]) == ("shopA", "r1", 1000)
    assert (await till.http.get(f"/v1/redemptions/{view['id']}")).json() == view
    assert (await till.http.get("/v1/redemptions", params={"customer_id": "c1"})).json()["data"] == [view]
    other = Till(mall, "shopB")
    assert (await other.http.get("/v1/redemptions")).json()["data"] == []
    assert (await other.http.get(f"/v1/redemptions/{view['id']}")).status_code == 404
    assert await mall.audit() == {}


async def test_fifty_tills_redeem_one_token_once(mall: Mall) -> None:
    shown = await show(mall, await mall.claim(await mall.template()))
    tills = [Till(mall, f"shop{number % 5}") for number in range(5)]
    calls = [tills[number % 5].redeem(f"r{number}", token=shown["token"]) for number in range(50)]
    answers = await asyncio.gather(*calls)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"coupon_redeemed"}
    assert len(await mall.told("coupon.redeemed")) == 1
    assert await mall.audit() == {}


async def test_a_checkout_and_a_till_never_both_have_it(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template())
    shown = await show(mall, coupon_id)
    till = Till(mall)
    order, sold = await asyncio.gather(
        mall.try_checkout("o1", mall.cart(coupons=[coupon_id])), till.redeem(token=shown["token"])
    )
    assert sorted((order.status_code, sold.status_code)) == [201, 409]
    second = await mall.claim(await mall.template())
    shown = await show(mall, second)
    checkout = await mall.checkout("o2", mall.cart(coupons=[second]), ttl_seconds=10)
    assert code_of(await till.redeem("r2", token=shown["token"])) == (409, "coupon_locked")
    clock.advance(seconds=11)
    assert (await till.redeem("r2", token=shown["token"])).status_code == 201, "the order's lock ran out"
    late = await mall.end(checkout["id"], "commit")
    assert code_of(late) == (409, "checkout_expired")
    assert await mall.audit() == {}


async def test_only_staff_keys_redeem_and_only_for_their_shop(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(scope={"include": {"shops": ["shopA"]}})
    shown = await show(mall, await mall.claim(template_id))
    assert code_of(await Till(mall, None, "secret").redeem(token=shown["token"])) == (403, "staff_key_needed")
    assert code_of(await Till(mall, "shopB").redeem(token=shown["token"])) == (409, "wrong_shop")
    line = {"line_id": "1", "sku": "s", "quantity": 1, "unit_price": 5000, "shop_id": "shopA"}
    assert code_of(await Till(mall, "shopB").redeem(token=shown["token"], lines=[line])) == (409, "wrong_shop")
    done = (await Till(mall).redeem(token=shown["token"], lines=[line])).json()
    path = f"/v1/redemptions/{done['id']}/reverse"
    stranger = await Till(mall, "shopB").http.post(path, json={"reason": "x"})
    assert stranger.status_code == 404
    assert (await Till(mall).http.post(path, json={"reason": "x"})).json()["status"] == "reversed"


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"scope": {"channels": ["app"]}}, "wrong_channel"),
        ({"validity": {"hours": [{"from": "20:00", "until": "22:00"}]}}, "outside_hours"),
    ],
)
async def test_terms_hold_in_the_store_too(mall: Mall, terms: Json, code: str) -> None:
    template_id = await mall.template()
    coupon_id = await mall.claim(template_id)
    strict = await mall.http.patch(f"/v1/coupon-templates/{template_id}", json=terms)
    assert strict.status_code == 200
    # the coupon keeps its terms; one issued under the new ones is bound by them
    issued = {"customer_ids": ["c1"], "reason": "x"}
    assert (await Till(mall).redeem("r0", coupon_id=coupon_id, customer_id="c1")).status_code == 201
    job = (await mall.http.post(f"/v1/coupon-templates/{template_id}/issues", json=issued)).json()
    await mall.finished(job["id"])
    listed = (await mall.http.get("/v1/coupons", params={"customer_id": "c1", "status": "issued"})).json()["data"]
    refused = await Till(mall).redeem(coupon_id=listed[0]["id"], customer_id="c1")
    assert code_of(refused) == (409, code)
    assert code_of(await mall.http.post("/v1/redemption-tokens", json={"coupon_id": listed[0]["id"]})) == (409, code)


async def test_the_segment_of_its_terms_holds_in_the_store_too(mall: Mall) -> None:
    template_id = await mall.template()
    free = await mall.claim(template_id)
    strict = await mall.http.patch(f"/v1/coupon-templates/{template_id}", json={"scope": {"segments": ["seg_1"]}})
    assert strict.status_code == 200
    assert (await Till(mall).redeem("r0", coupon_id=free, customer_id="c1")).status_code == 201
    await mall.send(membership(SegmentEntered, "c1", "2026-11-11T01:00:00Z"))
    bound = await mall.claim(template_id)
    await mall.send(membership(SegmentExited, "c1", "2026-11-11T01:30:00Z"))
    refused = (
        await Till(mall).redeem(coupon_id=bound, customer_id="c1"),
        await mall.http.post("/v1/redemption-tokens", json={"coupon_id": bound}),
    )
    assert [code_of(answer) for answer in refused] == [(409, "not_eligible")] * 2
    await mall.send(membership(SegmentEntered, "c1", "2026-11-11T01:45:00Z"))
    assert (await Till(mall).redeem(coupon_id=bound, customer_id="c1")).status_code == 201


async def test_a_receipt_is_an_order_for_those_who_may_order_first(mall: Mall) -> None:
    scope = {"first_order_only": True}
    coupons = [await mall.claim(await mall.template(scope=scope)) for _ in range(2)]
    till = Till(mall)
    first = [till.redeem(f"r{number}", coupon_id=one, customer_id="c1") for number, one in enumerate(coupons)]
    answers = await asyncio.gather(*first)
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"not_eligible"}
    done = next(answer.json() for answer in answers if answer.status_code == 201)
    (left,) = {*coupons} - {done["coupon_id"]}
    quote = await mall.quote(mall.cart(coupons=[left]))
    assert quote["rejected"][0]["code"] == "not_eligible", "nor on line"
    await till.http.post(f"/v1/redemptions/{done['id']}/reverse", json={"reason": "x"})
    assert (await mall.quote(mall.cart(coupons=[left])))["discount"] == 1000


async def test_the_engine_prices_a_receipt(mall: Mall) -> None:
    template_id = await mall.template(
        benefit={"kind": "percent_off", "percent_bp": 1000}, threshold={"amount": 10_000}, scope={"channels": ["store"]}
    )
    shown = await show(mall, await mall.claim(template_id))
    till = Till(mall)
    line = {"line_id": "1", "sku": "s", "quantity": 1, "unit_price": 9_000}
    short = await till.redeem(token=shown["token"], lines=[line])
    assert code_of(short) == (409, "below_threshold")
    assert short.json()["missing_amount"] == 1_000
    assert code_of(await till.redeem(token=shown["token"])) == (422, "amount_needed")
    done = await till.redeem(token=shown["token"], lines=[{**line, "quantity": 2}])
    assert done.json()["amount"] == 1_800
    assert await mall.audit() == {}


async def test_an_amount_is_at_most_the_face_amount(mall: Mall) -> None:
    shown = await show(mall, await mall.claim(await mall.template(1000, limits={"budget": 1000})))
    till = Till(mall)
    assert code_of(await till.redeem(token=shown["token"], amount=1001)) == (422, "amount_above_face")
    assert (await till.redeem(token=shown["token"], amount=700)).json()["amount"] == 700
    assert await mall.audit() == {}


async def test_reversing_gives_the_coupon_back_on_the_same_day_only(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(1000, limits={"budget": 1000})
    coupon_id = await mall.claim(template_id)
    till = Till(mall)
    done = (await till.redeem(token=(await show(mall, coupon_id))["token"], amount=600)).json()
    assert (await mall.seen(template_id))["budget_spent"] == 600
    path = f"/v1/redemptions/{done['id']}/reverse"
    first = await till.http.post(path, json={"reason": "收银员扫错"})
    assert (first.json()["status"], first.json()["reverse_reason"]) == ("reversed", "收银员扫错")
    assert (await till.http.post(path, json={"reason": "again"})).json() == first.json()
    assert (await mall.coupon(coupon_id))["status"] == "issued"
    assert (await mall.seen(template_id))["budget_spent"] == 1000
    (returned,) = await mall.told("coupon.returned")
    assert (returned["reason"], returned["checkout_id"]) == ("reversed", None)
    assert returned["redemption_id"].startswith("rdm_")
    again = (await till.redeem(token=(await show(mall, coupon_id))["token"])).json()
    assert again["id"] != done["id"]
    clock.advance(seconds=14 * 3600)  # midnight in Shanghai
    late = await till.http.post(f"/v1/redemptions/{again['id']}/reverse", json={"reason": "x"})
    assert code_of(late) == (409, "too_late_to_reverse")
    assert await mall.audit() == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": "x", "short_code": "1"},
        {"coupon_id": "cpn_1"},
        {"token": "x", "customer_id": "c1"},
        {"token": "x", "amount": 1, "lines": [{"line_id": "1", "quantity": 1, "unit_price": 1}]},
        {"token": "x", "amount": -1},
        {"token": "x", "shop_id": "shopB"},
    ],
)
async def test_bad_requests_are_refused(mall: Mall, body: Json) -> None:
    answer = await Till(mall).redeem(**body)
    assert code_of(answer) == (422, "validation_failed")
