"""Attack 14: the publishable key, which is in every visitor's hands, is turned against the merchant.

It sees of offers what the claim centre shows, of stock whether there is any, and what it sends touches nobody else's calls.
"""

from typing import Any

import httpx
import pytest
from kit.gateway import Suite

from gateway.keys.rules import PUBLISHABLE_SCOPES

OFFER = {"name": "满减", "benefit": {"kind": "amount_off", "amount": 1000}}


@pytest.fixture
async def visitor(door: Suite) -> httpx.AsyncClient:
    return door.client(await door.key(kind="publishable", scopes=sorted(PUBLISHABLE_SCOPES)))


@pytest.fixture
def merchant(door: Suite) -> httpx.AsyncClient:
    return door.client()


async def made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_reads_no_hidden_offer_and_no_budget(merchant: httpx.AsyncClient, visitor: httpx.AsyncClient) -> None:
    limits = {"total": 77_777, "budget": 88_888_000}
    shown = await made(merchant, "/v1/coupon-templates", {**OFFER, "limits": limits})
    paused = await made(merchant, "/v1/coupon-templates", {**OFFER, "name": "双十二", "status": "paused"})
    private = await made(merchant, "/v1/coupon-templates", {**OFFER, "visible_in_centre": False})
    listed = await visitor.get("/v1/coupon-templates")
    assert [one["id"] for one in listed.json()["data"]] == [shown["id"]]
    assert "77777" not in listed.text
    assert "88888" not in listed.text
    assert "issued" not in listed.text
    assert (await visitor.get("/v1/coupon-templates?status=paused")).json()["data"] == []
    statuses = [
        (await visitor.get(f"/v1/coupon-templates/{one['id']}")).status_code for one in (shown, paused, private)
    ]
    assert statuses == [200, 404, 404]
    assert (await merchant.get(f"/v1/coupon-templates/{paused['id']}")).json()["limits"]["total"] is None


async def test_it_learns_neither_how_much_stock_there_is_nor_where(
    merchant: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    for place in ("w1", "w2"):
        await made(merchant, "/v1/locations", {"id": place, "name": place, "kind": "warehouse"})
    lines = [{"sku": "s1", "location_id": place, "change": 321} for place in ("w1", "w2")]
    await made(merchant, "/v1/stock/adjustments", {"lines": lines, "reason": "received"})
    (seen,) = (await visitor.get("/v1/availability?sku=s1")).json()["data"]
    assert seen == {"sku": "s1", "in_stock": True, "available": 10, "locations": []}
    (exact,) = (await merchant.get("/v1/availability?sku=s1")).json()["data"]
    assert (exact["available"], len(exact["locations"])) == (642, 2)
    many = await visitor.get("/v1/availability", params={"sku": [f"s{n}" for n in range(100)]})
    assert many.status_code == 422


async def test_it_has_nothing_that_costs_seconds(visitor: httpx.AsyncClient) -> None:
    cart = {"customer_id": "c1", "lines": [{"line_id": "1", "sku": "s1", "quantity": 1, "unit_price": 10_000}]}
    preview = await visitor.post("/v1/quotes/preview", json={**cart, "drafts": [{**OFFER, "ref": "a"}]})
    assert (preview.status_code, preview.json()["scope"]) == (403, "coupon:quotes:write")


async def test_it_spoils_no_idempotency_key_of_the_merchants(
    merchant: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    key = {"Idempotency-Key": "order-1001"}
    spoilt = {"userId": "c1", "event": "Nothing"}
    true = {"userId": "c1", "event": "Order Completed", "properties": {"order_id": "1001", "total": 5}}
    assert (await visitor.post("/v1/track", json=spoilt, headers=key)).status_code == 200
    answer = await merchant.post("/v1/track", json=true, headers=key)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False), answer.text
    told = (await merchant.get("/v1/profiles/c1/timeline")).json()["data"]
    assert [one["event"] for one in told if one["event"] != "Nothing"] == ["Order Completed"]
    replay = await visitor.post("/v1/track", json=true, headers=key)
    assert (replay.status_code, replay.json()["code"]) == (422, "idempotency_key_reused"), "nor reads its answers"
