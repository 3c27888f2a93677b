"""Claims: limits under any concurrency, refusals with their reasons, neighbours that don't share a fate."""

import asyncio
from collections import Counter

import pytest
from api.coupon.mall import Mall, membership
from kit.services import RunningService

from shared.clock import ManualClock
from shared.contracts import SegmentEntered, SegmentExited


async def test_three_hundred_claims_on_a_hundred_coupons_give_a_hundred(mall: Mall) -> None:
    template_id = await mall.template(limits={"total": 100, "per_customer": 1})
    answers = await asyncio.gather(*[mall.try_claim(template_id, f"c{number}") for number in range(300)])
    codes = Counter((answer.status_code, answer.json().get("code")) for answer in answers if answer.status_code != 201)
    assert codes == {(409, "sold_out"): 200}
    granted = [answer.json() for answer in answers if answer.status_code == 201]
    assert len({one["id"] for one in granted}) == len({one["code"] for one in granted}) == 100
    seen = await mall.seen(template_id)
    assert (seen["issued"], seen["remaining"]) == (100, 0)
    assert len(await mall.told("coupon.issued")) == 100
    assert await mall.audit() == {}


async def test_fifty_parallel_claims_of_one_customer_give_one(mall: Mall) -> None:
    template_id = await mall.template(limits={"per_customer": 1})
    answers = await asyncio.gather(*[mall.try_claim(template_id) for _ in range(50)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"claim_limit_reached"}
    assert (await mall.try_claim(template_id)).json()["code"] == "claim_limit_reached"
    assert (await mall.seen(template_id))["issued"] == 1
    assert await mall.audit() == {}


async def test_a_limit_of_three_and_no_limit(mall: Mall) -> None:
    three = await mall.template(limits={"per_customer": 3})
    free = await mall.template()
    answers = await asyncio.gather(*[mall.try_claim(one) for one in (three, free) for _ in range(10)])
    granted = Counter(answer.json()["template_id"] for answer in answers if answer.status_code == 201)
    assert granted == {three: 3, free: 10}
    assert [(await mall.try_claim(one)).status_code for one in (three, free)] == [409, 201]
    assert await mall.audit() == {}


async def test_the_budget_holds_the_worst_case_of_every_coupon(mall: Mall) -> None:
    percent = {"kind": "percent_off", "percent_bp": 5000, "max_amount": 300}
    template_id = await mall.template(benefit=percent, limits={"budget": 1000})
    answers = await asyncio.gather(*[mall.try_claim(template_id, f"c{number}") for number in range(20)])
    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 17}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"budget_exhausted"}
    assert (await mall.seen(template_id))["budget_spent"] == 900
    customer = next(answer.json()["customer_id"] for answer in answers if answer.status_code == 201)
    checkout = await mall.checkout("o1", {**mall.cart(400), "customer_id": customer})
    assert checkout["quote"]["discount"] == 200
    await mall.end(checkout["id"], "commit")
    assert (await mall.seen(template_id))["budget_spent"] == 800  # what was not used is free for others again
    assert await mall.audit() == {}


async def test_a_daily_limit_begins_again_at_local_midnight(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(limits={"per_day": 2})
    answers = await asyncio.gather(*[mall.try_claim(template_id, f"c{number}") for number in range(9)])
    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 7}
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["code"], refused["retry_at"]) == ("day_limit_reached", "2026-11-11T16:00:00Z")
    clock.advance(seconds=14 * 3600 - 1)
    assert (await mall.try_claim(template_id, "d")).status_code == 409
    clock.advance(seconds=1)
    assert (await mall.try_claim(template_id, "d")).status_code == 201
    assert await mall.audit() == {}


async def test_a_window_opens_and_closes(mall: Mall, clock: ManualClock) -> None:
    window = {"from": "2026-11-11T03:00:00Z", "until": "2026-11-11T04:00:00Z"}
    template_id = await mall.template(validity=window)
    early = await mall.try_claim(template_id)
    assert (early.status_code, early.json()["code"], early.json()["starts_at"]) == (409, "not_started", window["from"])
    clock.advance(seconds=3600)
    await mall.claim(template_id)
    clock.advance(seconds=3600)
    late = await mall.try_claim(template_id, "c2")
    assert (late.status_code, late.json()["code"]) == (410, "ended")


async def test_unknown_offers_and_wrong_bodies(mall: Mall) -> None:
    for template_id in ("tpl_none", "tpl_" + "0" * 26, "tpl_" + "é" * 26):
        answer = await mall.try_claim(template_id)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    template_id = await mall.template()
    path = f"/v1/coupon-templates/{template_id}/claims"
    for body in ({}, {"customer_id": ""}, {"customer_id": "c", "more": 1}, {"customer_id": "a\x00b"}):
        answer = await mall.http.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_bad_claim_does_not_hurt_its_neighbours(mall: Mall) -> None:
    good = await mall.template(limits={"per_customer": 1})
    sold_out = await mall.template(limits={"total": 0})
    wishes = [(good, "a"), (sold_out, "a"), ("tpl_" + "0" * 26, "a"), (good, "a"), (good, "b")]
    answers = await asyncio.gather(*[mall.try_claim(*wish) for wish in wishes])
    assert [answer.status_code for answer in answers] == [201, 409, 404, 409, 201]


async def test_only_members_of_the_segment_may_claim_and_use(mall: Mall) -> None:
    template_id = await mall.template(scope={"segments": ["seg_1", "seg_2"]})
    refused = await mall.try_claim(template_id)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_eligible")
    await mall.send(membership(SegmentEntered, "c1", "2026-11-11T01:00:00Z"))
    coupon_id = await mall.claim(template_id)
    assert (await mall.quote(mall.cart()))["applied"][0]["coupon_id"] == coupon_id
    await mall.send(membership(SegmentExited, "c1", "2026-11-11T01:30:00Z"))
    await mall.send(membership(SegmentEntered, "c1", "2026-11-11T01:00:00Z"))  # an old message that comes late
    assert (await mall.quote(mall.cart()))["rejected"][0]["code"] == "not_eligible"
    assert (await mall.try_claim(template_id)).status_code == 403


async def test_an_end_user_sees_and_claims_for_herself_only(mall: Mall) -> None:
    template_id = await mall.template()
    other = await mall.claim(template_id, "c2")
    shopper = mall.running.client(customer_id="c1")
    path = f"/v1/coupon-templates/{template_id}/claims"
    assert (await shopper.post(path, json={"customer_id": "c2"})).status_code == 404
    mine = (await shopper.post(path, json={"customer_id": "c1"})).json()
    assert (await mall.coupon(mine["id"]))["ledger"][0]["actor"] == "customer:c1"
    assert [one["id"] for one in (await shopper.get("/v1/coupons")).json()["data"]] == [mine["id"]]
    assert (await shopper.get("/v1/coupons?customer_id=c2")).status_code == 404
    assert (await shopper.get(f"/v1/coupons/{other}")).status_code == 404
    assert (await shopper.post("/v1/quotes", json={**mall.cart(), "customer_id": "c2"})).status_code == 404
    stolen = (await shopper.post("/v1/quotes", json=mall.cart(coupons=[other]))).json()
    assert stolen["rejected"][0]["code"] == "not_found"


async def test_a_claim_is_told_once_with_the_request_that_caused_it(mall: Mall) -> None:
    template_id = await mall.template(validity={"days_after_claim": 7})
    answer = await mall.try_claim(template_id)
    (issued,) = await mall.told("coupon.issued")
    assert (issued["coupon_id"], issued["source"], issued["reference"]) == (answer.json()["id"], "claim", None)
    assert issued["valid_until"] == answer.json()["valid_until"] == "2026-11-18T02:00:00Z"
    envelope = mall.running.recorder.envelopes[-1]
    assert (envelope.correlation_id, envelope.subject) == (answer.headers["x-request-id"], "c1")


async def test_an_idempotency_key_claims_once(mall: Mall) -> None:
    template_id = await mall.template()
    path = f"/v1/coupon-templates/{template_id}/claims"
    calls = [mall.http.post(path, json={"customer_id": "c1"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    first, again = [await call for call in calls]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert (await mall.seen(template_id))["issued"] == 1


async def test_a_key_without_the_scope_claims_nothing(mall: Mall) -> None:
    template_id = await mall.template()
    running: RunningService = mall.running
    weak = running.client(["coupon:coupons:read"])
    answer = await weak.post(f"/v1/coupon-templates/{template_id}/claims", json={"customer_id": "c1"})
    assert (answer.status_code, answer.json()["scope"]) == (403, "coupon:coupons:write")
    assert (await running.stranger().get("/v1/coupons")).status_code == 401


@pytest.mark.parametrize("status", ["issued", "locked", "redeemed", "expired", "voided"])
async def test_the_wallet_is_filtered_by_the_status_of_the_clock(mall: Mall, clock: ManualClock, status: str) -> None:
    validity = {"until": "2026-11-11T03:00:00Z"}
    by_status = {"expired": await mall.claim(await mall.template(validity=validity))}
    clock.advance(seconds=3600)
    by_status["locked"] = await mall.claim(await mall.template())
    await mall.checkout("o1", mall.cart(coupons=[by_status["locked"]]))
    by_status["redeemed"] = await mall.claim(await mall.template())
    paid = await mall.checkout("o2", mall.cart(coupons=[by_status["redeemed"]]))
    await mall.end(paid["id"], "commit")
    by_status["voided"] = await mall.claim(await mall.template())
    assert (await mall.http.post(f"/v1/coupons/{by_status['voided']}/void", json={"reason": "x"})).status_code == 200
    by_status["issued"] = await mall.claim(await mall.template())
    found = (await mall.http.get(f"/v1/coupons?customer_id=c1&status={status}")).json()["data"]
    assert [(one["id"], one["status"]) for one in found] == [(by_status[status], status)]
    assert len((await mall.http.get("/v1/coupons?customer_id=c1")).json()["data"]) == 5
