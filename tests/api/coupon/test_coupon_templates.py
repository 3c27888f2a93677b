"""Offers: what is accepted, what is refused and how, changes, lists."""

from typing import Any

import pytest
from api.coupon.mall import Json, Mall

GOOD: Json = {"name": "券", "benefit": {"kind": "amount_off", "amount": 5000}, "threshold": {"amount": 30000}}
PERCENT: Json = {"kind": "percent_off", "percent_bp": 2000}


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"benefit": {"kind": "amount_off", "amount": -5}}, "validation_failed", "#/benefit/amount"),
        ({"benefit": {"kind": "amount_off", "amount": 50.5}}, "validation_failed", "#/benefit/amount"),
        ({"benefit": {"kind": "amount_off", "amount": "5000"}}, "validation_failed", "#/benefit/amount"),
        (
            {"benefit": {"kind": "percent_off", "percent_bp": 10_001}},
            "validation_failed",
            "#/benefit/percent_bp",
        ),
        ({"benefit": {"kind": "free_beer"}}, "validation_failed", "#/benefit/kind"),
        ({"colour": "red"}, "validation_failed", "#/colour"),
        ({"limits": {"total": -1}}, "validation_failed", "#/limits/total"),
        ({"limits": {"totl": 1}}, "validation_failed", "#/limits/totl"),
        ({"currency": "yuan"}, "validation_failed", "#/currency"),
        ({"currency": "XYZ"}, "validation_failed", "#/currency"),
        ({"currency": "BGN"}, "validation_failed", "#/currency"),
        ({"name": ""}, "validation_failed", "#/name"),
        (
            {"validity": {"from": "2026-11-12T00:00:00+08:00", "until": "2026-11-11T00:00:00+08:00"}},
            "validation_failed",
            "#/validity",
        ),
        ({"validity": {"from": "2026-11-12T00:00:00"}}, "validation_failed", "#/validity/from"),
        ({"validity": {"weekdays": [8]}}, "validation_failed", "#/validity/weekdays/0"),
        ({"validity": {"hours": [{"from": "9:00", "until": "10:00"}]}}, "validation_failed", "#/validity/hours/0/from"),
        ({"validity": {"time_zone": "Mars/Olympus"}}, "validation_failed", "#/validity/time_zone"),
        ({"scope": {"tiers": [""]}}, "validation_failed", "#/scope/tiers/0"),
        ({"scope": {"first_order_only": "yes"}}, "validation_failed", "#/scope/first_order_only"),
        ({"scope": {"new_customer_days": 0}}, "validation_failed", "#/scope/new_customer_days"),
        ({"scope": {"unit_price": {"gte": 9, "lte": 1}}}, "validation_failed", "#/scope/unit_price"),
        ({"stacking": {"layer": "cellar"}}, "validation_failed", "#/stacking/layer"),
        ({"threshold": {"amount": 5000}}, "zero_pay", "#/benefit"),
        ({"benefit": {"kind": "percent_off", "percent_bp": 10_000}}, "zero_pay", "#/benefit"),
        ({"benefit": PERCENT, "limits": {"budget": 100}}, "budget_needs_a_bound", "#/limits/budget"),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_bad_offer_is_refused_at_its_field(mall: Mall, change: Json, code: str, pointer: str) -> None:
    answer = await mall.http.post("/v1/coupon-templates", json={**GOOD, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert (await mall.http.get("/v1/coupon-templates")).json()["data"] == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "benefit",
    [
        {"kind": "ladder", "steps": [{"threshold": 30_000, "amount": 3000}, {"threshold": 50_000, "amount": 8000}]},
        {"kind": "every", "threshold": 10_000, "amount": 1000},
        {"kind": "fixed_price", "amount": 9900},
        {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}},
        {"kind": "bundle_price", "skus": {"a": 1, "b": 2}, "amount": 19_900},
        {"kind": "free_shipping"},
        {"kind": "shipping_percent_off", "percent_bp": 5000},
        {"kind": "gift", "sku": "cup"},
        {"kind": "exchange", "product_id": "p1"},
        {"kind": "cash_back", "percent_bp": 1000},
    ],
    ids=lambda benefit: str(benefit["kind"]),
)
async def test_every_kind_can_be_made_and_replaced(mall: Mall, benefit: Json) -> None:
    made = await mall.http.post("/v1/coupon-templates", json={"name": "x", "benefit": benefit})
    assert made.status_code == 201, made.text
    assert benefit.items() <= made.json()["benefit"].items() or benefit["kind"] in ("buy_get", "ladder")
    change = {"benefit": {"kind": "amount_off", "amount": 1}, "stacking": {"layer": "coupon"}}
    changed = await mall.http.patch(f"/v1/coupon-templates/{made.json()['id']}", json=change)
    assert changed.json()["benefit"]["kind"] == "amount_off"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_may_be_free_needs_a_flag(mall: Mall) -> None:
    allowed = {**GOOD, "threshold": {"amount": 5000}, "allow_zero_pay": True}
    assert (await mall.http.post("/v1/coupon-templates", json=allowed)).status_code == 201
    no_threshold: Any = {"name": "无门槛", "benefit": {"kind": "amount_off", "amount": 500}}
    assert (await mall.http.post("/v1/coupon-templates", json=no_threshold)).status_code == 201


async def test_an_offer_is_answered_whole_and_can_be_listed(mall: Mall) -> None:
    made = (
        await mall.http.post(
            "/v1/coupon-templates", json={**GOOD, "stacking": {"preset": "western"}, "limits": {"total": 7}}
        )
    ).json()
    assert made["status"] == "active"
    assert (made["issued"], made["remaining"], made["version"]) == (0, 7, 1)
    assert (made["stacking"]["calculation"], made["stacking"]["overflow"]) == ("sequential", "redistribute")
    assert made["threshold"] == {"amount": 30000, "quantity": None, "basis": "running", "scope": None}
    assert (await mall.seen(made["id"])) == made
    other = await mall.template(status="paused", currency="USD")
    listed = (await mall.http.get("/v1/coupon-templates")).json()["data"]
    assert [one["id"] for one in listed] == [other, made["id"]]
    assert listed[1] == made
    for query in ("status=active", "currency=CNY"):
        found = (await mall.http.get(f"/v1/coupon-templates?{query}")).json()["data"]
        assert [one["id"] for one in found] == [made["id"]]
    assert (await mall.http.get("/v1/coupon-templates", params={"name": "%"})).json()["data"] == []
    missing = await mall.http.get("/v1/coupon-templates/tpl_none")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_a_change_makes_new_terms_and_leaves_issued_coupons_alone(mall: Mall) -> None:
    template_id = await mall.template(1000)
    old = await mall.claim(template_id)
    changed = await mall.http.patch(
        f"/v1/coupon-templates/{template_id}",
        json={"benefit": {"kind": "amount_off", "amount": 2000}, "name": "新", "limits": {"total": 10}},
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["version"], changed.json()["limits"]["total"], changed.json()["remaining"]) == (2, 10, 9)
    new = await mall.claim(template_id, "c2")
    assert (await mall.coupon(old))["benefit"]["amount"] == 1000
    assert (await mall.coupon(new))["benefit"]["amount"] == 2000
    assert (await mall.quote(mall.cart()))["discount"] == 1000
    assert (await mall.quote({**mall.cart(), "customer_id": "c2"}))["discount"] == 2000
    told = await mall.told("coupon_template.changed")
    assert [(one["name_text"], one["version_number"]) for one in told] == [("券", 1), ("新", 2)]


async def test_a_paused_offer_gives_nothing_out_until_it_is_active_again(mall: Mall) -> None:
    template_id = await mall.template()
    held = await mall.claim(template_id)
    paused = await mall.http.patch(f"/v1/coupon-templates/{template_id}", json={"status": "paused"})
    assert paused.json()["status"] == "paused"
    refused = await mall.try_claim(template_id, "c2")
    assert (refused.status_code, refused.json()["code"]) == (409, "paused")
    assert (await mall.quote(mall.cart()))["applied"][0]["coupon_id"] == held
    await mall.http.patch(f"/v1/coupon-templates/{template_id}", json={"status": "active"})
    await mall.claim(template_id, "c2")


async def test_limits_cannot_be_set_under_what_was_given_out(mall: Mall) -> None:
    template_id = await mall.template(1000, limits={"budget": 5000})
    for customer in ("c1", "c2"):
        await mall.claim(template_id, customer)
    for limits, code in (({"total": 1}, "limit_below_issued"), ({"budget": 1999}, "limit_below_issued")):
        answer = await mall.http.patch(f"/v1/coupon-templates/{template_id}", json={"limits": limits})
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    free = await mall.template(1000)
    await mall.claim(free)
    late = await mall.http.patch(f"/v1/coupon-templates/{free}", json={"limits": {"budget": 10**6}})
    assert (late.status_code, late.json()["code"]) == (409, "budget_after_issue")
    wrong = await mall.http.patch(f"/v1/coupon-templates/{free}", json={"threshold": {"amount": 500}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "zero_pay")
    assert (await mall.seen(free))["version"] == 1


async def test_an_idempotency_key_makes_one_offer(mall: Mall) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await mall.http.post("/v1/coupon-templates", json=GOOD, headers=headers)
    again = await mall.http.post("/v1/coupon-templates", json=GOOD, headers=headers)
    assert first.json() == again.json()
    assert len((await mall.http.get("/v1/coupon-templates")).json()["data"]) == 1


async def test_the_basis_of_a_threshold_is_stored_as_it_was_decided(mall: Mall) -> None:
    """A shipping benefit counts what is left to pay unless its threshold says otherwise; changes of other parts leave it."""
    free: Json = {"benefit": {"kind": "free_shipping"}}
    for threshold, basis in (({"amount": 5_900}, "running"), ({"amount": 5_900, "basis": "activity"}, "activity")):
        template_id = await mall.template(**free, threshold=threshold)
        assert (await mall.seen(template_id))["threshold"]["basis"] == basis
        answer = await mall.http.patch(f"/v1/coupon-templates/{template_id}", json={"name": "包邮券"})
        assert (answer.status_code, answer.json()["threshold"]["basis"]) == (200, basis)
