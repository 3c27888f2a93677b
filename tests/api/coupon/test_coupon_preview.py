"""Drafts on carts, and offers that would give orders away."""

from typing import Any

import pytest
from api.coupon.mall import Json, Mall
from sqlalchemy import func, select

from services.coupon.base import Base

on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def draft(ref: str, amount: int = 1000, reach: int | None = None, **more: Any) -> Json:
    threshold = {} if reach is None else {"threshold": {"amount": reach}}
    return {"ref": ref, "name": f"草稿{ref}", "benefit": {"kind": "amount_off", "amount": amount}, **threshold, **more}


async def preview(mall: Mall, *drafts: Json, cart: Json | None = None, **more: Any) -> Json:
    body = {**(cart or mall.cart()), "drafts": list(drafts), **more}
    answer = await mall.http.post("/v1/quotes/preview", json=body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_drafts_are_priced_by_their_refs_and_nothing_is_stored(mall: Mall) -> None:
    await mall.claim(await mall.template(500))  # the wallet is not looked at
    promotion = await mall.promotion(300)
    await mall.running.drain()

    async def rows() -> list[int]:
        async with mall.running.service.kit.db.read() as tx:
            return [await tx.scalar(select(func.count()).select_from(one)) for one in Base.metadata.sorted_tables]

    before = await rows()
    drafts = [draft("a", 1000), draft("b", 2000, 20_000), draft("c", 700, automatic=True)]
    quote = await preview(mall, *drafts)
    assert [(one["ref"], one["amount"], one["layer"]) for one in quote["applied"]] == [
        ("c", 700, "shop"),
        ("a", 1000, "coupon"),
    ]
    assert quote["lines"][0]["discounts"] == [{"source": "c", "amount": 700}, {"source": "a", "amount": 1000}]
    assert [(one["ref"], one["code"], one["missing_amount"]) for one in quote["rejected"]] == [
        ("b", "below_threshold", 10_000)
    ]
    assert (quote["total"], quote["conflicts"], quote["faults"], quote["compared_with"]) == (8300, [], [], 2)
    live = await preview(mall, *drafts, live=True)
    assert [one.get("promotion_id") for one in live["applied"]].count(promotion) == 1
    assert live["total"] == 8000
    one = await preview(mall, *drafts, coupons=["a", "x"])
    assert [used["ref"] for used in one["applied"]] == ["c", "a"][1:]
    assert [(left["ref"], left["code"]) for left in one["rejected"]] == [("x", "not_found")]
    assert await rows() == before


@on_sqlite
async def test_a_draft_of_later_is_tried_at_its_time(mall: Mall) -> None:
    later = draft("a", validity={"from": "2026-12-12T00:00:00+08:00", "until": "2026-12-13T00:00:00+08:00"})
    assert [one["code"] for one in (await preview(mall, later))["rejected"]] == ["not_started"]
    then = await preview(mall, later, at="2026-12-12T12:00:00+08:00")
    assert (then["discount"], then["server_time"]) == (1000, "2026-12-12T04:00:00Z")
    ended = await preview(mall, later, at="2026-12-13T12:00:00+08:00")
    assert [one["code"] for one in ended["rejected"]] == ["expired"]


@on_sqlite
async def test_stacks_that_go_too_far_are_named(mall: Mall) -> None:
    live = await mall.template(6000, name="直减")
    free = await preview(mall, draft("a", 5000), draft("b", 3000))
    (conflict,) = free["conflicts"]
    assert (conflict["kind"], conflict["amount"], conflict["allowed"]) == ("free", 10_000, False)
    assert {one.get("template_id") or one["ref"] for one in conflict["offers"]} == {live, "a"}
    assert "直减" in [one["name"] for one in conflict["offers"]]
    assert conflict["detail_zh"]
    cart = mall.cart(10_000)
    cart["lines"][0]["cost_price"] = 9500
    cheap = await preview(mall, draft("a", 600), cart=cart)
    assert {one["kind"] for one in cheap["conflicts"]} == {"under_cost"}
    assert cheap["conflicts"][0]["lines"] == ["1"]
    alone = await preview(mall, draft("a", 5000, stacking={"exclusive": True}))
    assert alone["conflicts"] == []


@on_sqlite
async def test_three_offers_give_orders_away_whenever_the_last_of_them_comes_into_force(mall: Mall) -> None:
    """At its creation, when it is activated, when its terms change, and when its time is extended."""
    third: Json = {"benefit": {"kind": "percent_off", "percent_bp": 4000}}
    early = {"until": "2026-11-30T00:00:00Z"}
    await mall.promotion(**third, validity={"from": "2026-12-01T00:00:00Z"}, stacking={"layer": "item"})
    other = await mall.template(**third)
    body = {"name": "三", **third, "stacking": {"layer": "cross_shop"}}
    refused = await mall.http.post("/v1/promotions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "stack_zero_pay"), refused.text
    assert len(refused.json()["offers"]) == 2
    lines = refused.json()["example_lines"]
    assert "1 × ¥1.00" in refused.json()["detail"]
    drafts = [{**body, "ref": str(at), "allow_zero_pay": True, "automatic": True} for at in range(3)]
    shown = await preview(mall, *drafts, cart={"customer_id": "c1", "lines": lines})
    assert shown["total"] == 0
    changes: list[Json] = [{"status": "active"}, {"validity": {}}, third]
    for change in changes:
        quiet = {"status": "paused"} if "status" in change else {"validity": early}
        made = await mall.http.post("/v1/promotions", json={**body, **quiet})
        assert made.status_code == 201, made.text
        path = f"/v1/promotions/{made.json()['id']}"
        if change is third:
            small = {"benefit": {"kind": "percent_off", "percent_bp": 500}, "validity": {}}
            assert (await mall.http.patch(path, json=small)).status_code == 200
        late = await mall.http.patch(path, json=change)
        assert (late.status_code, late.json()["code"]) == (422, "stack_zero_pay"), change
        assert other in late.json()["offers"]
        await mall.http.patch(path, json={"status": "paused"})


@on_sqlite
async def test_all_that_would_refuse_a_draft_is_said_at_once(mall: Mall) -> None:
    live = await mall.template(6000, threshold={"amount": 10_000})
    percent = {"kind": "percent_off", "percent_bp": 5000}
    quote = await preview(
        mall,
        draft("a", 5000, 5000),
        draft("b", limits={"per_customer": 1}, validity={"days_after_claim": 3}, automatic=True),
        {**draft("c"), "benefit": percent, "limits": {"budget": 10}},
        draft("d", 5000, 10_000),
        draft("e"),
    )
    assert {(one["ref"], one["code"], one["pointer"]) for one in quote["faults"]} == {
        ("a", "zero_pay", "#/benefit"),
        ("a", "stack_zero_pay", "#/benefit"),
        ("b", "not_for_promotions", "#/limits/per_customer"),
        ("b", "not_for_promotions", "#/validity/days_after_claim"),
        ("c", "budget_needs_a_bound", "#/limits/budget"),
        ("c", "stack_zero_pay", "#/benefit"),
        ("d", "stack_zero_pay", "#/benefit"),
    }
    (stack,) = [one for one in quote["faults"] if one["ref"] == "d"]
    assert stack["offers"] == [live]
    assert live in stack["detail"]


@on_sqlite
@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"drafts": []}, "validation_failed", 422),
        ({"drafts": [draft("a"), draft("a")]}, "validation_failed", 422),
        ({"drafts": [draft("prm_1")]}, "validation_failed", 422),
        ({"drafts": [{**draft("a"), "benefit": {"kind": "free_beer"}}]}, "validation_failed", 422),
        ({"drafts": [{**draft("a"), "colour": "red"}]}, "validation_failed", 422),
        ({"live": "yes"}, "validation_failed", 422),
    ],
)
async def test_a_bad_preview_is_refused(mall: Mall, change: Json, code: str, status: int) -> None:
    body = {**mall.cart(), "drafts": [draft("a")], **change}
    answer = await mall.http.post("/v1/quotes/preview", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@on_sqlite
async def test_shoppers_see_no_drafts(mall: Mall) -> None:
    shopper = mall.running.client(customer_id="c1")
    answer = await shopper.post("/v1/quotes/preview", json={**mall.cart(), "drafts": [draft("a")]})
    assert (answer.status_code, answer.json()["code"]) == (403, "operators_only")


async def test_an_offer_that_gives_orders_away_with_a_live_one_needs_the_flag(mall: Mall) -> None:
    shop = await mall.promotion(5000, name="店铺满减", threshold={"amount": 10_000})
    body: Json = {"name": "券", "benefit": {"kind": "amount_off", "amount": 5000}, "threshold": {"amount": 10_000}}
    refused = await mall.http.post("/v1/coupon-templates", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "stack_zero_pay"), refused.text
    assert refused.json()["offers"] == [shop]
    assert "店铺满减" in refused.json()["detail"]
    for meant in ({"allow_zero_pay": True}, {"stacking": {"exclusive": True}}):
        assert (await mall.http.post("/v1/coupon-templates", json={**body, **meant})).status_code == 201
    paused = (await mall.http.post("/v1/coupon-templates", json={**body, "status": "paused"})).json()
    path = f"/v1/coupon-templates/{paused['id']}"
    live = await mall.http.patch(path, json={"status": "active"})
    assert (live.status_code, live.json()["code"]) == (422, "stack_zero_pay")
    await mall.http.patch(f"/v1/promotions/{shop}", json={"status": "paused"})
    assert (await mall.http.patch(path, json={"status": "active"})).status_code == 200
    again = await mall.http.patch(f"/v1/promotions/{shop}", json={"status": "active"})
    assert (again.status_code, again.json()["offers"]) == (422, [paused["id"]])
    assert (await mall.http.patch(path, json={"name": "新"})).status_code == 200  # nothing of the terms changes
