"""Bad input is a problem document that points at the field; never a 500, and nothing changes."""

from typing import Any

import pytest
from api.inventory.shopkit import Shop

RESERVATION: dict[str, Any] = {"order_id": "o", "channel": "app", "lines": [{"sku": "a", "quantity": 1}]}
ADJUSTMENT: dict[str, Any] = {"lines": [{"sku": "a", "location_id": "w1", "change": 1}], "reason": "received"}
COUNT: dict[str, Any] = {"sku": "a", "location_id": "w1", "counted": 1, "expected_version": 0}
SAFETY: dict[str, Any] = {"sku": "a", "location_id": "w1", "safety": 1}
PLACE: dict[str, Any] = {"id": "x", "name": "x", "kind": "warehouse"}

BAD: list[tuple[str, str, dict[str, Any], str]] = [
    *(
        ("POST", "/v1/reservations", RESERVATION | {"lines": [{"sku": "a", "quantity": wrong}]}, "#/lines/0/quantity")
        for wrong in (0, -1, 1.5, "1", True, None, 10**9 + 1, 2**63, 10**30)
    ),
    ("POST", "/v1/reservations", RESERVATION | {"lines": []}, "#/lines"),
    ("POST", "/v1/reservations", RESERVATION | {"lines": {}}, "#/lines"),
    ("POST", "/v1/reservations", RESERVATION | {"lines": RESERVATION["lines"] * 201}, "#/lines"),
    ("POST", "/v1/reservations", RESERVATION | {"order_id": ""}, "#/order_id"),
    ("POST", "/v1/reservations", RESERVATION | {"order_id": "x" * 201}, "#/order_id"),
    ("POST", "/v1/reservations", RESERVATION | {"order_id": "a\x00b"}, "#/order_id"),
    ("POST", "/v1/reservations", RESERVATION | {"channel": "x" * 41}, "#/channel"),
    ("POST", "/v1/reservations", RESERVATION | {"held": 5}, "#/held"),
    (
        "POST",
        "/v1/reservations",
        RESERVATION | {"lines": [*RESERVATION["lines"], {"sku": "a", "quantity": 1, "location_id": "w9"}]},
        "#/lines/1/location_id",
    ),
    ("POST", "/v1/reservations", RESERVATION | {"lines": [{"sku": "a\x00", "quantity": 1}]}, "#/lines/0/sku"),
    *(
        (
            "POST",
            "/v1/stock/adjustments",
            ADJUSTMENT | {"lines": [ADJUSTMENT["lines"][0] | {"change": wrong}]},
            "#/lines/0/change",
        )
        for wrong in (0, 0.5, "1", False, None, 10**9 + 1, -(10**9) - 1, 2**63, -(2**63) - 1)
    ),
    ("POST", "/v1/stock/adjustments", ADJUSTMENT | {"reason": "because"}, "#/reason"),
    ("POST", "/v1/stock/adjustments", ADJUSTMENT | {"reference": "r" * 201}, "#/reference"),
    ("POST", "/v1/stock/adjustments", ADJUSTMENT | {"reference": "r\x00"}, "#/reference"),
    (
        "POST",
        "/v1/stock/adjustments",
        {"lines": [{"sku": "a", "location_id": "w1", "change": 1, "state": "held"}], "reason": "received"},
        "#/lines/0/state",
    ),
    (
        "POST",
        "/v1/stock/adjustments",
        {"lines": [*ADJUSTMENT["lines"], {"sku": "a", "location_id": "w9", "change": 1}], "reason": "received"},
        "#/lines/1/location_id",
    ),
    ("POST", "/v1/stock/counts", COUNT | {"counted": -1}, "#/counted"),
    ("POST", "/v1/stock/counts", COUNT | {"counted": 2**63}, "#/counted"),
    ("POST", "/v1/stock/counts", COUNT | {"expected_version": 2**63}, "#/expected_version"),
    ("POST", "/v1/stock/counts", COUNT | {"location_id": "w9"}, "#/location_id"),
    ("PUT", "/v1/stock/safety", SAFETY | {"safety": -1}, "#/safety"),
    ("PUT", "/v1/stock/safety", SAFETY | {"low_threshold": -1}, "#/low_threshold"),
    ("PUT", "/v1/stock/safety", SAFETY | {"location_id": "w\x009"}, "#/location_id"),
    ("POST", "/v1/locations", PLACE | {"geo": {"lat": 90.1, "lon": 0}}, "#/geo/lat"),
    ("POST", "/v1/locations", PLACE | {"geo": {"lat": 0, "lon": -181}}, "#/geo/lon"),
    ("POST", "/v1/locations", PLACE | {"geo": {"lat": 0}}, "#/geo/lon"),
    ("POST", "/v1/locations", PLACE | {"kind": "garage"}, "#/kind"),
    ("POST", "/v1/locations", PLACE | {"id": "a/b"}, "#/id"),
    ("POST", "/v1/locations", PLACE | {"id": "仓"}, "#/id"),
    ("POST", "/v1/locations", PLACE | {"name": "\x00"}, "#/name"),
    ("POST", "/v1/locations", PLACE | {"address": "\x00"}, "#/address"),
    ("POST", "/v1/locations", PLACE | {"colour": "red"}, "#/colour"),
    ("PATCH", "/v1/locations/w1", {"name": None}, "#/name"),
    ("PATCH", "/v1/locations/w1", {"id": "w2"}, "#/id"),
]


async def test_every_bad_field_is_pointed_at(shop: Shop) -> None:
    for method, path, body, pointer in BAD:
        answer = await shop.client.request(method, path, json=body)
        assert answer.status_code == 422, (method, path, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], (body, answer.text)
    assert (await shop.client.get("/v1/stock")).json()["data"] == []
    assert (await shop.client.get("/v1/reservations")).json()["data"] == []


@pytest.mark.parametrize("path", ["/v1/reservations", "/v1/stock/adjustments"])
async def test_bodies_that_are_no_json_objects(shop: Shop, path: str) -> None:
    for raw in (b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b'{"order_id": NaN}'):
        answer = await shop.client.post(path, content=raw, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), (raw, answer.text)
        assert answer.json()["code"]


async def test_lone_surrogates_and_nul_in_paths_and_queries(shop: Shop) -> None:
    raw = b'{"order_id":"\\ud800","channel":"app","lines":[{"sku":"a","quantity":1}]}'
    assert (await shop.client.post("/v1/reservations", content=raw)).status_code in (400, 422)
    raw = b'{"lines":[{"sku":"\\ud800","location_id":"w1","change":1}],"reason":"received"}'
    answer = await shop.client.post("/v1/stock/adjustments", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    for path in (
        "/v1/reservations/%00",
        "/v1/locations/a%00b",
        "/v1/stock?sku=%00",
        "/v1/stock/movements?location_id=%00",
        "/v1/availability?sku=%00",
        "/v1/reservations?order_id=%00",
    ):
        answer = await shop.client.get(path)
        assert answer.status_code in (404, 422), (path, answer.text)
    for verb in ("confirm", "release", "extend", "ship"):
        answer = await shop.client.post(f"/v1/reservations/%00/{verb}")
        assert answer.status_code in (404, 422), (verb, answer.text)


async def test_one_unstorable_request_never_fails_its_neighbours(shop: Shop) -> None:
    """A NUL in the path reaches the database only inside a batch with good requests."""
    import asyncio

    await shop.receive("a", 10)
    good = [await shop.held(f"o{n}", ("a", 1)) for n in range(8)]
    answers = await asyncio.gather(
        *(shop.step(reservation, "confirm") for reservation in good),
        shop.client.post("/v1/reservations/%00/confirm"),
        *(shop.step({"id": "rsv_unknown"}, "confirm") for _ in range(3)),
    )
    assert [answer.status_code for answer in answers[:8]] == [200] * 8
    assert answers[8].status_code in (404, 422)
    await shop.prove()


async def test_a_level_cannot_grow_beyond_its_bound(shop: Shop) -> None:
    big = [{"sku": "a", "location_id": "w1", "change": 10**9}] * 500
    statuses = [(await shop.adjust(big)).status_code for _ in range(3)]
    assert statuses == [201, 201, 422]
    await shop.prove()


async def test_a_sum_of_lines_beyond_the_stock_is_short_not_an_error(shop: Shop) -> None:
    refused = await shop.reserve("o", *(("a", 10**9) for _ in range(200)))
    assert (refused.status_code, refused.json()["lines"][0]["requested"]) == (409, 200 * 10**9)


async def test_odd_parameters(shop: Shop) -> None:
    for path in (
        "/v1/availability",
        "/v1/availability?sku=",
        "/v1/availability?sku=a&at=yesterday",
        "/v1/availability?sku=a&at=2026-11-11T02:00:00",
        "/v1/availability?" + "&".join("sku=a" for _ in range(101)),
        "/v1/stock?limit=0",
        "/v1/stock?limit=101",
        "/v1/reservations?status=lost",
        "/v1/locations?kind=garage",
    ):
        answer = await shop.client.get(path)
        assert answer.status_code == 422, (path, answer.text)
    assert (await shop.client.get("/v1/stock?cursor=abc")).status_code == 400


async def test_scopes_are_demanded(shop: Shop) -> None:
    nobody = shop.running.client(scopes=("coupon:*:*",))
    routes = [("GET", path) for path in ("/v1/locations", "/v1/stock", "/v1/stock/movements", "/v1/reservations")]
    routes += [("GET", "/v1/availability?sku=a"), ("GET", "/v1/audit/stock"), ("POST", "/v1/reservations")]
    routes += [
        ("POST", "/v1/reservations/rsv_x/confirm"),
        ("POST", "/v1/stock/adjustments"),
        ("PUT", "/v1/stock/safety"),
    ]
    for method, path in routes:
        answer = await nobody.request(method, path, json=None if method == "GET" else {})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), path
        assert (await shop.running.stranger().request(method, path)).status_code == 401, path
