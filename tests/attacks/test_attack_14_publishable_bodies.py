"""Attack 14, bodies: what a visitor's key sends is small and well-formed, and made to cost or to break what reads it later."""

import json
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


def nested(levels: int) -> Any:
    return json.loads('{"a":' * levels + "1" + "}" * levels)


async def test_nothing_is_nested_so_deeply_that_nobody_can_read_it(
    merchant: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    call = {"type": "track", "userId": "c1", "event": "Fine"}
    assert (await visitor.post("/v1/track", json=call)).status_code == 200
    assert (await visitor.post("/v1/track", json=call | {"properties": nested(30)})).status_code == 200
    for levels in (32, 150, 250, 900):
        deep = call | {"event": "Deep", "properties": nested(levels)}
        for path in ("track", "t"):
            refused = await visitor.post(f"/v1/{path}", json=deep)
            assert (refused.status_code, refused.json()["code"]) == (400, "nested_too_deeply"), levels
        traits = call | {"type": "identify", "traits": nested(levels)}
        assert (await visitor.post("/v1/identify", json=traits)).status_code == 400
        large = {
            "batch": [deep, call, call | {"properties": {"p": "x" * 31_000}}, call | {"properties": {"p": "x" * 9_000}}]
        }
        assert (await visitor.post("/v1/batch", json=large)).status_code == 200
        shared = await visitor.post("/v1/batch", json={"batch": [call], "context": nested(levels + 1)})
        assert (shared.status_code, shared.json()["code"]) == (400, "nested_too_deeply")
    rejects = (await merchant.get("/v1/tracking-rejects")).json()["data"]
    assert [one["code"] for one in rejects] == ["nested_too_deeply"] * 4
    timeline = await merchant.get("/v1/profiles/c1/timeline", params={"limit": 100})
    assert {one["event"] for one in timeline.json()["data"]} == {"Fine"}
    orders = [{"order_id": "1", "customer_id": "c1", "ordered_at": "2026-01-01T00:00:00Z", "traits": nested(150)}]
    imported = await merchant.post("/v1/imports/orders", json={"source": "s", "orders": orders})
    assert imported.json()["results"][0]["code"] == "nested_too_deeply"


async def test_a_shared_context_is_not_multiplied(merchant: httpx.AsyncClient, visitor: httpx.AsyncClient) -> None:
    call = {"type": "track", "userId": "c1", "event": "E"}
    for client in (visitor, merchant):
        body = {"batch": [call] * 1_000, "context": {"x": "y" * 100_000}}
        refused = await client.post("/v1/batch", json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "batch_too_large")
    usual = {"batch": [call] * 100, "context": {"library": {"name": "x" * 1_000}}}
    assert (await visitor.post("/v1/batch", json=usual)).status_code == 200
