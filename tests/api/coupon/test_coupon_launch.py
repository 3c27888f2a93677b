"""The life of an offer: a draft is launched, paused, goes on, and is ended for good."""

import pytest
from api.coupon.mall import Json, Mall

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # nothing here is the database's


async def set_to(mall: Mall, path: str, status: str, **more: object) -> tuple[int, Json]:
    answer = await mall.http.patch(path, json={"status": status, **more})
    return answer.status_code, answer.json()


async def test_a_draft_is_launched_paused_and_ended(mall: Mall) -> None:
    template_id = await mall.template(status="draft")
    path = f"/v1/coupon-templates/{template_id}"
    refused = await mall.try_claim(template_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_started")
    assert "draft" in refused.json()["detail"]
    assert (await mall.http.get("/v1/claim-centre?customer_id=c1")).json()["data"] == []
    assert [one["id"] for one in (await mall.http.get("/v1/coupon-templates?status=draft")).json()["data"]] == [
        template_id
    ]
    assert (await set_to(mall, path, "active"))[1]["status"] == "active"
    coupon_id = await mall.claim(template_id)
    status, told = await set_to(mall, path, "draft")
    assert (status, told["code"]) == (409, "offer_launched")
    assert (await set_to(mall, path, "paused"))[0] == 200
    assert (await mall.try_claim(template_id, "c2")).json()["code"] == "paused"
    assert (await set_to(mall, path, "active"))[0] == 200
    status, ended = await set_to(mall, path, "ended")
    assert (status, ended["status"]) == (200, "ended")
    assert (await mall.try_claim(template_id, "c2")).json()["code"] == "ended"
    assert (await set_to(mall, path, "ended"))[1] == ended, "said again, nothing changes"
    for change in ({"status": "active"}, {"status": "draft"}, {"name": "x"}, {"status": "ended", "name": "x"}):
        answer = await mall.http.patch(path, json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "offer_ended"), change
    assert (await mall.quote(mall.cart()))["applied"][0]["coupon_id"] == coupon_id, "what was given keeps working"
    assert [one["status"] for one in await mall.told("coupon_template.changed")] == [
        "draft", "active", "paused", "active", "ended",
    ]  # fmt: skip
    assert await mall.audit() == {}


async def test_nothing_begins_as_ended_and_nothing_new_gives_what_has_ended(mall: Mall) -> None:
    body = {"name": "券", "benefit": {"kind": "amount_off", "amount": 1000}, "status": "ended"}
    answer = await mall.http.post("/v1/coupon-templates", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/status")
    template_id = await mall.template(status="draft")
    codes = await mall.http.post(f"/v1/coupon-templates/{template_id}/codes", json={"count": 1})
    assert codes.status_code == 202, "printed before the launch"
    assert (await set_to(mall, f"/v1/coupon-templates/{template_id}", "ended"))[0] == 200
    pack = {"name": "包", "items": [{"template_id": template_id, "quantity": 1}]}
    for path, new, code in (
        (f"/v1/coupon-templates/{template_id}/codes", {"count": 1}, "ended"),
        (f"/v1/coupon-templates/{template_id}/issues", {"customer_ids": ["c1"], "reason": "x"}, "ended"),
        ("/v1/public-codes", {"code": "D11-X", "template_id": template_id}, "template_ended"),
        ("/v1/coupon-packs", pack, "template_ended"),
    ):
        refused = await mall.http.post(path, json=new)
        told = refused.json()
        assert code in {told["code"], *(error["code"] for error in told.get("errors", ()))}, (path, told)


async def test_a_draft_promotion_takes_nothing_off_and_may_be_too_good(mall: Mall) -> None:
    """What would make orders free together with live offers is looked at when it is launched."""
    await mall.promotion(9_000, threshold={"amount": 10_000}, stacking={"layer": "cross_shop"})
    promotion_id = await mall.promotion(9_000, threshold={"amount": 10_000}, status="draft")
    assert (await mall.quote(mall.cart()))["discount"] == 9_000
    path = f"/v1/promotions/{promotion_id}"
    status, told = await set_to(mall, path, "active")
    assert (status, told["code"]) == (422, "stack_zero_pay")
    assert (await set_to(mall, path, "active", allow_zero_pay=True))[0] == 200
    assert (await mall.quote(mall.cart()))["discount"] == 10_000
    assert (await set_to(mall, path, "ended"))[0] == 200
    assert (await mall.quote(mall.cart()))["discount"] == 9_000
