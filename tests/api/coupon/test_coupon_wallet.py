"""Direct issue, journeys, voids and expiry: what else changes a wallet."""

import asyncio
import contextlib
from collections import Counter

import pytest
from api.coupon.mall import Mall

from services.coupon.wallet.worker import IssueWorker
from shared.clock import ManualClock
from shared.contracts import CouponRequested
from shared.db import Transaction


def asked(reference: str, template_id: str, customer_id: str = "c1") -> CouponRequested:
    return CouponRequested(
        reference=reference, template_id=template_id, customer_id=customer_id, journey_id="jny_1", run_id="run_1"
    )


async def test_a_journey_gets_its_coupon_once_however_often_it_asks(mall: Mall) -> None:
    template_id = await mall.template()
    await mall.send(asked("run_1:c", template_id), message_id="evt_1")
    await mall.send(asked("run_1:c", template_id), message_id="evt_1")
    await mall.send(asked("run_1:c", template_id), message_id="evt_2")
    await mall.send(asked("run_2:c", template_id), message_id="evt_3")
    issued = await mall.told("coupon.issued")
    assert [(one["reference"], one["source"]) for one in issued] == [("run_1:c", "journey"), ("run_2:c", "journey")]
    assert (await mall.seen(template_id))["issued"] == 2
    entry = (await mall.coupon(issued[0]["coupon_id"]))["ledger"][0]
    assert (entry["actor"], entry["reason"]) == ("journey:jny_1", "journey run run_1")
    envelope = next(one for one in mall.running.recorder.envelopes if one.name == "coupon.issued")
    assert envelope.causation_id == "evt_1"
    assert await mall.audit() == {}


async def test_a_journey_is_told_why_not(mall: Mall) -> None:
    sold_out = await mall.template(limits={"total": 0})
    limited = await mall.template(limits={"per_customer": 1})
    await mall.claim(limited)
    await mall.send(asked("r1", sold_out), asked("r2", limited), asked("r3", "tpl_none"))
    await mall.send(asked("r1", sold_out))
    refused = {one["reference"]: one["code"] for one in await mall.told("coupon.issue_refused")}
    assert refused == {"r1": "sold_out", "r2": "claim_limit_reached", "r3": "not_found"}
    assert len(await mall.told("coupon.issue_refused")) == 3
    assert all(one["detail"] for one in await mall.told("coupon.issue_refused"))


async def test_an_issue_job_serves_its_list_within_the_limits(mall: Mall) -> None:
    template_id = await mall.template(limits={"total": 40, "per_customer": 1})
    customers = [f"c{number % 45}" for number in range(50)]
    path = f"/v1/coupon-templates/{template_id}/issues"
    accepted = await mall.http.post(path, json={"customer_ids": customers, "reason": "双十一"})
    assert (accepted.status_code, accepted.json()["status"], accepted.json()["total"]) == (202, "running", 50)
    job = await mall.finished(accepted.json()["id"])
    assert (job["issued"], job["refused"]) == (40, 10)
    assert job["refused_by"] == {"sold_out": 5, "claim_limit_reached": 5}
    first = (await mall.http.get(f"/v1/coupon-jobs/{job['id']}/results?limit=45")).json()
    second = (await mall.http.get(f"/v1/coupon-jobs/{job['id']}/results?cursor={first['next_cursor']}")).json()
    results = first["data"] + second["data"]
    assert [one["customer_id"] for one in results] == customers
    assert Counter(one["outcome"] for one in results) == {"issued": 40, "refused": 10}
    coupon = await mall.coupon(results[0]["coupon_id"])
    assert (coupon["source"], coupon["ledger"][0]["reason"]) == ("direct", "双十一")
    assert [one["id"] for one in (await mall.http.get("/v1/coupon-jobs?status=done")).json()["data"]] == [job["id"]]
    assert (await mall.http.get("/v1/coupon-jobs?status=running")).json()["data"] == []
    assert len(await mall.told("coupon.issued")) == 40
    assert await mall.audit() == {}


async def test_a_job_that_was_killed_goes_on_exactly(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id = await mall.template()
    customers = [f"c{number}" for number in range(70)]
    path = f"/v1/coupon-templates/{template_id}/issues"
    whole = IssueWorker._chunk
    rounds = 0

    async def dies(self: IssueWorker, tx: Transaction, *rest: object) -> int:
        nonlocal rounds
        served = await whole(self, tx, *rest)  # type: ignore[arg-type] # passed through
        rounds += 1
        if rounds % 2:
            raise ConnectionError("killed before the commit")
        return served

    monkeypatch.setattr(IssueWorker, "_chunk", dies)
    job_id = (await mall.http.post(path, json={"customer_ids": customers, "reason": "x"})).json()["id"]
    for _ in range(20):
        with contextlib.suppress(ConnectionError):  # as when the process died
            await mall.running.tick()
    assert (await mall.finished(job_id))["issued"] == 70
    assert rounds > 4
    assert (await mall.seen(template_id))["issued"] == 70
    assert await mall.audit() == {}


async def test_a_job_is_refused_where_it_makes_no_sense(mall: Mall) -> None:
    template_id = await mall.template()
    path = f"/v1/coupon-templates/{template_id}/issues"
    strange = await mall.http.post(path, json={"segment_id": "seg_1", "reason": "x"})
    assert (strange.status_code, strange.json()["code"]) == (422, "unknown_segment")
    for body in ({"reason": "x"}, {"segment_id": "seg_1", "customer_ids": ["c"], "reason": "x"}):
        assert (await mall.http.post(path, json=body)).json()["code"] == "validation_failed"
    many = await mall.http.post(path, json={"customer_ids": ["c"] * 100_001, "reason": "x"})
    assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "#/customer_ids")
    none = await mall.http.post("/v1/coupon-templates/tpl_x/issues", json={"customer_ids": ["c"], "reason": "x"})
    assert none.status_code == 404
    assert (await mall.http.get("/v1/coupon-jobs/job_x")).status_code == 404


async def test_a_voided_coupon_gives_its_budget_back(mall: Mall) -> None:
    template_id = await mall.template(1000, limits={"budget": 1000})
    coupon_id = await mall.claim(template_id)
    answers = await asyncio.gather(
        *[mall.http.post(f"/v1/coupons/{coupon_id}/void", json={"reason": "fraud"}) for _ in range(4)]
    )
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "voided")}
    assert (await mall.seen(template_id))["budget_spent"] == 0
    assert (await mall.coupon(coupon_id))["ledger"][-1]["reason"] == "fraud"
    assert (await mall.quote(mall.cart(coupons=[coupon_id])))["rejected"][0]["code"] == "voided"
    assert len(await mall.told("coupon.voided")) == 1
    assert await mall.audit() == {}


async def test_what_an_order_holds_or_used_is_not_voided(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template())
    checkout = await mall.checkout("o1")
    held = await mall.http.post(f"/v1/coupons/{coupon_id}/void", json={"reason": "x"})
    assert (held.status_code, held.json()["code"], held.json()["checkout_id"]) == (409, "coupon_locked", checkout["id"])
    await mall.end(checkout["id"], "commit")
    used = await mall.http.post(f"/v1/coupons/{coupon_id}/void", json={"reason": "x"})
    assert (used.status_code, used.json()["code"]) == (409, "coupon_redeemed")
    old = await mall.claim(await mall.template(validity={"until": "2026-11-11T02:01:00Z"}))
    clock.advance(seconds=60)
    late = await mall.http.post(f"/v1/coupons/{old}/void", json={"reason": "x"})
    assert (late.status_code, late.json()["code"]) == (409, "coupon_expired")
    assert (await mall.http.post("/v1/coupons/cpn_x/void", json={"reason": "x"})).status_code == 404
    assert (await mall.http.post(f"/v1/coupons/{old}/void", json={})).status_code == 422


async def test_expiry_is_the_clocks_and_the_sweeper_writes_it_down(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(1000, validity={"days_after_claim": 1}, limits={"budget": 9000})
    ids = [await mall.claim(template_id, f"c{number}") for number in range(5)]
    clock.advance(seconds=86_400)
    assert (await mall.coupon(ids[0]))["status"] == "expired"
    assert len((await mall.coupon(ids[0]))["ledger"]) == 1
    assert (await mall.quote(mall.cart(coupons=[ids[1]])))["rejected"][0]["code"] in ("expired", "not_found")
    await mall.running.tick()
    await mall.running.tick()
    assert [entry["event"] for entry in (await mall.coupon(ids[0]))["ledger"]] == ["issued", "expired"]
    assert sorted(one["coupon_id"] for one in await mall.told("coupon.expired")) == ids
    assert (await mall.seen(template_id))["budget_spent"] == 0
    assert await mall.audit() == {}


async def test_a_coupon_without_an_end_stays(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template())
    clock.advance(seconds=10 * 365 * 86_400)
    await mall.running.tick()
    found = await mall.coupon(coupon_id)
    assert (found["status"], found["valid_until"]) == ("issued", None)
