"""Automatic promotions: kept like coupon templates, and kept apart from them."""

from typing import Any

import pytest
from api.coupon.mall import Json, Mall

GOOD: Json = {"name": "满300减30", "benefit": {"kind": "amount_off", "amount": 3000}, "threshold": {"amount": 30_000}}


async def made(mall: Mall, **more: Any) -> Json:
    answer = await mall.http.post("/v1/promotions", json={**GOOD, **more})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def test_a_promotion_is_created_read_listed_and_changed(mall: Mall) -> None:
    first = await made(mall, limits={"total": 5, "budget": 100_000})
    assert first["id"].startswith("prm_")
    assert (first["status"], first["issued"], first["remaining"]) == ("active", 0, 5)
    assert first["stacking"]["layer"] == "shop"
    second = await made(mall, name="会员", status="paused", stacking={"layer": "cross_shop"})
    assert second["stacking"]["layer"] == "cross_shop"
    listed = (await mall.http.get("/v1/promotions")).json()["data"]
    assert listed == [second, first]
    assert (await mall.http.get("/v1/promotions?status=active")).json()["data"] == [first]
    path = f"/v1/promotions/{first['id']}"
    assert (await mall.http.get(path)).json() == first
    changed = await mall.http.patch(path, json={"status": "paused", "benefit": {"kind": "amount_off", "amount": 4000}})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["status"], changed.json()["version"]) == ("paused", 2)
    assert await mall.told("coupon_template.changed") == []  # nobody may take it for something to issue
    assert await mall.audit() == {}


async def test_templates_and_promotions_are_kept_apart(mall: Mall) -> None:
    template_id, promotion = await mall.template(), await made(mall)
    assert [one["id"] for one in (await mall.http.get("/v1/coupon-templates")).json()["data"]] == [template_id]
    assert [one["id"] for one in (await mall.http.get("/v1/promotions")).json()["data"]] == [promotion["id"]]
    issues = {"customer_ids": ["c1"], "reason": "x"}
    for method, path, body in (
        ("GET", f"/v1/coupon-templates/{promotion['id']}", None),
        ("PATCH", f"/v1/coupon-templates/{promotion['id']}", {"name": "x"}),
        ("POST", f"/v1/coupon-templates/{promotion['id']}/claims", {"customer_id": "c1"}),
        ("POST", f"/v1/coupon-templates/{promotion['id']}/issues", issues),
        ("GET", f"/v1/promotions/{template_id}", None),
        ("PATCH", f"/v1/promotions/{template_id}", {"name": "x"}),
    ):
        answer = await mall.http.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
    assert (await mall.http.get(f"/v1/promotions/{promotion['id']}")).json() == promotion


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"limits": {"per_customer": 1}}, "not_for_promotions", "#/limits/per_customer"),
        ({"validity": {"days_after_claim": 3}}, "not_for_promotions", "#/validity/days_after_claim"),
        ({"threshold": {"amount": 3000}}, "zero_pay", "#/benefit"),
        ({"stacking": {"layer": "cellar"}}, "validation_failed", "#/stacking/layer"),
        ({"stacking": "shop"}, "validation_failed", "#/stacking"),
        ({"colour": "red"}, "validation_failed", "#/colour"),
    ],
)
async def test_a_bad_promotion_is_refused_at_its_field(mall: Mall, change: Json, code: str, pointer: str) -> None:
    answer = await mall.http.post("/v1/promotions", json={**GOOD, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert (await mall.http.get("/v1/promotions")).json()["data"] == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_scopes_of_promotions(mall: Mall) -> None:
    reader = mall.running.client(["coupon:promotions:read", "coupon:templates:write"])
    assert (await reader.get("/v1/promotions")).status_code == 200
    refused = await reader.post("/v1/promotions", json=GOOD)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
