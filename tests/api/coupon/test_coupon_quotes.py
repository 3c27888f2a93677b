"""Quotes over HTTP: the wallet's reasons, hours and channels, and that nothing is written."""

from typing import Any

import pytest
from api.coupon.mall import Mall
from sqlalchemy import select

from services.coupon.base import Base
from services.coupon.templates.repository import count_days
from shared.clock import ManualClock


async def reasons(mall: Mall, cart: dict[str, Any]) -> dict[str, str]:
    return {one["coupon_id"]: one["code"] for one in (await mall.quote(cart))["rejected"]}


async def test_each_rejected_coupon_has_its_reason(mall: Mall, clock: ManualClock) -> None:
    expected = {
        await mall.claim(await mall.template(threshold={"amount": 30_000})): "below_threshold",
        await mall.claim(await mall.template(threshold={"quantity": 2})): "below_threshold",
        await mall.claim(await mall.template(scope={"include": {"brands": ["b"]}})): "out_of_scope",
        await mall.claim(await mall.template(scope={"channels": ["store"]})): "wrong_channel",
        await mall.claim(await mall.template(currency="USD")): "currency_mismatch",
        await mall.claim(await mall.template(validity={"weekdays": [4]})): "outside_hours",
        await mall.claim(
            await mall.template(validity={"hours": [{"from": "11:00", "until": "12:00"}]})
        ): "outside_hours",
        await mall.claim(await mall.template(10, stacking={"exclusive": True})): "excluded_by",
    }
    used = await mall.claim(await mall.template(2000))
    cart = mall.cart(channel="app")
    assert await reasons(mall, cart) == expected
    quote = await mall.quote(cart)
    assert quote["applied"][0]["coupon_id"] == used
    by_code = {one["coupon_id"]: one for one in quote["rejected"]}
    missing = [(one.get("missing_amount"), one.get("missing_quantity")) for one in by_code.values()]
    assert (missing.count((20_000, None)), missing.count((None, 1))) == (1, 2)
    clock.advance(seconds=3600)  # 11:00 in Shanghai
    assert "outside_hours" in (found := await reasons(mall, cart)).values()
    assert len([code for code in found.values() if code == "outside_hours"]) == 1


async def test_all_conditions_that_are_not_met_are_told_at_once(mall: Mall) -> None:
    scope = {"channels": ["store"], "tiers": ["gold"]}
    coupon_id = await mall.claim(
        await mall.template(threshold={"amount": 30_000, "quantity": 3}, scope={"channels": ["store"]})
    )
    await mall.promotion(threshold={"amount": 30_000, "quantity": 3}, name="满减")
    await mall.promotion(scope=scope)
    quote = await mall.quote(mall.cart(channel="app"))
    (coupon, promotion) = quote["rejected"]  # a promotion for others is nothing to tell
    short = {"missing_amount": 20_000, "missing_quantity": 2}
    assert (coupon["coupon_id"], coupon["code"]) == (coupon_id, "wrong_channel")
    assert [one["code"] for one in coupon["unmet"]] == ["wrong_channel", "below_threshold"]
    assert short.items() <= coupon.items()
    assert short.items() <= coupon["unmet"][1].items()
    assert promotion["unmet"] == [{name: promotion[name] for name in ("code", "detail", "detail_zh", *short)}]
    assert quote["next_step"]["detail"] == "Add 2 more units, for ¥200.00 or more in all, to use it."


async def test_named_coupons_are_priced_and_the_others_left_alone(mall: Mall) -> None:
    template_id = await mall.template(1000)
    small, _big = await mall.claim(template_id), await mall.claim(await mall.template(3000))
    quote = await mall.quote(mall.cart(coupons=[small, small]))
    assert (quote["discount"], quote["rejected"]) == (1000, [])
    assert (await mall.quote(mall.cart(coupons=[])))["total"] == 10_000
    assert (await reasons(mall, mall.cart(coupons=["cpn_x"]))) == {"cpn_x": "not_found"}


async def test_a_coupon_issued_ahead_is_not_valid_yet(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(validity={"from": "2026-11-12T00:00:00Z", "days_after_claim": 1})
    job = await mall.http.post(
        f"/v1/coupon-templates/{template_id}/issues", json={"customer_ids": ["c1"], "reason": "x"}
    )
    assert (await mall.finished(job.json()["id"]))["issued"] == 1
    assert list((await reasons(mall, mall.cart())).values()) == ["not_started"]
    clock.advance(seconds=24 * 3600)
    assert (await mall.quote(mall.cart()))["discount"] == 1000
    clock.advance(seconds=24 * 3600)
    assert (await mall.quote(mall.cart()))["rejected"] == []


async def test_lines_that_are_not_selected_or_take_no_discount(mall: Mall) -> None:
    await mall.claim(await mall.template(9000, threshold={"amount": 10_000}))
    lines = [
        {"line_id": "a", "quantity": 1, "unit_price": 12_000, "floor_price": 11_000},
        {"line_id": "b", "quantity": 1, "unit_price": 5000, "discountable": False},
        {"line_id": "c", "quantity": 9, "unit_price": 5000, "selected": False},
    ]
    quote = await mall.quote({"customer_id": "c1", "lines": lines, "shipping_fee": 800})
    assert (quote["subtotal"], quote["discount"], quote["total"]) == (17_000, 1000, 16_800)
    assert [(line["line_id"], line["total"]) for line in quote["lines"]] == [("a", 11_000), ("b", 5000)]


async def test_a_quote_writes_nothing(mall: Mall) -> None:
    for _ in range(3):
        await mall.claim(await mall.template())
    await mall.running.drain()

    async def everything() -> list[Any]:
        async with mall.running.service.kit.db.read() as tx:
            return [sorted(map(repr, (await tx.execute(select(one))).all())) for one in Base.metadata.sorted_tables]

    before = await everything()
    assert (await mall.quote(mall.cart()))["discount"] == 3000
    assert await everything() == before


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lines": []}, "validation_failed"),
        ({"lines": [{"line_id": "1", "quantity": 0, "unit_price": 1}]}, "validation_failed"),
        ({"lines": [{"line_id": "1", "quantity": 1, "unit_price": -1}]}, "validation_failed"),
        ({"lines": [{"line_id": "1", "quantity": 1, "unit_price": 1.5}]}, "validation_failed"),
        ({"lines": [{"line_id": "1", "quantity": 1, "unit_price": 1}] * 2}, "validation_failed"),
        ({"coupons": "all"}, "validation_failed"),
        ({"colour": "red"}, "validation_failed"),
        ({"codes": ["A"] * 11}, "validation_failed"),
        ({"points": -5}, "validation_failed"),
    ],
)
async def test_a_bad_cart_is_refused(mall: Mall, change: dict[str, Any], code: str) -> None:
    answer = await mall.http.post("/v1/quotes", json={**mall.cart(), **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


async def test_promotions_apply_by_themselves_and_with_coupons(mall: Mall) -> None:
    promotion = await mall.promotion(3000, threshold={"amount": 10_000})
    quote = await mall.quote(mall.cart())
    assert quote["applied"] == [{"promotion_id": promotion, "name": "满减", "layer": "shop", "amount": 3000}]
    assert quote["lines"][0]["discounts"] == [{"source": promotion, "amount": 3000}]
    coupon = await mall.claim(await mall.template(2000))
    both = await mall.quote(mall.cart())
    assert [one.get("promotion_id") or one["coupon_id"] for one in both["applied"]] == [promotion, coupon]
    assert (both["discount"], both["total"]) == (5000, 5000)
    assert (await mall.quote(mall.cart(coupons=[])))["discount"] == 3000
    small = await mall.quote(mall.cart(9000, coupons=[]))
    (missed,) = small["rejected"]
    assert (missed["promotion_id"], missed["code"], missed["missing_amount"]) == (promotion, "below_threshold", 1000)
    assert "¥10.00" in missed["detail_zh"]
    step = small["next_step"]
    assert (step["promotion_id"], step["missing_amount"]) == (promotion, 1000)
    assert "¥10.00" in step["detail"]


async def test_a_promotion_that_does_not_run_here_and_now_is_not_told_of(mall: Mall, clock: ManualClock) -> None:
    ends = {"until": "2026-11-11T03:00:00Z"}
    running = await mall.promotion(100, validity=ends, scope={"channels": ["app"]}, limits={"per_day": 2})
    await mall.promotion(status="paused")
    await mall.promotion(validity={"from": "2026-11-11T03:00:00Z"})
    await mall.promotion(validity={"weekdays": [4]})
    await mall.promotion(scope={"channels": ["store"]})
    await mall.promotion(scope={"segments": ["seg_1"]})
    await mall.promotion(scope={"tiers": ["gold"]})
    await mall.promotion(currency="USD")
    await mall.promotion(limits={"total": 0})
    await mall.promotion(scope={"include": {"brands": ["b"]}})  # for other goods
    cart = mall.cart(channel="app")
    quote = await mall.quote(cart)
    assert ([one["promotion_id"] for one in quote["applied"]], quote["rejected"]) == ([running], [])
    assert (quote["applied"][0]["valid_until"], quote["server_time"]) == (
        "2026-11-11T03:00:00Z",
        "2026-11-11T02:00:00Z",
    )
    async with mall.running.service.kit.db.write() as tx:
        await count_days(tx, [{"template_id": running, "day": "2026-11-11", "issued": 2}])
    assert (await mall.quote(cart))["applied"] == []  # today's are used up
    clock.advance(seconds=3600)
    assert (await mall.quote(mall.cart(channel="app")))["discount"] == 1000  # the one that began


async def test_nobody_takes_more_than_is_left_of_a_budget(mall: Mall) -> None:
    tight = await mall.promotion(3000, limits={"budget": 2999})
    enough = await mall.promotion(1000, limits={"budget": 1000})
    quote = await mall.quote(mall.cart())
    assert [one["promotion_id"] for one in quote["applied"]] == [enough]
    assert [(one["promotion_id"], one["code"]) for one in quote["rejected"]] == [(tight, "budget_exhausted")]
    small = await mall.quote(mall.cart(2000))  # here it takes less
    assert sum(one["amount"] for one in small["applied"]) == 2000


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_points_are_for_the_shop_to_vouch_for(mall: Mall) -> None:
    shopper = mall.running.client(customer_id="c1", kind="publishable")
    for path, body in (("/v1/quotes", {}), ("/v1/checkouts", {"order_id": "o1"})):
        refused = await shopper.post(path, json={**mall.cart(points=1), **body})
        assert (refused.status_code, refused.json()["code"]) == (403, "points_need_the_shop")
    assert (await shopper.post("/v1/quotes", json=mall.cart())).status_code == 200


async def test_codes_are_priced_by_a_quote_and_redeemed_by_a_checkout(mall: Mall) -> None:
    template_id = await mall.template(2000, limits={"total": 1})
    body = {"code": "DOUBLE11", "template_id": template_id}
    assert (await mall.http.post("/v1/public-codes", json=body)).status_code == 201
    cart = mall.cart(codes=["double-11", "DOUBLE 11", "WRONG"])
    quote = await mall.quote(cart)
    (used,) = quote["applied"]
    assert (used["redeem_code"], used["template_id"], used["amount"]) == ("double-11", template_id, 2000)
    assert [(one["redeem_code"], one["code"]) for one in quote["rejected"]] == [("WRONG", "coupon_invalid")]
    assert (await mall.seen(template_id))["issued"] == 0
    wrong = await mall.try_checkout("o1", cart)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "coupon_invalid")
    assert (await mall.seen(template_id))["issued"] == 0
    right = mall.cart(codes=["DOUBLE11"])
    checkout = await mall.checkout("o1", right)
    assert checkout["quote"]["total"] == quote["total"]
    coupon_id = checkout["quote"]["applied"][0]["coupon_id"]
    assert (await mall.coupon(coupon_id))["status"] == "locked"
    assert (await mall.checkout("o1", right))["id"] == checkout["id"]  # again: nothing is redeemed twice
    await mall.end(checkout["id"], "rollback")
    again = await mall.quote(right)
    assert [one["coupon_id"] for one in again["applied"]] == [coupon_id]  # theirs by now
    assert (await mall.checkout("o1", right))["quote"]["applied"][0]["coupon_id"] == coupon_id
    assert (await mall.seen(template_id))["issued"] == 1
    assert await mall.audit() == {}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_guessing_codes_in_quotes_is_paid_for(mall: Mall) -> None:
    statuses = []
    for number in range(30):
        answer = await mall.http.post("/v1/quotes", json=mall.cart(codes=[f"WRONG{number}"]))
        statuses.append(answer.status_code)
        if answer.status_code != 200:
            assert answer.json()["code"] == "too_many_attempts"
            break
    assert statuses[-1] == 429
    assert (await mall.http.post("/v1/quotes", json=mall.cart())).status_code == 200  # without codes


async def test_shipping_gifts_cash_back_and_points_stand_in_the_quote(mall: Mall) -> None:
    await mall.promotion(name="包邮", benefit={"kind": "free_shipping"}, threshold={"amount": 9_700})
    gift = await mall.promotion(name="赠品", benefit={"kind": "gift", "sku": "cup", "quantity": 2})
    cash = await mall.claim(await mall.template(benefit={"kind": "cash_back", "amount": 500, "valid_days": 7}))
    swap = await mall.claim(await mall.template(benefit={"kind": "exchange", "product_id": "p9"}))
    quote = await mall.quote(mall.cart(shipping_fee=800, points=300))
    assert (quote["subtotal"], quote["discount"], quote["points_discount"]) == (10_000, 0, 300)
    assert (quote["shipping_fee"], quote["shipping_discount"], quote["total"]) == (800, 800, 9700)
    assert quote["cash_back"] == [{"source": cash, "amount": 500, "valid_days": 7}]
    extra = [
        (one["kind"], one["source"], one.get("sku") or one.get("product_id"), one["quantity"], one["total"])
        for one in quote["lines"][1:]
    ]
    assert sorted(extra) == [("exchange", swap, "p9", 1, 0), ("gift", gift, "cup", 2, 0)]
    assert quote["lines"][0]["points_discount"] == 300
    assert {one["layer"] for one in quote["applied"]} >= {"shipping", "shop"}


async def test_the_next_step_of_a_ladder(mall: Mall) -> None:
    steps = [{"threshold": 10_000, "amount": 1000}, {"threshold": 12_000, "amount": 2000}]
    ladder = await mall.promotion(benefit={"kind": "ladder", "steps": steps})
    quote = await mall.quote(mall.cart())
    step = quote["applied"][0]["next_step"]
    assert (step["missing_amount"], step["would_take_off"]) == (2000, 2000)
    assert quote["next_step"]["promotion_id"] == ladder
    assert "¥20.00" in quote["next_step"]["detail_zh"]
