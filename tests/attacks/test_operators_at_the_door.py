"""Operators in front of the real services, in one process and over HTTP: roles hold there, the audit log tells of each part."""

from typing import Any

from kit.gateway import Suite
from kit.operators import operator

TEMPLATE = {"name": "满10减1", "benefit": {"kind": "amount_off", "amount": 100}, "validity": {"days_after_claim": 30}}


async def test_a_role_holds_in_the_services_and_ledgers_name_the_operator(door: Suite) -> None:
    keeper = await operator(door, "keeper", "stock_keeper")
    place = {"id": "wh1", "name": "一号仓", "kind": "warehouse"}
    assert (await keeper.post("/v1/locations", place)).status_code == 201
    adjustment = {"reason": "received", "lines": [{"location_id": "wh1", "sku": "A", "change": 5}]}
    adjusted = await keeper.post("/v1/stock/adjustments", adjustment)
    assert adjusted.status_code in (200, 201), adjusted.text
    account_id = (await keeper.get("/v1/me")).json()["id"]
    movements = (await keeper.get("/v1/stock/movements?sku=A")).json()["data"]
    assert {one["actor"] for one in movements} == {f"account:{account_id}"}
    refused = await keeper.post("/v1/coupon-templates", TEMPLATE)
    assert (refused.status_code, refused.json()["scope"]) == (403, "coupon:templates:write")
    viewer = await operator(door, "viewer", "viewer")
    assert (await viewer.get("/v1/stock?sku=A")).status_code == 200
    assert (await viewer.post("/v1/stock/adjustments", adjustment)).status_code == 403


async def test_what_changes_in_a_service_is_told_before_and_after(door: Suite) -> None:
    marketer = await operator(door, "marketer", "marketer")
    made = (await marketer.post("/v1/coupon-templates", TEMPLATE)).json()
    changed = await marketer.call("PATCH", f"/v1/coupon-templates/{made['id']}", {"name": "满10减2"})
    assert changed.status_code == 200, changed.text
    wanted = {"kind": "call", "object_id": made["id"]}
    entries: list[dict[str, Any]] = (await door.client().get("/v1/audit-log", params=wanted)).json()["data"]
    second, first = entries
    assert (first["action"], first["before"], first["after"]["name"]) == ("POST /v1/coupon-templates", None, "满10减1")
    assert (second["before"]["name"], second["after"]["name"]) == ("满10减1", "满10减2")
    assert "benefit" not in second["after"]
    assert {one["actor"] for one in entries} == {f"account:{(await marketer.get('/v1/me')).json()['id']}"}


async def test_what_an_operator_does_for_many_customers_is_not_taken_for_one_shopper(door: Suite) -> None:
    """Velocity rules count shoppers by address; an operator's own says nothing of those for whom they claim."""
    marketer = await operator(door, "marketer", "marketer")
    made = (await marketer.post("/v1/coupon-templates", TEMPLATE)).json()
    rule = {"subject": "address", "action": "claim", "limit": 2, "window_seconds": 3600}
    ruled = await marketer.post("/v1/abuse/rules", rule)
    assert ruled.status_code == 201, ruled.text
    for number in range(4):
        claimed = await marketer.post(f"/v1/coupon-templates/{made['id']}/claims", {"customer_id": f"c{number}"})
        assert claimed.status_code == 201, claimed.text
