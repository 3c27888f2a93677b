"""Attack 14, events: whoever visits the shop sends what they like, under the ids that the merchant's own events will have."""

from typing import Any

import httpx
import pytest
from kit.gateway import Suite


@pytest.fixture
async def visitor(door: Suite) -> httpx.AsyncClient:
    return door.client(await door.key(kind="publishable"))


@pytest.fixture
def merchant(door: Suite) -> httpx.AsyncClient:
    return door.client()


async def sent(client: httpx.AsyncClient, path: str, **body: Any) -> None:
    answer = await client.post(f"/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text


async def told(client: httpx.AsyncClient, customer_id: str) -> list[tuple[str, Any]]:
    entries = (await client.get(f"/v1/profiles/{customer_id}/timeline")).json()["data"]
    return [(one["event"], one["properties"].get("total")) for one in entries if one["type"] == "track"]


async def test_a_message_id_used_before_does_not_lose_the_merchants_event(
    merchant: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    await sent(visitor, "track", userId="mallory", event="Nothing", messageId="order-1001-paid")
    await sent(merchant, "track", userId="c1", event="Order Paid", messageId="order-1001-paid")
    assert await told(merchant, "c1") == [("Order Paid", None)]


async def test_an_order_told_before_does_not_change_the_merchants_order(
    merchant: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    fake = {"event": "Order Completed", "properties": {"order_id": "1001", "total": 0.01}}
    await sent(visitor, "batch", batch=[{"type": "track", "userId": "mallory", **fake}])
    true = {"event": "Order Completed", "properties": {"order_id": "1001", "total": 300}}
    await sent(merchant, "track", userId="c1", **true)
    assert await told(merchant, "c1") == [("Order Completed", 30_000)]
    assert await told(merchant, "mallory") == []


async def test_nobodys_phone_is_changed(merchant: httpx.AsyncClient, visitor: httpx.AsyncClient) -> None:
    await sent(merchant, "identify", userId="c1", traits={"phone": "+8613800138000"})
    await sent(visitor, "identify", userId="c1", traits={"phone": "+8613900139000", "tier": "gold"})
    await sent(visitor, "identify", userId="mallory", traits={"phone": "+8613800138000"})
    known = (await merchant.get("/v1/profiles/c1")).json()
    assert known["traits"]["phone"] == "+8613800138000"
    found = (await merchant.get("/v1/profiles", params={"identifier": "phone:+8613800138000"})).json()["data"]
    assert [one["customer_id"] for one in found] == ["c1"]


async def test_it_reads_nothing_of_anybody(visitor: httpx.AsyncClient) -> None:
    for path in ("/v1/profiles", "/v1/profiles/c1", "/v1/profiles/c1/timeline", "/v1/tracking-rejects", "/v1/segments"):
        assert (await visitor.get(path)).status_code == 403, path
