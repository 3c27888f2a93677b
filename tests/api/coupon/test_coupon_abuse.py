"""Velocity rules, deny lists, scored claims and the review queue, through the API."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from api.coupon.mall import Json, Mall
from conftest import RunService
from sqlalchemy import func, select

from services.coupon.app import create_service
from services.coupon.review.models import AbuseCursor
from services.coupon.settings import CouponSettings
from services.coupon.wallet.models import Coupon
from shared.clock import ManualClock


async def claim(mall: Mall, template_id: str, customer_id: str, **facts: str) -> httpx.Response:
    """`facts`: device, address."""
    headers = {"x-device-id": facts["device"]} if "device" in facts else {}
    headers |= {"x-client-address": facts["address"]} if "address" in facts else {}
    path = f"/v1/coupon-templates/{template_id}/claims"
    return await mall.http.post(path, json={"customer_id": customer_id}, headers=headers)


async def made(mall: Mall, path: str, **body: Any) -> Json:
    answer = await mall.http.post(f"/v1/abuse/{path}", json=body)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    assert (await mall.http.get(f"/v1/abuse/{path}/{found['id']}")).json() == found
    assert (await mall.http.get(f"/v1/abuse/{path}")).json()["data"][0] == found
    return found


async def cases(mall: Mall, clock: ManualClock, **query: str) -> list[Json]:
    clock.advance(seconds=10)  # scoring stays behind the clock
    for _ in range(500):  # the service's own loop may be at it
        await mall.running.tick()
        async with mall.running.service.kit.db.read() as tx:
            newest = await tx.scalar(select(func.max(Coupon.c.id)))
            if await tx.scalar(select(AbuseCursor.c.position)) == newest:
                break
        await asyncio.sleep(0.01)
    found: list[Json] = (await mall.http.get("/v1/abuse/cases", params={"status": "open", **query})).json()["data"]
    return found


async def test_velocity_is_exact_in_a_crowd_and_says_when_to_come_back(mall: Mall, clock: ManualClock) -> None:
    rule = await made(mall, "rules", subject="device", action="claim", limit=3, window_seconds=60)
    templates = [await mall.template() for _ in range(2)]
    crowd = [claim(mall, templates[number % 2], f"c{number}", device="d1") for number in range(20)]
    answers = await asyncio.gather(*crowd, claim(mall, templates[0], "other", device="d2"))
    assert Counter(answer.status_code for answer in answers) == {201: 4, 429: 17}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "velocity_exceeded"
    assert refused.json()["detail_zh"]
    assert refused.headers["retry-after"] == "60"
    clock.advance(seconds=59)
    assert (await claim(mall, templates[0], "late", device="d1")).headers["retry-after"] == "1"
    clock.advance(seconds=1)
    assert (await claim(mall, templates[0], "late", device="d1")).status_code == 201
    patched = await mall.http.patch(f"/v1/abuse/rules/{rule['id']}", json={"limit": 1})
    assert patched.json()["limit"] == 1
    assert (await claim(mall, templates[0], "again", device="d1")).status_code == 429
    assert (await mall.http.delete(f"/v1/abuse/rules/{rule['id']}")).status_code == 204
    assert (await claim(mall, templates[0], "again", device="d1")).status_code == 201
    assert await mall.audit() == {}


async def test_a_claim_that_gave_nothing_is_not_counted(mall: Mall) -> None:
    await made(mall, "rules", subject="customer", action="claim", limit=1, window_seconds=3600)
    empty, full = await mall.template(limits={"total": 0}), await mall.template()
    assert (await claim(mall, empty, "c1")).json()["code"] == "sold_out"
    assert (await claim(mall, full, "c1")).status_code == 201
    assert (await claim(mall, full, "c1")).json()["code"] == "velocity_exceeded"


async def test_velocity_for_review_gives_the_coupon_and_opens_a_case(mall: Mall, clock: ManualClock) -> None:
    rule = await made(mall, "rules", subject="address", action="claim", limit=2, window_seconds=60, effect="review")
    template_id = await mall.template()
    for number in range(4):
        assert (await claim(mall, template_id, f"c{number}", address="203.0.113.5")).status_code == 201
    (case,) = await cases(mall, clock)
    assert (case["subject"], case["coupons"], case["score"]) == ("address", 2, 100)
    assert rule["id"] in case["reasons"][0]["detail"]
    assert "203.0.113.5" not in str(case)


async def test_an_operator_weighs_the_signs_of_their_own_trade(run_service: RunService, clock: ManualClock) -> None:
    """By default two customers on a device are a couple."""
    weights = {"abuse_device_customers": "2,70,0,70", "abuse_new_points": 0}
    mall = Mall(await run_service(create_service, CouponSettings, **weights))
    template_id = await mall.template()
    for customer_id in ("c1", "c2"):
        assert (await claim(mall, template_id, customer_id, device="d1")).status_code == 201
    (case,) = await cases(mall, clock)
    assert (case["subject"], case["score"]) == ("device", 70)
    assert [reason["code"] for reason in case["reasons"]] == ["many_customers_on_device"]


@pytest.mark.parametrize(
    ("subject", "value", "facts"),
    [
        ("customer", "c1", {}),
        ("device", "phone-1", {"device": "phone-1"}),
        ("address", "2001:db8:1:2::7", {"address": "2001:db8:1:2::9"}),
        ("network", "203.0.113.0/24", {"address": "203.0.113.77"}),
    ],
)
async def test_the_denied_get_the_one_public_refusal(
    mall: Mall, clock: ManualClock, subject: str, value: str, facts: dict[str, str]
) -> None:
    template_id = await mall.template()
    assert (await claim(mall, template_id, "c1", **facts)).status_code == 201
    until = "2026-11-11T12:00:00Z"
    entry = await made(mall, "denials", subject=subject, value=value, reason="刷单", until=until)
    assert (entry["value"] == value) is (subject in ("customer", "network"))
    refused = await claim(mall, template_id, "c1", **facts)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_eligible")
    assert (await claim(mall, template_id, "c2", device="other", address="198.51.100.1")).status_code == 201
    again = await mall.http.post("/v1/abuse/denials", json={"subject": subject, "value": value, "reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "already_denied")
    query = {"subject": subject, "value": value}
    assert [one["id"] for one in (await mall.http.get("/v1/abuse/denials", params=query)).json()["data"]] == [
        entry["id"]
    ]
    assert (await mall.http.delete(f"/v1/abuse/denials/{entry['id']}")).status_code == 204
    assert (await claim(mall, template_id, "c1", **facts)).status_code == 201
    await made(mall, "denials", **query, reason="x", until=until)
    clock.advance(seconds=36_001)
    assert (await claim(mall, template_id, "c1", **facts)).status_code == 201, "its time is over"


async def test_one_phone_for_many_customers_becomes_a_case_and_is_denied(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(limits={"budget": 20_000})
    coupons = [
        (await claim(mall, template_id, f"c{number}", device="phone-1", address="203.0.113.5")).json()["id"]
        for number in range(8)
    ]
    await mall.checkout("o1", {**mall.cart(coupons=[coupons[0]]), "customer_id": "c0"})
    (case,) = await cases(mall, clock, subject="device")
    assert {one["code"] for one in case["reasons"]} >= {"many_customers_on_device", "device_takes_share"}
    assert all(one["detail"] and one["detail_zh"] for one in case["reasons"])
    assert (await cases(mall, clock, customer_id="c3"))[0]["id"] == case["id"]
    path = f"/v1/abuse/cases/{case['id']}"
    decided = (await mall.http.post(f"{path}/decide", json={"decision": "deny", "note": "同一手机"})).json()
    assert (decided["status"], decided["note"]) == ("denied", "同一手机")
    outcomes = {one["coupon_id"]: one["outcome"] for one in decided["suspects"]}
    assert Counter(outcomes.values())["voided"] >= 5
    assert outcomes.get(coupons[0], "locked") == "locked"
    refused = await claim(mall, template_id, "new", device="phone-1")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_eligible")
    voided = await mall.coupon(next(key for key, outcome in outcomes.items() if outcome == "voided"))
    assert voided["status"] == "voided"
    assert case["id"] in voided["ledger"][-1]["reason"]
    again = await mall.http.post(f"{path}/decide", json={"decision": "deny"})
    assert again.json() == decided
    other = await mall.http.post(f"{path}/decide", json={"decision": "clear"})
    assert (other.status_code, other.json()["code"]) == (409, "case_decided")
    assert len(await mall.told("coupon.voided")) == Counter(outcomes.values())["voided"]
    assert await mall.audit() == {}


async def test_a_cleared_phone_is_left_alone_for_a_day(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template()
    for number in range(8):
        await claim(mall, template_id, f"c{number}", device="shop-tablet")
    (case,) = await cases(mall, clock)
    cleared = await mall.http.post(
        f"/v1/abuse/cases/{case['id']}/decide", json={"decision": "clear", "note": "门店平板"}
    )
    assert {one["outcome"] for one in cleared.json()["suspects"]} == {None}
    await claim(mall, template_id, "c9", device="shop-tablet")
    assert await cases(mall, clock) == []
    clock.advance(seconds=86_400)
    for number in range(8):
        await claim(mall, template_id, f"d{number}", device="shop-tablet")
    assert len(await cases(mall, clock)) == 1


async def test_what_the_merchant_gives_is_no_abuse(mall: Mall, clock: ManualClock) -> None:
    await made(mall, "rules", subject="customer", action="claim", limit=1, window_seconds=60)
    await made(mall, "denials", subject="customer", value="c1", reason="x")
    template_id = await mall.template()
    body = {"customer_ids": ["c1"] * 12, "reason": "sorry"}
    job = (await mall.http.post(f"/v1/coupon-templates/{template_id}/issues", json=body)).json()
    assert (await mall.finished(job["id"]))["issued"] == 12
    assert await cases(mall, clock) == []


async def test_addresses_and_devices_are_stored_as_hashes_only(mall: Mall) -> None:
    await made(mall, "rules", subject="device", action="claim", limit=5, window_seconds=60)
    await made(mall, "denials", subject="device", value="phone-9", reason="x")
    coupon_id = (await claim(mall, await mall.template(), "c1", device="phone-1", address="203.0.113.5")).json()["id"]
    async with mall.running.service.kit.db.read() as tx:
        row = (await tx.execute(select(Coupon.table).where(Coupon.c.id == coupon_id))).one()
        tables = mall.running.service.kit.metadata.tables.values()
        dump = [str((await tx.execute(table.select())).all()) for table in tables if table.name != "outbox"]
    assert len(row.origin_device) == len(row.origin_address) == 32
    assert not any(word in rows for rows in dump for word in ("phone-", "203.0.113"))


async def test_shoppers_tokens_see_nothing_of_this(mall: Mall) -> None:
    shopper = mall.running.client(customer_id="c1")
    for path in ("rules", "denials", "cases"):
        assert (await shopper.get(f"/v1/abuse/{path}")).json()["code"] == "operators_only"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("rules", {"subject": "network", "action": "claim", "limit": 1, "window_seconds": 1}, "#/subject"),
        ("rules", {"subject": "device", "action": "fly", "limit": 1, "window_seconds": 1}, "#/action"),
        ("rules", {"subject": "device", "action": "claim", "limit": 0, "window_seconds": 1}, "#/limit"),
        ("denials", {"subject": "address", "value": "example", "reason": "x"}, "#"),
        ("denials", {"subject": "network", "value": "1.2.3.4/33", "reason": "x"}, "#"),
        ("denials", {"subject": "customer", "value": "c", "reason": "x", "until": "2020-01-01T00:00:00Z"}, "#/until"),
        ("cases/cas_1/decide", {"decision": "shrug"}, "#/decision"),
    ],
)
async def test_bad_input_names_its_field(mall: Mall, path: str, body: Json, pointer: str) -> None:
    answer = await mall.http.post(f"/v1/abuse/{path}", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
