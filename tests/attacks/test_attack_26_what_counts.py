"""Attack 26: nothing is free. HEAD, OPTIONS, 404 and 405 count, and a call that carries many things counts for as many."""

import pytest
from kit.gateway import Suite

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

HOME = "198.51.100.7"


def left(answer: object) -> int:
    header: str = answer.headers["ratelimit"]  # type: ignore[attr-defined]
    return int(header.split(";r=")[1].split(";")[0])


async def test_attack_26_head_options_404_405_and_403_count_for_the_key(door: Suite) -> None:
    key = await door.key(
        kind="restricted", scopes=["coupon:templates:read"], limits={"requests": 7, "window_seconds": 3600}
    )
    client = door.client(key)
    answers = [
        await client.head("/v1/coupon-templates"),
        await client.options("/v1/coupon-templates"),
        await client.get("/v1/nothing"),
        await client.delete("/v1/coupon-templates"),
        await client.get("/v1/coupons"),
        await client.get("/v1//coupons"),
        await client.get("/healthz"),
    ]
    assert [answer.status_code for answer in answers] == [200, 405, 404, 405, 403, 400, 200]
    assert [left(answer) for answer in answers] == [6, 5, 4, 3, 2, 1, 0]
    for method in ("GET", "HEAD", "OPTIONS", "DELETE"):
        assert (await client.request(method, "/v1/coupon-templates")).status_code == 429, method
        assert (await client.request(method, "/v1/nothing")).status_code == 429, method
    assert (await door.client(None).get("/v1/nothing")).status_code == 404, "strangers are counted elsewhere"


async def test_attack_26_strangers_are_counted_by_address_and_valid_keys_are_not_among_them(door: Suite) -> None:
    key = await door.key(kind="restricted", scopes=["coupon:templates:read"])
    asking = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    rates = door.gateway.limits.rates
    stranger = door.client(None, HOME)

    async def ways() -> list[int]:
        return [
            (await stranger.get("/v1/nothing")).status_code,
            (await stranger.head("/v1/coupon-templates")).status_code,
            (await stranger.delete("/v1/coupon-templates")).status_code,
            (await stranger.options("/v1/track", headers=asking)).status_code,
            (await stranger.get("/readyz")).status_code,
            (await stranger.get("/v1/coupons//")).status_code,
            (await stranger.get("/", headers={f"x-{n}": "y" for n in range(120)})).status_code,
            (await stranger.post("/v1/track", content=b"{}")).status_code,
        ]

    assert await ways() == [404, 401, 405, 204, 200, 400, 431, 401]
    rates.charge_anonymous(HOME, 24_000)
    assert await ways() == [429] * 8
    refused = await stranger.get("/readyz")
    assert refused.json()["violated-policies"] == ["anonymous"]
    assert int(refused.headers["retry-after"]) >= 1
    readable = await stranger.post("/v1/track", content=b"{}", headers=asking)
    assert readable.headers["access-control-allow-origin"] == "*", "a page must be able to read its 429"
    for path in ("/v1/coupon-templates", "/readyz"):
        assert (await door.client(key, HOME).get(path)).status_code == 200
    assert (await door.client(None, "198.51.100.8").get("/readyz")).status_code == 200


async def test_attack_26_a_batch_counts_for_each_of_its_items(door: Suite) -> None:
    key = await door.key(
        kind="restricted", scopes=["segments:events:write"], limits={"requests": 250, "window_seconds": 3600}
    )
    item = {"type": "track", "event": "Product Viewed", "userId": "c1"}
    client = door.client(key)
    answers = [await client.post("/v1/batch", json={"batch": [item] * 100}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [left(answer) for answer in answers] == [150, 50, 0, 0]
    assert not any("x-quanyu-cost" in answer.headers for answer in answers)
    assert int(answers[3].headers["retry-after"]) == pytest.approx(50 * 3600 / 250, abs=20), "the debt is to be paid"


async def test_attack_26_what_an_import_carries_counts_too(door: Suite) -> None:
    key = await door.key(
        kind="restricted", scopes=["segments:imports:write"], limits={"requests": 100, "window_seconds": 60}
    )
    orders = [{"order_id": f"o{n}", "customer_id": "c1", "ordered_at": "2026-01-01T00:00:00Z"} for n in range(40)]
    answer = await door.client(key).post("/v1/imports/orders", json={"source": "till", "orders": orders})
    assert (answer.status_code, left(answer)) == (200, 60)


async def test_attack_26_head_is_answered_wherever_get_is(door: Suite) -> None:
    client = door.client()
    paths = ("/", "/docs", "/docs/static/landing.css", "/openapi.json", "/healthz", "/readyz", "/metrics")
    for path in (*paths, "/v1/keys", "/v1/coupon-templates", "/v1/segments", "/v1/coupons/cpn_none", "/v1/nothing"):
        got, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        for name in ("content-type", "cache-control", "etag", "content-length"):
            if name != "content-length" or path not in ("/metrics", "/openapi.json"):  # which change meanwhile
                assert head.headers.get(name) == got.headers.get(name), (path, name)
    assert (await door.client(None).head("/v1/keys")).status_code == 401
    assert (await client.head("/v1/track")).status_code == 405
