"""The tracking endpoints: what the SDKs send is accepted, what can't be is answered or buried with a reason."""

import asyncio
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

ORDER = {"event": "Order Completed", "op": "gte", "value": 1}


async def raw(segments: Any, path: str, body: bytes, **headers: str) -> Any:
    return await segments.http.post(
        path, content=body, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


def item(number: int, **extra: Any) -> dict[str, Any]:
    return {"type": "track", "messageId": f"b{number}", "userId": "c1", "event": "Product Viewed", **extra}


async def timeline(segments: Any, who: str = "c1") -> list[dict[str, Any]]:
    page = await segments.get(f"/v1/profiles/{who}/timeline", limit=100)
    data: list[dict[str, Any]] = page["data"]
    return data


@pytest.mark.parametrize("path", ["/v1/track", "/v1/t"])
async def test_a_call_is_stored_whatever_the_content_type(segments: Any, path: str) -> None:
    body = json.dumps({"userId": "c1", "event": "Product Viewed"}).encode()
    for kind in ("application/json", "text/plain;charset=UTF-8"):
        answer = await raw(segments, path, body, content_type=kind)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert [one["event"] for one in await timeline(segments)] == ["Product Viewed"] * 2


async def test_every_kind_of_call_by_its_long_and_short_path(segments: Any) -> None:
    calls = {
        "identify": {"userId": "c1", "traits": {"name": "李"}}, "track": {"userId": "c1", "event": "Product Viewed"},
        "page": {"userId": "c1", "name": "Home"}, "screen": {"userId": "c1", "name": "Home"},
        "group": {"userId": "c1", "groupId": "g1"}, "alias": {"userId": "c1", "previousId": "a1"},
    }  # fmt: skip
    for kind, body in calls.items():
        await segments.post(f"/v1/{kind}", body)
        await segments.post(f"/v1/{kind[0]}", body)
    await segments.post("/v1/b", {"batch": [item(1)]})
    stored = [(one["type"], one["event"]) for one in await timeline(segments)]
    assert len(stored) == 13
    assert ("page", "Page Viewed") in stored
    assert ("screen", "Screen Viewed") in stored


async def test_gzip_is_accepted_and_bounded(segments: Any) -> None:
    body = json.dumps({"batch": [item(1)]}).encode()
    assert (await raw(segments, "/v1/batch", gzip.compress(body), content_encoding="gzip")).status_code == 200
    assert (await raw(segments, "/v1/batch", gzip.compress(body))).status_code == 200
    bomb = gzip.compress(b" " * 50_000_000)
    for bad, code in (
        (gzip.compress(body)[:-9], "broken_gzip"),
        (b"\x1f\x8bnonsense", "broken_gzip"),
        (bomb, "body_too_large"),
        (b"plain", "broken_gzip"),
    ):
        answer = await raw(segments, "/v1/batch", bad, content_encoding="gzip")
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert len(await timeline(segments)) == 1


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/batch", b"{", "malformed_json"),
        ("/v1/batch", b"[]", "malformed_json"),
        ("/v1/batch", b"", "malformed_json"),
        ("/v1/batch", b'{"batch": {}}', "missing_batch"),
        ("/v1/track", b'{"userId": "c1"}', "missing_event"),
        ("/v1/track", b'{"event": "x", "userId": null, "anonymousId": null}', "missing_identity"),
        ("/v1/alias", b'{"userId": "c1"}', "missing_identity"),
        ("/v1/track", b'{"event": "x", "userId": "c1", "properties": 5}', "not_an_object"),
        ("/v1/track", b'{"event": "x", "userId": "c1", "timestamp": "yesterday"}', "invalid_timestamp"),
        ("/v1/track", b'{"event": "x", "userId": "c1", "timestamp": 5}', "invalid_timestamp"),
        ("/v1/track", b'{"event": "x", "userId": "c\\u0000"}', "invalid_id"),
        ("/v1/track", b'{"event": "x", "userId": ["c1"]}', "invalid_id"),
        (
            "/v1/track",
            b'{"event": "x", "userId": "c1", "properties": {"total": 1, "currency": "RMB1"}}',
            "invalid_currency",
        ),
        ("/v1/track", b'{"event": "x", "userId": "c1", "properties": {"total": 1e300}}', "amount_out_of_range"),
        ("/v1/identify", b'{"userId": "c1", "traits": {"a": "' + b"x" * 33_000 + b'"}}', "body_too_large"),
        ("/v1/batch", b'{"batch": [' + b" " * 512_001 + b"]}", "body_too_large"),
    ],
)
async def test_what_a_single_call_can_not_mean_is_answered(segments: Any, path: str, body: bytes, code: str) -> None:
    answer = await raw(segments, path, body)
    document = answer.json()
    assert (answer.status_code, document["code"]) == (400, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["message"] == document["detail"]


async def test_bad_items_are_buried_and_their_neighbours_stored(segments: Any) -> None:
    bad = [
        5,
        {"type": "track", "event": "x"},
        item(2, event=None),
        item(3, userId=None),
        item(4, type="dance"),
        item(5, messageId="m" * 101),
        item(6, properties={"note": "x" * 33_000}),
        item(7, userId="u" * 201),
        {**item(8), "type": "identify", "traits": []},
    ]
    await segments.post("/v1/batch", {"batch": [item(1), *bad, item(9)]})
    assert sorted(one["message_id"] for one in await timeline(segments)) == ["b1", "b9"]
    rejects = (await segments.get("/v1/tracking-rejects", limit=100))["data"]
    assert sorted(one["code"] for one in rejects) == sorted(
        ["not_an_object", "missing_identity", "missing_event", "missing_identity", "unknown_type", "invalid_message_id",
         "event_too_large", "invalid_id", "not_an_object"]
    )  # fmt: skip
    found = await segments.get("/v1/tracking-rejects", message_id="b4")
    assert [json.loads(one["item"])["type"] for one in found["data"]] == ["dance"]
    assert all(one["request_id"] for one in rejects)


async def test_explicit_nulls_mean_absent_and_clear_traits(segments: Any) -> None:
    await segments.post("/v1/identify", {"userId": "c1", "anonymousId": None, "traits": {"city": "上海", "vip": True}})
    await segments.post("/v1/identify", {"userId": "c1", "messageId": None, "context": None, "traits": {"city": None}})
    assert (await segments.get("/v1/profiles/c1"))["traits"] == {"vip": True}
    everybody = await segments.get("/v1/profiles")
    assert [one["customer_id"] for one in everybody["data"]] == ["c1"]


async def test_a_batch_shares_its_context(segments: Any) -> None:
    context = {"library": {"name": "x"}, "import": {"source": "crm"}}
    await segments.post("/v1/batch", {"batch": [item(1, context={"locale": "zh"})], "context": context})
    assert [one["history"] for one in await timeline(segments)] == [True]
    told = [event for pack in await segments.messages("events.tracked") for event in pack["events"]]
    assert [one["history"] for one in told] == [True]


async def test_t2_the_same_message_or_order_counts_once(segments: Any) -> None:
    twice = await segments.segment({**ORDER, "value": 2})
    order = {"event": "Order Completed", "properties": {"order_id": "o1", "total": 10}}
    batch = {"batch": [item(1, **order), item(1, **order), item(2, **order)]}
    for _ in range(2):
        await segments.post("/v1/batch", batch)
    await segments.track("c1", "Order Completed", "another", properties={"order_id": "o1", "total": 10})
    assert len(await timeline(segments)) == 1
    assert await segments.members(twice) == []
    # Other events may name an order as often as they like.
    for number in (11, 12):
        await segments.track("c1", "Order Updated", f"u{number}", properties={"order_id": "o1"})
    assert len(await timeline(segments)) == 3
    await segments.audit()


async def test_t3_clocks_of_clients_are_corrected_and_the_future_is_clamped(segments: Any) -> None:
    now = segments.clock.now()

    async def sent(number: int, stated: timedelta, sent_at: timedelta | None) -> str:
        body = item(number, timestamp=(now + stated).isoformat())
        batch = {"batch": [body], **({} if sent_at is None else {"sentAt": (now + sent_at).isoformat()})}
        await segments.post("/v1/batch", batch)
        page = await timeline(segments)
        found: str = next(one["timestamp"] for one in page if one["message_id"] == f"b{number}")
        return found

    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    # A client whose clock is an hour fast did something a minute before it sent it.
    assert await sent(1, hour - minute, hour) == "2026-11-11T01:59:00Z"
    assert await sent(2, -5 * hour - minute, -5 * hour) == "2026-11-11T01:59:00Z"
    assert await sent(3, -minute, None) == "2026-11-11T01:59:00Z"  # without sentAt: as stated
    assert await sent(4, hour, None) == "2026-11-11T02:00:00Z"  # never later than it arrived
    assert await sent(5, hour, timedelta()) == "2026-11-11T02:00:00Z"
    await segments.post(
        "/v1/batch", {"batch": [item(6, timestamp="0001-01-01T00:00:00Z")], "sentAt": "9999-12-31T00:00:00Z"}
    )
    await segments.post("/v1/batch", {"batch": [item(7)], "sentAt": "rubbish"})
    assert len(await timeline(segments)) == 6


async def test_t8_amounts_are_stored_in_minor_units(segments: Any) -> None:
    properties = {
        "total": 19.99, "revenue": "5.005", "shipping": 0, "price": "free", "tax": True, "currency": "CNY",
        "products": [{"sku": "a", "price": 0.1, "quantity": 3}, "x"], "size": 1.5,
    }  # fmt: skip
    await segments.track("c1", "Order Completed", properties=properties)
    await segments.track("c1", "Product Viewed", properties={"price": 980, "currency": "jpy"})
    viewed, ordered = sorted(await timeline(segments), key=lambda one: one["event"], reverse=True)
    assert ordered["properties"] == {
        "total": 1999, "revenue": 501, "shipping": 0, "price": "free", "tax": True, "currency": "CNY",
        "products": [{"sku": "a", "price": 10, "quantity": 3}, "x"], "size": 1.5,
    }  # fmt: skip
    assert viewed["properties"] == {"price": 980, "currency": "JPY"}


async def test_concurrent_batches_with_the_same_messages_count_once(segments: Any) -> None:
    thrice = await segments.segment({**ORDER, "op": "eq", "value": 3})
    orders = [
        item(
            number, event="Order Completed", userId=f"c{number % 4}", properties={"order_id": f"o{number}", "total": 1}
        )
        for number in range(12)
    ]
    await asyncio.gather(
        *[segments.post("/v1/batch", {"batch": orders[start:] + orders[:start]}) for start in range(12)]
    )
    assert await segments.members(thrice) == ["c0", "c1", "c2", "c3"]
    told = [event for pack in await segments.messages("events.tracked") for event in pack["events"]]
    assert len(told) == 12
    assert len(await segments.messages("segment.entered")) == 4
    assert len(await segments.messages("profile.created")) == 4
    await segments.audit()


async def test_a_second_identical_batch_changes_nothing(segments: Any) -> None:
    await segments.segment(ORDER)
    batch = {
        "batch": [
            item(1, event="Order Completed"),
            {"type": "identify", "messageId": "i1", "userId": "c2", "traits": {"a": 1}},
        ]
    }
    await segments.post("/v1/batch", batch)
    before = [
        (name, await segments.messages(name)) for name in ("events.tracked", "segment.entered", "profile.created")
    ]
    profile = await segments.get("/v1/profiles/c2")
    segments.clock.advance(seconds=60)
    await segments.post("/v1/batch", batch)
    assert [(name, await segments.messages(name)) for name, _ in before] == before
    assert await segments.get("/v1/profiles/c2") == profile


async def test_a_key_without_the_scope_is_refused(segments: Any) -> None:
    reader = segments.running.client(scopes=("segments:profiles:read",))
    assert (await reader.post("/v1/track", json={"userId": "c1", "event": "x"})).status_code == 403
    assert (await segments.running.stranger().post("/v1/batch", json={"batch": []})).status_code == 401


async def test_an_end_user_tells_only_of_itself(segments: Any) -> None:
    mine = segments.running.client(customer_id="c1")
    assert (await mine.post("/v1/track", json={"anonymousId": "a1", "event": "Product Viewed"})).status_code == 200
    refused = await mine.post("/v1/track", json={"userId": "c2", "event": "Product Viewed"})
    assert (refused.status_code, refused.json()["code"]) == (400, "foreign_customer")
    assert (await mine.get("/v1/profiles/c1/timeline")).json()["data"][0]["event"] == "Product Viewed"
    await segments.identify("c2", city="上海")
    assert (await mine.get("/v1/profiles/c2")).status_code == 404
    assert [one["customer_id"] for one in (await mine.get("/v1/profiles")).json()["data"]] == ["c1"]


async def test_audiences_are_not_for_end_users(segments: Any) -> None:
    made = await segments.segment(ORDER)
    await segments.identify("c1", a=1)
    mine = segments.running.client(customer_id="c1")
    for method, path, body in (
        ("GET", "/v1/segments", None),
        ("GET", f"/v1/segments/{made}/members", None),
        ("POST", "/v1/segments/preview", {"rule": ORDER}),
        ("POST", "/v1/imports/orders", {"source": "s", "orders": [{}]}),
        ("GET", "/v1/tracking-rejects", None),
    ):
        answer = await mine.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "merchant_only"), path
    assert (await mine.get("/v1/audit/segments")).json()["code"] == "operators_only"
    assert (await mine.get(f"/v1/segments/{made}/members/c1")).status_code == 200
    assert (await mine.get(f"/v1/segments/{made}/members/c2")).status_code == 404
