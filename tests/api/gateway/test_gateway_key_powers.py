"""What a key may do: never more than its maker, and only for its owner, its shop and its addresses."""

from datetime import timedelta
from typing import Any

from api.gateway.keykit import THING, status_of
from kit.gateway import Suite

from shared.clock import ManualClock


async def test_a_publishable_key_gets_the_tracking_scope(suite: Suite) -> None:
    made = (await suite.client().post("/v1/keys", json={"name": "app", "kind": "publishable"})).json()
    assert made["scopes"] == ["segments:events:write"]
    assert made["key"].startswith("qy_live_pk_")
    assert (await suite.client(made["key"]).get("/v1/things/1")).status_code == 403
    assert (await suite.client(made["key"]).post("/v1/track", json={})).status_code == 200


async def test_nobody_hands_out_or_takes_over_more_than_they_hold(suite: Suite, clock: ManualClock) -> None:
    end = (clock.now() + timedelta(days=1)).isoformat()
    mine = await suite.key(kind="restricted", scopes=["gateway:keys:*", "coupon:*:read"], expires_at=end)
    client = suite.client(mine)

    async def code(body: dict[str, Any]) -> Any:
        answer = await client.post("/v1/keys", json={"name": "x", "expires_at": end, **body})
        return answer.json().get("code", answer.status_code)

    assert await code({"scopes": ["coupon:things:read"]}) == 201
    assert await code({"scopes": ["coupon:things:write"]}) == "scope_exceeds_own"
    assert await code({"scopes": ["coupon:*:*"]}) == "scope_exceeds_own"
    assert await code({"scopes": ["*"]}) == "scope_exceeds_own"
    assert await code({"kind": "secret", "scopes": ["coupon:things:read"]}) == "kind_not_allowed"
    assert await code({"kind": "partner", "scopes": ["coupon:things:read"]}) == "kind_not_allowed"
    later = (clock.now() + timedelta(days=2)).isoformat()
    assert await code({"scopes": ["coupon:things:read"], "expires_at": later}) == "outlives_its_maker"
    assert (await client.post("/v1/keys/key_admin/rotate")).json()["code"] == "scope_exceeds_own"
    assert (await client.delete("/v1/keys/key_admin")).json()["code"] == "scope_exceeds_own"
    assert (await suite.client().delete("/v1/keys/key_admin")).json()["code"] == "own_key"


async def test_a_partner_sees_only_its_own_keys(suite: Suite) -> None:
    scopes = ["gateway:keys:*", "coupon:things:read"]
    first = (await suite.client().post("/v1/keys", json={"name": "p1", "kind": "partner", "scopes": scopes})).json()
    second = (await suite.client().post("/v1/keys", json={"name": "p2", "kind": "partner", "scopes": scopes})).json()
    assert first["owner_id"] != second["owner_id"]
    client = suite.client(first["key"])
    assert [one["id"] for one in (await client.get("/v1/keys")).json()["data"]] == [first["id"]]
    foreign = await client.get(f"/v1/keys/{second['id']}")
    random = await client.get("/v1/keys/key_01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert (foreign.status_code, foreign.json()["detail"]) == (404, random.json()["detail"])
    assert (await client.delete(f"/v1/keys/{second['id']}")).status_code == 404
    assert (await client.post(f"/v1/keys/{second['id']}/rotate")).status_code == 404


async def test_a_key_bound_to_addresses_works_only_there(suite: Suite) -> None:
    key = await suite.key(**THING, allowed_ips=["203.0.113.0/24", "2001:db8::/32"])
    assert await status_of(suite, key, "203.0.113.9") == 200
    assert await status_of(suite, key, "2001:db8::1") == 200
    assert await status_of(suite, key, "::ffff:203.0.113.9") == 200
    assert await status_of(suite, key, "198.51.100.7") == 401
    forged = await suite.client(key).get("/v1/things/1", headers={"X-Forwarded-For": "203.0.113.9"})
    assert forged.status_code == 401


async def test_a_staff_key_works_for_one_shop_and_stays_there(suite: Suite) -> None:
    staff = {"kind": "restricted", "scopes": ["gateway:keys:*", "coupon:things:*"], "shop_id": "shopA"}
    made = (await suite.client().post("/v1/keys", json={"name": "店员", **staff})).json()
    assert made["shop_id"] == "shopA"
    await suite.client(made["key"]).get("/v1/things/1", headers={"x-quanyu-shop-id": "shopB"})
    assert suite.parts["coupon"].seen[-1]["caller"].shop_id == "shopA"
    rotated = (await suite.client().post(f"/v1/keys/{made['id']}/rotate")).json()
    assert rotated["shop_id"] == "shopA"
    own = suite.client(rotated["key"])
    for shop in ({}, {"shop_id": "shopB"}):
        answer = await own.post("/v1/keys", json={"name": "x", **THING, **shop})
        assert (answer.status_code, answer.json()["code"]) == (403, "shop_not_allowed")
    assert (await own.post("/v1/keys", json={"name": "x", **THING, "shop_id": "shopA"})).status_code == 201
    other = (await suite.client().post("/v1/keys", json={"name": "y", **THING, "shop_id": "shopB"})).json()
    assert (await own.post(f"/v1/keys/{other['id']}/rotate")).json()["code"] == "shop_not_allowed"
    publishable = await suite.client().post("/v1/keys", json={"name": "z", "kind": "publishable", "shop_id": "shopA"})
    assert publishable.json()["errors"][0]["pointer"] == "#/shop_id"


async def test_a_partner_gets_a_second_key_from_the_merchant_alone(suite: Suite) -> None:
    scopes = ["gateway:keys:*", "gateway:sources:read", "coupon:things:read"]
    first = (await suite.client().post("/v1/keys", json={"name": "p1", "kind": "partner", "scopes": scopes})).json()
    other = (await suite.client().post("/v1/keys", json={"name": "p2", "kind": "partner", "scopes": scopes})).json()
    owner = first["owner_id"]

    async def second(key: str | None, **wanted: Any) -> tuple[int, Any, dict[str, Any]]:
        body = {"name": "p1b", "kind": "partner", "scopes": ["gateway:keys:read"], "owner_id": owner, **wanted}
        answer = await (suite.client(key) if key else suite.client()).post("/v1/keys", json=body)
        found: dict[str, Any] = answer.json()
        pointer = found["errors"][0]["pointer"] if "errors" in found else None
        return answer.status_code, found.get("code") if pointer is None else pointer, found

    status, _, made = await second(None)
    assert (status, made["owner_id"], made["kind"]) == (201, owner, "partner")
    assert (await second(None, kind="restricted"))[0] == 201
    assert (await second(first["key"], kind="restricted"))[0] == 201, "it may name itself"
    assert (await second(other["key"], kind="restricted"))[:2] == (403, "owner_not_allowed")
    assert (await second(None, kind="secret"))[:2] == (422, "#/kind")
    assert (await second(None, owner_id="own_01ARZ3NDEKTSV4RRFFQ69G5FAV"))[:2] == (422, "#/owner_id")
    assert (await second(None, owner_id=7))[:2] == (422, "#/owner_id")
    listed = (await suite.client(made["key"]).get("/v1/keys")).json()["data"]
    assert {one["owner_id"] for one in listed} == {owner}
    assert len(listed) == 4
    filtered = (await suite.client().get("/v1/keys", params={"owner_id": owner, "kind": "partner"})).json()["data"]
    assert [one["id"] for one in filtered] == [made["id"], first["id"]]
    foreign = await suite.client(made["key"]).get("/v1/keys", params={"owner_id": other["owner_id"]})
    assert foreign.json()["data"] == []
