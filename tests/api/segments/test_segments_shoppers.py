"""What a shopper's app or page tells may be anything: it gives way to what the merchant says, under whatever ids it came."""

import asyncio
import gzip
from datetime import timedelta
from typing import Any

import httpx
import pytest
from api.segments.talking import Segments

from shared.clock import ManualClock

BOUGHT = {"event": "Order Completed", "op": "gte", "value": 1}


@pytest.fixture(params=["publishable key", "end-user's token"])
def shopper(request: pytest.FixtureRequest, segments: Segments) -> httpx.AsyncClient:
    """Someone who calls in the name of c2, and of whomever they like with a publishable key."""
    if request.param == "publishable key":
        return segments.running.client(["segments:events:write"], kind="publishable")
    return segments.running.client(customer_id="c2", kind="publishable")


async def says(client: httpx.AsyncClient, path: str, **body: Any) -> None:
    answer = await client.post(f"/v1/{path}", json={"userId": "c2", **body})
    assert answer.status_code == 200, answer.text


async def events_of(segments: Segments, customer_id: str) -> list[tuple[str, Any]]:
    page = await segments.get(f"/v1/profiles/{customer_id}/timeline")
    return [(one["event"], one["properties"].get("total")) for one in page["data"] if one["event"]]


async def test_a_message_id_that_a_shopper_used_before_is_still_the_merchants(
    segments: Segments, shopper: httpx.AsyncClient
) -> None:
    bought = await segments.segment(BOUGHT)
    await says(shopper, "track", event="Order Completed", messageId="order-1001")
    assert await segments.members(bought) == ["c2"]
    await segments.track("c1", "Order Completed", "order-1001", properties={"order_id": "1001", "total": 5})
    assert await events_of(segments, "c1") == [("Order Completed", 500)]
    assert await events_of(segments, "c2") == []
    assert await segments.members(bought) == ["c1"]
    exited = await segments.messages("segment.exited")
    assert [(one["customer_id"], one["cause"]) for one in exited] == [("c2", "event")]
    await segments.audit()


async def test_an_order_that_a_shopper_told_first_counts_as_the_merchant_tells_it(
    segments: Segments, shopper: httpx.AsyncClient
) -> None:
    large = await segments.segment({**BOUGHT, "measure": "sum", "property": "total", "value": 10_000})
    await says(shopper, "track", event="Order Completed", properties={"order_id": "7", "total": 99_999})
    assert await segments.members(large) == ["c2"]
    await segments.track("c2", "Order Completed", properties={"order_id": "7", "total": 5})
    assert await events_of(segments, "c2") == [("Order Completed", 500)]
    assert await segments.members(large) == []
    await says(shopper, "track", event="Order Completed", properties={"order_id": "7", "total": 88_888})
    await segments.track("c2", "Order Completed", properties={"order_id": "7", "total": 6})
    assert await events_of(segments, "c2") == [("Order Completed", 500)], "the merchant's first word stays, as ever"
    await segments.audit()


async def test_both_at_once_are_the_merchants(segments: Segments, shopper: httpx.AsyncClient) -> None:
    bought = await segments.segment(BOUGHT)
    for number in range(12):
        order = {"order_id": f"o{number}", "total": 1}
        fakes = [
            says(shopper, "track", event="Order Completed", messageId=f"m{number}", properties=order),
            says(shopper, "track", event="Order Completed", properties=order),
        ]
        await asyncio.gather(*fakes, segments.track("c1", "Order Completed", f"m{number}", properties=order))
    assert await events_of(segments, "c1") == [("Order Completed", 100)] * 12
    assert await events_of(segments, "c2") == []
    assert await segments.members(bought) == ["c1"]
    await segments.audit()


async def test_a_shopper_fills_gaps_and_changes_no_trait_that_the_merchant_set(
    segments: Segments, shopper: httpx.AsyncClient, clock: ManualClock
) -> None:
    gold = await segments.segment({"trait": "tier", "op": "eq", "value": "gold"})
    await says(shopper, "identify", traits={"tier": "gold", "city": "上海"})
    assert await segments.members(gold) == ["c2"]
    before = (segments.clock.now() - timedelta(days=1)).isoformat()
    body = {"userId": "c2", "traits": {"tier": "basic", "phone": "+8613800138000"}, "timestamp": before}
    await segments.post("/v1/identify", body)
    assert await segments.members(gold) == [], "even what it said earlier"
    clock.advance(seconds=60)
    await says(shopper, "identify", traits={"tier": "gold", "phone": "+8613900139000", "city": "北京"})
    await says(shopper, "identify", traits={"phone": None})
    known = (await segments.get("/v1/profiles/c2"))["traits"]
    assert known == {"tier": "basic", "phone": "+8613800138000", "city": "北京"}
    assert await segments.members(gold) == []
    await segments.audit()


async def test_a_shopper_keeps_no_phone_that_the_merchant_says_is_anothers(
    segments: Segments, shopper: httpx.AsyncClient
) -> None:
    async def whose(phone: str) -> list[str]:
        return [one["customer_id"] for one in (await segments.get("/v1/profiles", identifier=f"phone:{phone}"))["data"]]

    await says(shopper, "identify", traits={"phone": "+8613800138000"})
    assert await whose("+8613800138000") == ["c2"]
    await segments.identify("c1", phone="+8613800138000")
    assert await whose("+8613800138000") == ["c1"]
    await says(shopper, "identify", traits={"phone": "+8613800138000"})
    await segments.identify("c3", phone="+8613800138000")
    assert await whose("+8613800138000") == ["c1"], "nobody takes it from whom the merchant said first"


async def test_services_that_hear_of_it_know_who_told(segments: Segments, shopper: httpx.AsyncClient) -> None:
    await says(shopper, "track", event="Product Viewed")
    await segments.track("c1", "Product Viewed")
    told = [event for pack in await segments.messages("events.tracked") for event in pack["events"]]
    assert {(one["customer_id"], one["vouched"]) for one in told} == {("c2", False), ("c1", True)}


async def test_no_batch_of_a_shopper_costs_seconds(segments: Segments, shopper: httpx.AsyncClient) -> None:
    def calls(count: int, **more: Any) -> list[Any]:
        return [{"type": "track", "userId": "c2", "event": "E", **more} for _ in range(count)]

    traits = {f"t{number}": 1 for number in range(251)}
    told = [
        (calls(1_000), 200, None),
        (calls(1_001), 400, "too_many_items"),
        ([0] * 240_000, 400, "too_many_items"),
        ([{"type": "identify", "userId": "c2", "traits": traits}] * 20, 400, "too_many_traits"),
    ]
    for batch, status, code in told:
        answer = await shopper.post("/v1/batch", json={"batch": batch})
        assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert (await segments.get("/v1/tracking-rejects"))["data"] == []
    await segments.post("/v1/batch", {"batch": calls(1_001)})
    refused = await segments.http.post("/v1/batch", json={"batch": [0] * 240_000})
    assert (refused.status_code, refused.json()["code"]) == (400, "too_many_items")


async def test_a_gzip_body_of_countless_members_is_refused_at_once(segments: Segments) -> None:
    body = gzip.compress(b"") * 45_000
    refused = await segments.http.post("/v1/track", content=body, headers={"content-encoding": "gzip"})
    assert (refused.status_code, refused.json()["code"]) == (400, "broken_gzip")
    few = b"".join(gzip.compress(part) for part in (b'{"userId":"c1",', b'"event":"E"}'))
    assert (await segments.http.post("/v1/track", content=few)).status_code == 200
