"""What would be dead on arrival is refused: an end that has passed, and coupons of a template that has ended."""

from typing import Any

import pytest
from api.coupon.mall import Json, Mall

from shared.clock import ManualClock

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # refused before any row is written
NOW, LATER, SOON = "2026-11-11T02:00:00Z", "2026-11-12T00:00:00Z", "2026-11-11T02:00:01Z"
PRIZE = {"name": "礼品", "odds_bp": 10_000}
OFF = {"kind": "amount_off", "amount": 100}


async def refused(mall: Mall, path: str, body: Json, method: str = "POST") -> tuple[int, str, str]:
    answer = await mall.http.request(method, path, json=body)
    problem = answer.json()
    [error] = problem.get("errors", [{"pointer": "", "code": problem.get("code")}])
    return answer.status_code, error["code"], error["pointer"]


async def test_an_end_that_has_passed_is_refused_wherever_there_is_one(mall: Mall) -> None:
    template_id = await mall.template()
    code = {"code": "DOUBLE11", "template_id": template_id}
    shown = {"template_id": template_id, "shop_id": "s1", "rotating": False}
    denied = {"subject": "customer", "value": "c1", "reason": "x"}
    drawn = {
        "name": "抽奖",
        "limits": {"per_day": 1},
        "prizes": [PRIZE],
        "window": {"from": "2026-11-01T00:00:00Z", "until": NOW},
    }
    ends: list[tuple[str, Json, str]] = [
        ("/v1/coupon-templates", {"name": "x", "benefit": OFF, "validity": {"until": NOW}}, "#/validity/until"),
        ("/v1/promotions", {"name": "x", "benefit": OFF, "validity": {"until": NOW}}, "#/validity/until"),
        (f"/v1/coupon-templates/{template_id}/codes", {"count": 1, "valid_until": NOW}, "#/valid_until"),
        ("/v1/public-codes", {**code, "valid_until": NOW}, "#/valid_until"),
        ("/v1/claim-codes", {**shown, "valid_until": NOW}, "#/valid_until"),
        ("/v1/draws", drawn, "#/window/until"),
        ("/v1/abuse/denials", {**denied, "until": NOW}, "#/until"),
    ]
    for path, body, pointer in ends:
        assert await refused(mall, path, body) == (422, "in_the_past", pointer), path
        place = pointer.split("/")[-1]
        later = {**body, "window": {**body["window"], place: SOON}} if "window" in body else {**body, place: SOON}
        later = {**body, "validity": {place: SOON}} if "validity" in body else later
        answer = await mall.http.post(path, json=later)
        assert answer.status_code < 300, (path, answer.text)


async def test_a_patch_moves_no_end_into_the_past_and_says_how_to_end_now(mall: Mall, clock: ManualClock) -> None:
    template_id, promotion_id = await mall.template(validity={"until": LATER}), await mall.promotion()
    public = {"code": "DOUBLE11", "template_id": template_id, "valid_until": LATER}
    shown = {"template_id": template_id, "shop_id": "s1", "rotating": False, "valid_until": LATER}
    public_id = (await mall.http.post("/v1/public-codes", json=public)).json()["id"]
    shown_id = (await mall.http.post("/v1/claim-codes", json=shown)).json()["id"]
    things: list[tuple[str, Json, Json]] = [
        (f"/v1/coupon-templates/{template_id}", {"validity": {"until": NOW}}, {"validity": {"until": LATER}}),
        (f"/v1/public-codes/{public_id}", {"valid_until": NOW}, {"valid_until": LATER}),
        (f"/v1/claim-codes/{shown_id}", {"valid_until": NOW}, {"valid_until": LATER}),
    ]
    for path, past, _ in [*things, (f"/v1/promotions/{promotion_id}", {"validity": {"until": NOW}}, {})]:
        answer = await mall.http.patch(path, json=past)
        assert answer.json()["errors"][0]["code"] == "in_the_past"
        assert "set its status to" in answer.json()["detail"]
    clock.advance(seconds=2 * 86_400)  # an end that came by itself stands in no patch's way
    for path, _, same in things:
        for patch in ({"status": "paused"}, {"status": "active"}, same):
            assert (await mall.http.patch(path, json=patch)).status_code == 200, (path, patch)


async def test_nothing_new_gives_coupons_of_a_template_that_has_ended(mall: Mall, clock: ManualClock) -> None:
    over, going = await mall.template(validity={"until": LATER}), await mall.template()
    pack = {"name": "礼包", "items": [{"template_id": going}, {"template_id": over}]}
    pack_id = (await mall.http.post("/v1/coupon-packs", json=pack)).json()["id"]
    clock.advance(seconds=2 * 86_400)
    window = {"from": "2026-11-13T00:00:00Z", "until": "2026-12-01T00:00:00Z"}
    shares = {"name": "x", "reward_template_id": going, "friend_template_id": over, "friends": 2}
    things: list[tuple[str, Any, str]] = [
        ("/v1/public-codes", {"code": "DOUBLE11", "template_id": over}, "#/template_id"),
        ("/v1/claim-codes", {"template_id": over, "shop_id": "s1", "rotating": False}, "#/template_id"),
        ("/v1/share-offers", shares, "#/friend_template_id"),
        (
            "/v1/draws",
            {"name": "x", "limits": {"per_day": 1}, "prizes": [{**PRIZE, "template_id": over}], "window": window},
            "#/prizes/0/template_id",
        ),
        ("/v1/coupon-packs", pack, "#/items/1/template_id"),
    ]
    for path, body, pointer in things:
        assert await refused(mall, path, body) == (422, "template_ended", pointer), path
    for path, body in (("codes", {"count": 1}), ("issues", {"customer_ids": ["c1"], "reason": "x"})):
        assert (await refused(mall, f"/v1/coupon-templates/{over}/{path}", body))[:2] == (410, "ended"), path
    assert (await mall.http.patch(f"/v1/coupon-packs/{pack_id}", json={"status": "paused"})).status_code == 200
    patch = {"items": pack["items"]}
    assert (await refused(mall, f"/v1/coupon-packs/{pack_id}", patch, "PATCH"))[1] == "template_ended"


async def test_a_template_that_ends_before_the_draw_begins_is_no_prize(mall: Mall) -> None:
    template_id = await mall.template(validity={"until": LATER})
    window = {"from": LATER, "until": "2026-12-01T00:00:00Z"}
    body = {"name": "x", "limits": {"per_day": 1}, "prizes": [{**PRIZE, "template_id": template_id}], "window": window}
    assert await refused(mall, "/v1/draws", body) == (422, "template_ended", "#/prizes/0/template_id")
    code = {"code": "DOUBLE11", "template_id": template_id, "valid_from": LATER}
    assert (await refused(mall, "/v1/public-codes", code))[1] == "template_ended"
