"""Limits of a key: bursts, days, routes, addresses; which of them hold for what was made with it; what is refused."""

from typing import Any

import pytest
from api.gateway.keykit import THING, made_with, rotated
from kit.gateway import Suite
from kit.servers import REDIS_URL, require

from gateway.policy import Bucket
from shared.web import Caller, TooManyRequests

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # see test_gateway_proxy.py
BOTH = pytest.mark.parametrize("shared", [False, True])


async def started(run_gateway: Any, shared: bool, **settings: Any) -> Suite:
    if shared:
        require("redis")
    made: Suite = await run_gateway(redis_url=REDIS_URL if shared else None, **settings)
    return made


async def calls(suite: Suite, key: str, number: int, path: str = "/v1/things/1", address: str = "198.51.100.7") -> int:
    """How many of so many calls pass."""
    client = suite.client(key, address)
    codes = [(await client.get(path)).status_code for _ in range(number)]
    assert set(codes) <= {200, 429}
    return codes.count(200)


@BOTH
async def test_all_limits_hold_at_once_and_each_is_told(run_gateway: Any, shared: bool) -> None:
    suite = await started(run_gateway, shared)
    limits = {"requests": 600, "window_seconds": 86400, "burst": 3, "daily": 5, "monthly": 9}
    key = await suite.key(**THING, limits={**limits, "routes": [{"route": "GET /v1/things/{thing_id}", "requests": 2}]})
    client = suite.client(key)
    told = await client.get("/v1/things/1")
    assert told.headers["ratelimit-policy"] == (
        '"route";q=2;w=60, "key";q=600;w=86400, "daily";q=5;w=86400, "monthly";q=9;w=2592000'
    )
    assert [part.split(";")[1] for part in told.headers["ratelimit"].split(", ")] == ["r=1", "r=2", "r=4", "r=8"]
    assert (await client.get("/v1/things/1")).status_code == 200
    refused = await client.get("/v1/things/1")
    assert refused.json()["violated-policies"] == ["route"]
    assert "at most 2 in 60 seconds" in refused.json()["detail"]
    assert (await client.post("/v1/things", json={})).headers["ratelimit"].startswith('"key";r=0;'), "others have room"
    refused = await client.post("/v1/things", json={})
    assert refused.json()["violated-policies"] == ["key"]
    assert ", 3 at once" in refused.json()["detail"]


@BOTH
async def test_routes_are_named_by_path_by_operation_or_by_scope(run_gateway: Any, shared: bool) -> None:
    suite = await started(run_gateway, shared)
    named = [
        {"route": "/v1/things/{thing_id}", "requests": 3, "window_seconds": 3600},
        {"route": "coupon:*:write", "daily": 1},
    ]
    made = await made_with(suite, None, **THING, limits={"routes": named})
    key = made["key"]
    assert await calls(suite, key, 5, "/v1/things/1") == 3
    client = suite.client(key)
    assert (await client.post("/v1/things", json={})).status_code == 200
    assert (await client.post("/v1/things", json={})).json()["violated-policies"] == ["route-daily"]
    new = await rotated(suite, made)
    assert await calls(suite, new["key"], 2, "/v1/things/2") == 0, "rotation resets none of them"


@BOTH
async def test_children_make_no_room_in_any_of_their_makers_limits(run_gateway: Any, shared: bool) -> None:
    suite = await started(run_gateway, shared)
    scopes = ["gateway:keys:*", "coupon:things:*"]
    limits = {"daily": 7, "routes": [{"route": "coupon:things:read", "requests": 2, "window_seconds": 3600}]}
    mother = await made_with(suite, None, kind="partner", scopes=scopes, limits=limits)
    children = [await made_with(suite, mother, **THING, limits={"daily": 50}) for _ in range(2)]
    assert [await calls(suite, one["key"], 2) for one in children] == [2, 0]
    assert await calls(suite, mother["key"], 1) == 0
    codes = [(await suite.client(one["key"]).post("/v1/things", json={})).status_code for one in children * 3]
    assert codes == [200, 200, 200, 429, 429, 429], "two were spent on making keys, two on reading"


@BOTH
async def test_each_address_has_its_own_of_a_keys_limit_for_addresses(run_gateway: Any, shared: bool) -> None:
    suite = await started(run_gateway, shared)
    key = await suite.key(**THING, limits={"per_address": {"requests": 2, "window_seconds": 3600}})
    assert [await calls(suite, key, 3, address=f"203.0.113.{n}") for n in (1, 2)] == [2, 2]
    assert [await calls(suite, key, 3, address=one) for one in ("2001:db8::1", "2001:db8::2")] == [2, 0], "one /64"
    refused = await suite.client(key, "203.0.113.1").get("/v1/things/1")
    assert refused.json()["violated-policies"] == ["key-address"]


async def test_a_customers_token_is_limited_by_customer(run_gateway: Any) -> None:
    suite = await run_gateway(requests_per_minute_customer=2)
    rates, buckets = suite.gateway.limits.rates, [Bucket("key_1", "publishable")]

    def token(customer: str) -> Caller:
        return Caller("key_1", "own_merchant", "publishable", (), customer_id=customer)

    for address in ("203.0.113.1", "203.0.113.2"):
        await rates.count(token("c1"), buckets, address)
    with pytest.raises(TooManyRequests) as refused:
        await rates.count(token("c1"), buckets, "203.0.113.3")
    assert refused.value.members["violated-policies"] == ["customer"]
    assert dict(await rates.count(token("c2"), buckets, "203.0.113.3"))[b"ratelimit"].startswith(b'"customer";r=1;')


@pytest.mark.parametrize(
    ("limits", "pointer", "word"),
    [
        ({}, "#/limits", "leave limits out"),
        ({"burst": 5}, "#/limits", "give it too"),
        ({"window_seconds": 5}, "#/limits", "give it too"),
        ({"requests": 1, "burst": 10**8}, "#/limits", "31 days"),
        ({"daily": 0}, "#/limits/daily", ""),
        ({"requests": True}, "#/limits/requests", ""),
        ({"per_day": 5}, "#/limits/per_day", ""),
        ({"per_address": {}}, "#/limits/per_address/requests", ""),
        ({"routes": [{"route": "/v1/things"}]}, "#/limits/routes/0", "daily or monthly"),
        ({"routes": [{"route": "GET /v1/thigns/{thing_id}", "daily": 1}]}, "#/limits/routes/0/route", "/v1/things/{"),
        ({"routes": [{"route": "coupon:nothing:read", "daily": 1}]}, "#/limits/routes/0/route", "names no operation"),
        ({"routes": [{"route": "/v1/things", "daily": n} for n in (1, 2)]}, "#/limits/routes/1/route", "into one"),
    ],
)
async def test_limits_that_make_no_sense_are_refused_when_saved(
    suite: Suite, limits: dict[str, Any], pointer: str, word: str
) -> None:
    answer = await suite.client().post("/v1/keys", json={"name": "test", **THING, "limits": limits})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert word in error["detail"]


async def test_limits_are_shown_as_they_were_given(suite: Suite) -> None:
    given: dict[str, Any] = {"requests": 5, "daily": 9, "routes": [{"route": "/v1/things", "requests": 1, "burst": 1}]}
    made = await made_with(suite, None, **THING, limits=given)
    shown = (await suite.client().get(f"/v1/keys/{made['id']}")).json()["limits"]
    routes = [{"route": "/v1/things", "requests": 1, "window_seconds": 60, "burst": 1}]
    assert shown == {"requests": 5, "window_seconds": 60, "daily": 9, "routes": routes}
