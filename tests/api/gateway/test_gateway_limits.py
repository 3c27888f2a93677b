"""Limits of keys and addresses at the door, with Redis, without it, and behind proxies."""

from typing import Any

import pytest
from api.gateway.keykit import THING
from kit.servers import REDIS_URL, require

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # see test_gateway_proxy.py


@pytest.mark.parametrize("shared", [False, True])
async def test_a_keys_limit_spans_its_routes_and_says_what_is_left(run_gateway: Any, shared: bool, clock: Any) -> None:
    if shared:
        require("redis")
    suite = await run_gateway(redis_url=REDIS_URL if shared else None)
    key = await suite.key(**THING, limits={"requests": 3, "window_seconds": 3600})
    client = suite.client(key)
    answers = [
        await client.get("/v1/things/1"),
        await client.post("/v1/things", json={}),
        await client.get("/v1/things/2"),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0"]
    refused = await client.get("/v1/things/3")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.json()["violated-policies"] == ["key"]
    assert 1195 <= int(refused.headers["retry-after"]) <= 1200
    assert refused.headers["ratelimit-policy"] == '"key";q=3;w=3600'
    assert len(suite.parts["coupon"].seen) == 3
    if not shared:
        clock.advance(seconds=1200)
        assert (await client.get("/v1/things/3")).status_code == 200


async def test_redis_away_means_limited_locally_and_never_an_error(run_gateway: Any) -> None:
    suite = await run_gateway(redis_url="redis://127.0.0.1:1/0")
    key = await suite.key(**THING, limits={"requests": 2, "window_seconds": 60})
    codes = [(await suite.client(key).get("/v1/things/1")).status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]


async def test_an_address_with_a_publishable_key_has_a_limit_of_its_own(run_gateway: Any) -> None:
    suite = await run_gateway(requests_per_minute_address=2)
    key = await suite.key(kind="publishable")

    async def codes(address: str) -> list[int]:
        return [(await suite.client(key, address).post("/v1/track", json={})).status_code for _ in range(3)]

    assert await codes("203.0.113.1") == [200, 200, 429]
    assert await codes("203.0.113.2") == [200, 200, 429]
    assert await codes("2001:db8::1") == [200, 200, 429]
    assert await codes("2001:db8::2") == [429] * 3, "one /64 is one bucket"
    assert await codes("2001:db8:0:1::2") == [200, 200, 429]


async def test_a_forged_forwarded_for_changes_no_bucket_but_a_trusted_proxy_is_believed(run_gateway: Any) -> None:
    suite = await run_gateway(requests_per_minute_address=1, trusted_proxies=("10.0.0.0/8",))
    key = await suite.key(kind="publishable")

    async def code(address: str, forwarded: str) -> int:
        headers = {"x-forwarded-for": forwarded}
        answer = await suite.client(key, address).post("/v1/track", json={}, headers=headers)
        return int(answer.status_code)

    assert [await code("203.0.113.1", f"1.2.3.{n}") for n in range(2)] == [200, 429]
    assert [await code("10.0.0.1", f"9.9.9.{n}, 198.51.100.1") for n in range(2)] == [200, 429]
    assert [await code("10.0.0.1", f"9.9.9.{n}, 198.51.100.2, 10.0.0.2") for n in range(2)] == [200, 429]
    assert suite.parts["segments"].seen[-1]["headers"][-1] == ("x-forwarded-for", "198.51.100.2")
