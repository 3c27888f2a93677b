"""Webhooks in: a partner's signed delivery becomes one message of the house, however often it comes, and nothing else does."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from kit.gateway import Suite
from standardwebhooks import Webhook

from gateway.webhooks_in.schemes import SCHEMES
from shared.clock import ManualClock

OURS = {"event": "order.*"}
SHOP = {
    "type_at": "/topic",
    "types": {"orders/paid": "order.paid", "refunds/create": "order.refunded"},
    "fields": {"order_id": "/order/id", "refund_id": "/refund/id", "lines": "/refund/items", "quantity": "/qty"},
}
PAID = {"type": "order.paid", "data": {"order_id": "o1"}}


async def made(suite: Suite, maps_to: Any = OURS, **wanted: Any) -> dict[str, Any]:
    """A new source."""
    body = {"name": "订单系统", "scheme": "standard", "maps_to": maps_to, **wanted}
    answer = await suite.client().post("/v1/webhook-sources", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def signed(source: dict[str, Any], body: bytes, delivery_id: str, at: datetime) -> dict[str, str]:
    """The headers that a partner sends, made by the sender's own library."""
    if source["scheme"] == "github":
        mac = hmac.new(source["secret"].encode(), body, hashlib.sha256).hexdigest()
        return {"x-github-delivery": delivery_id, "x-hub-signature-256": f"sha256={mac}"}
    signature = Webhook(source["secret"]).sign(delivery_id, at, body.decode())
    stamp = str(int(at.timestamp()))
    return {"webhook-id": delivery_id, "webhook-timestamp": stamp, "webhook-signature": signature}


@pytest.fixture
def post(suite: Suite, clock: ManualClock) -> Callable[..., Awaitable[httpx.Response]]:
    """`await post(source, document, "msg_1")` sends as the source's partner would, from `address`."""

    async def send(
        source: dict[str, Any],
        document: Any = PAID,
        delivery_id: str = "msg_1",
        address: str = "203.0.113.9",
        **other: Any,
    ) -> httpx.Response:
        body = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
        headers = signed(source, body, delivery_id, other.get("at", clock.now())) | other.get("headers", {})
        return await suite.client(None, address).post(source["url"], content=body, headers=headers)

    return send


async def told(suite: Suite, name: str) -> list[dict[str, Any]]:
    """The messages of that name, once everything is on the bus."""
    await suite.running.drain()
    return suite.running.recorder.named(name)


async def received(suite: Suite, source: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    answer = await suite.client().get(f"/v1/webhook-sources/{source['id']}/received", params=filters)
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


# from a delivery to a message


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
async def test_a_proven_delivery_becomes_one_message(suite: Suite, post: Any, scheme: str) -> None:
    source = await made(suite, SHOP, scheme=scheme)
    body = {
        "topic": "refunds/create",
        "order": {"id": 1001, "phone": "13800138000"},
        "refund": {"id": "退1", "items": [{"line_id": "1", "qty": 2}]},
    }
    answer = await post(source, body)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    again = await post(source, body)
    assert (again.status_code, again.json()) == (202, {"status": "duplicate"})
    (refund,) = await told(suite, "order.refunded")
    assert refund == {
        "order_id": "1001",
        "refund_id": "退1",
        "lines": [{"line_id": "1", "quantity": 2}],
        "policy": None,
    }
    (row,) = await received(suite, source)
    shown = (row["outcome"], row["event_type"], row["order_id"], row["delivery_id"], row["times"])
    assert shown == ("accepted", "order.refunded", "1001", "msg_1", 2)
    assert row["message_id"] == suite.running.recorder.envelopes[-1].id
    assert "13800138000" not in json.dumps(row)
    assert len(row["body_hash"]) == 16


async def test_many_copies_at_once_have_one_effect(suite: Suite, post: Any) -> None:
    source = await made(suite)
    answers = await asyncio.gather(*(post(source) for _ in range(12)))
    assert sorted(answer.json()["status"] for answer in answers) == ["accepted"] + ["duplicate"] * 11
    assert await told(suite, "order.paid") == [{"order_id": "o1"}]
    assert [row["times"] for row in await received(suite, source)] == [12]


async def test_a_crowd_shares_transactions_and_each_gets_its_own_answer(suite: Suite, post: Any) -> None:
    source = await made(suite)
    crowd = [
        *({"type": "order.paid", "data": {"order_id": f"o{number}"}} for number in range(8)),
        {"type": "order.paid", "data": {}},
        {"type": "order.shipped", "data": {"order_id": "o1"}},
    ]
    answers = await asyncio.gather(*(post(source, one, f"m{number}") for number, one in enumerate(crowd)))
    assert [answer.status_code for answer in answers] == [202] * 8 + [422, 202]
    assert answers[-1].json() == {"status": "ignored"}
    await suite.running.drain()
    told = {one.id: one for one in suite.running.recorder.envelopes if one.name == "order.paid"}
    rows = await received(suite, source, outcome="accepted")
    assert {row["order_id"]: told[row["message_id"]].payload["order_id"] for row in rows} == {
        f"o{number}": f"o{number}" for number in range(8)
    }
    assert len({one.correlation_id for one in told.values()}) == 8, "each message names its own request"


async def test_each_source_has_delivery_ids_of_its_own(suite: Suite, post: Any) -> None:
    for order in ("o1", "o2"):
        source = await made(suite)
        document = {"type": "order.paid", "data": {"order_id": order}}
        assert (await post(source, document, "same")).json() == {"status": "accepted"}
    assert await told(suite, "order.paid") == [{"order_id": "o1"}, {"order_id": "o2"}]


async def test_what_is_not_for_us_is_ignored_and_listed(suite: Suite, post: Any) -> None:
    source = await made(suite, SHOP)
    for number, body in enumerate(({"topic": "orders/updated"}, {"zen": "a ping without a type"})):
        answer = await post(source, body, f"msg_{number}")
        assert (answer.status_code, answer.json()) == (202, {"status": "ignored"})
    rows = await received(suite, source, outcome="ignored")
    assert [(row["code"], row["their_type"]) for row in rows] == [
        ("no_type", None),
        ("type_not_mapped", "orders/updated"),
    ]
    assert await told(suite, "order.paid") == []


async def test_a_refused_delivery_is_listed_and_taken_once_the_mapping_is_mended(suite: Suite, post: Any) -> None:
    source = await made(suite, SHOP)
    body = {"topic": "orders/paid", "order": {"number": "o9"}}
    answer = await post(source, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "field_missing")
    assert "/order/id" in answer.json()["detail"]
    (row,) = await received(suite, source)
    assert (row["outcome"], row["code"], row["order_id"], row["message_id"]) == ("refused", "field_missing", None, None)
    mended = SHOP | {"fields": {"order_id": "/order/number", "refund_id": "/refund/id"}}
    changed = await suite.client().patch(f"/v1/webhook-sources/{source['id']}", json={"maps_to": mended})
    assert changed.json()["maps_to"]["fields"]["order_id"] == "/order/number"
    assert (await post(source, body)).json() == {"status": "accepted"}
    assert (await post(source, body)).json() == {"status": "duplicate"}
    assert await told(suite, "order.paid") == [{"order_id": "o9"}]
    (row,) = await received(suite, source)
    assert (row["outcome"], row["code"], row["detail"], row["times"]) == ("accepted", None, None, 3)
    assert (await post(source, b"no json", "msg_2")).json()["code"] == "malformed_json"


async def test_a_paused_source_has_its_partner_come_again(suite: Suite, post: Any) -> None:
    source = await made(suite)
    path = f"/v1/webhook-sources/{source['id']}"
    assert (await suite.client().patch(path, json={"paused": True})).json()["status"] == "paused"
    answer = await post(source)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "source_paused", "300")
    assert [row["outcome"] for row in await received(suite, source)] == ["paused"]
    assert await told(suite, "order.paid") == []
    await suite.client().patch(path, json={"paused": False})
    assert (await post(source)).json() == {"status": "accepted"}
    assert [row["outcome"] for row in await received(suite, source)] == ["accepted"]


async def test_nothing_is_told_when_the_transaction_fails(
    suite: Suite, post: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await made(suite)

    async def broken(*_: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.webhooks_in.repository.update_messages", broken)
        assert (await post(source)).status_code == 503
    assert await told(suite, "order.paid") == []
    assert await received(suite, source) == []
    assert (await post(source)).json() == {"status": "accepted"}
    assert await told(suite, "order.paid") == [{"order_id": "o1"}]


# what is not proven


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
async def test_wrong_old_and_unknown_are_told_the_same(
    suite: Suite, post: Any, clock: ManualClock, scheme: str
) -> None:
    source, other = await made(suite, scheme=scheme), await made(suite, scheme=scheme)
    stranger = suite.client(None)
    answers = [
        await stranger.post(source["url"], content=b"{}"),
        await post({**source, "secret": other["secret"]}),
        await post({**source, "url": "/v1/hooks/whs_nobody"}),
        await post(source, headers={"webhook-signature": b"v1,\xe9", "x-hub-signature-256": b"sha256=\xe9"}),
    ]
    if scheme == "standard":
        answers.append(await post(source, at=clock.now() - timedelta(seconds=301)))
    assert {(answer.status_code, answer.json()["code"], answer.json()["detail"]) for answer in answers} == {
        (
            401,
            "delivery_not_proven",
            "This delivery is not proven: check the URL, the secret, the signature's headers and the clock.",
        )
    }
    assert await received(suite, source) == []
    await suite.running.tick()
    shown = (await suite.client().get(f"/v1/webhook-sources/{source['id']}")).json()
    assert shown["signature_failures"] == len(answers) - 1, "all but the one to nobody's URL"
    assert shown["last_failure_at"] == "2026-11-11T02:00:00Z"
    assert shown["last_failure"] in ("no signature matches", "the timestamp is too far from now")


async def test_failures_are_throttled_by_address_and_never_stop_a_true_partner(run_gateway: Any, clock: Any) -> None:
    suite = await run_gateway(failures_per_minute=5)
    source = await made(suite)
    stranger = suite.client(None, "203.0.113.66")
    codes = [(await stranger.post(url, content=b"{}")).status_code for url in [source["url"], "/v1/hooks/x"] * 4]
    assert codes == [401] * 5 + [429] * 3
    body = json.dumps(PAID).encode()
    fine = await stranger.post(source["url"], content=body, headers=signed(source, body, "m", clock.now()))
    assert fine.json() == {"status": "accepted"}


async def test_deliveries_are_limited_by_address_and_size(run_gateway: Any, clock: Any) -> None:
    suite = await run_gateway(requests_per_minute_hooks=3)
    source = await made(suite)
    body = json.dumps(PAID).encode()
    for expected in (202, 202, 202, 429):
        answer = await suite.client(None).post(
            source["url"], content=body, headers=signed(source, body, "m", clock.now())
        )
        assert answer.status_code == expected
        assert answer.headers["ratelimit-policy"] == '"hooks";q=3;w=60'
    assert answer.headers["retry-after"]
    big = await suite.client(None, "203.0.113.1").post(source["url"], content=b" " * ((1 << 20) + 1))
    assert (big.status_code, big.json()["code"]) == (413, "body_too_large")


async def test_repeated_headers_are_no_way_around_the_signature(suite: Suite, clock: ManualClock) -> None:
    source = await made(suite)
    body = json.dumps(PAID).encode()
    true = signed(source, body, "msg_1", clock.now())
    twice = [*true.items(), ("webhook-id", "msg_2")]
    answer = await suite.client(None).post(source["url"], content=body, headers=twice)
    assert answer.status_code == 202
    assert [row["delivery_id"] for row in await received(suite, source)] == ["msg_1"], "the one that was signed"


# secrets


async def test_a_rotated_secret_proves_until_its_overlap_ends(suite: Suite, post: Any, clock: ManualClock) -> None:
    source = await made(suite)
    path = f"/v1/webhook-sources/{source['id']}"
    rotated = await suite.client().post(path + "/rotate-secret", json={"overlap_seconds": 60})
    new = rotated.json()
    assert (rotated.status_code, rotated.headers["cache-control"]) == (200, "no-store")
    assert new["secret"] != source["secret"]
    for number, secret in enumerate((source["secret"], new["secret"])):
        assert (await post({**source, "secret": secret}, PAID, f"m{number}")).status_code == 202
    clock.advance(seconds=60)
    assert (await post(source, PAID, "m3")).status_code == 401
    assert (await post(new, PAID, "m4")).status_code == 202
    for shown in (await suite.client().get(path), await suite.client().get("/v1/webhook-sources")):
        assert new["secret"] not in shown.text


async def test_a_partners_own_secret_may_be_given(suite: Suite, post: Any) -> None:
    source = await made(suite, scheme="github", secret="a secret of the partner's")
    assert source["secret"] == "a secret of the partner's"
    assert (await post(source)).status_code == 202
    own = {"secret": "another of the partner's", "overlap_seconds": 0}
    await suite.client().post(f"/v1/webhook-sources/{source['id']}/rotate-secret", json=own)
    assert (await post(source, PAID, "m2")).status_code == 401
    assert (await post({**source, "secret": own["secret"]}, PAID, "m2")).status_code == 202


# sources


async def test_the_life_of_a_source(suite: Suite, post: Any) -> None:
    source = await made(suite, SHOP)
    assert source["url"] == f"/v1/hooks/{source['id']}"
    path = f"/v1/webhook-sources/{source['id']}"
    client = suite.client()
    shown = (await client.get(path)).json()
    assert shown == {name: value for name, value in source.items() if name != "secret"}
    assert shown["maps_to"] == SHOP
    for filters, count in (({}, 1), ({"status": "paused"}, 0), ({"scheme": "standard"}, 1), ({"scheme": "github"}, 0)):
        assert len((await client.get("/v1/webhook-sources", params=filters)).json()["data"]) == count
    assert (await client.patch(path, json={"name": "新名"})).json()["name"] == "新名"
    assert (await client.patch(path, json={"maps_to": None})).status_code == 422
    assert (await client.delete(path)).status_code == 204
    for answer in (
        await client.get(path),
        await client.patch(path, json={}),
        await client.delete(path),
        await client.post(path + "/rotate-secret"),
        await client.post(path + "/test", json={"body": {}}),
        await client.get(path + "/received"),
    ):
        assert answer.status_code == 404
    assert (await post(source)).status_code == 401, "its secret is forgotten"
    log = (await client.get("/v1/audit-log", params={"object_id": source["id"]})).json()["data"]
    assert [entry["action"].split(".")[1] for entry in log] == ["delete", "change", "create"]
    assert source["secret"] not in json.dumps(log)


async def test_a_scheme_that_is_not_there_names_those_that_are(suite: Suite) -> None:
    for scheme in ("taobao", "wechat", "nonsense"):
        body = {"name": "x", "scheme": scheme, "maps_to": OURS}
        answer = await suite.client().post("/v1/webhook-sources", json=body)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "unsupported_scheme")
        assert problem["schemes"] == ["github", "standard"]
        assert problem["errors"][0]["pointer"] == "#/scheme"


async def test_what_can_not_work_is_refused_by_field(suite: Suite) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"secret": "short"}, "#/secret"),
        ({"maps_to": {}}, "#/maps_to"),
        ({"maps_to": {"event": "order.lost"}}, "#/maps_to/event"),
        ({"maps_to": {"event": "order.paid", "fields": {"order_id": "id"}}}, "#/maps_to/fields/order_id"),
        ({"map_to": {}}, "#/map_to"),
    ]
    for change, pointer in wrong:
        body = {"name": "x", "scheme": "github", "maps_to": OURS, **change}
        answer = await suite.client().post("/v1/webhook-sources", json=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_trial_shows_what_a_body_would_become_and_tells_nobody(suite: Suite) -> None:
    source = await made(suite, SHOP)
    path = f"/v1/webhook-sources/{source['id']}/test"
    body = {"topic": "orders/paid", "order": {"id": 7}}
    shown = (await suite.client().post(path, json={"body": body})).json()
    event = {"type": "order.paid", "data": {"order_id": "7"}}
    assert shown == {"outcome": "accepted", "event": event, "code": None, "detail": None}
    other = {"event": "order.cancelled", "fields": {"order_id": "/order/nr"}}
    shown = (await suite.client().post(path, json={"body": body, "maps_to": other})).json()
    assert (shown["outcome"], shown["code"], "/order/nr" in shown["detail"]) == ("refused", "field_missing", True)
    shown = (await suite.client().post(path, json={"body": {"topic": "x"}})).json()
    assert (shown["outcome"], shown["code"]) == ("ignored", "type_not_mapped")
    half = await suite.client().post(path, content=b'{"body": "\\ud800"}', headers={"content-type": "application/json"})
    assert half.json()["code"] == "malformed_json", "half a character is no text"
    assert await told(suite, "order.paid") == []
    assert await received(suite, source) == []


async def test_owners_do_not_see_each_others_sources_and_scopes_hold(suite: Suite) -> None:
    source = await made(suite)
    partner = suite.client(await suite.key(kind="partner", scopes=["gateway:sources:*"]))
    endpoints_only = suite.client(await suite.key(kind="restricted", scopes=["gateway:webhooks:*"]))
    path = f"/v1/webhook-sources/{source['id']}"
    assert (await partner.get(path)).status_code == 404
    assert (await partner.get("/v1/webhook-sources")).json()["data"] == []
    assert (await partner.get(path + "/received")).status_code == 404
    refused = await endpoints_only.post("/v1/webhook-sources", json={})
    assert (refused.status_code, refused.json()["scope"]) == (403, "gateway:sources:write")
    own = await partner.post("/v1/webhook-sources", json={"name": "p", "scheme": "github", "maps_to": OURS})
    assert own.status_code == 201
    assert len((await suite.client().get("/v1/webhook-sources")).json()["data"]) == 2, "the merchant sees all"


async def test_deliveries_are_forgotten_after_their_time(suite: Suite, post: Any, clock: ManualClock) -> None:
    source = await made(suite)
    await post(source)
    clock.advance(timedelta(days=29))
    await suite.running.tick()
    assert (await post(source, PAID, "msg_1")).json() == {"status": "duplicate"}
    clock.advance(timedelta(days=29))
    await suite.running.tick()
    assert len(await received(suite, source)) == 1, "it came again meanwhile"
    clock.advance(timedelta(days=2))
    await suite.running.tick()
    assert await received(suite, source) == []


async def test_received_lists_are_paged_and_found_by_order(suite: Suite, post: Any) -> None:
    source = await made(suite)
    for number in range(3):
        await post(source, {"type": "order.paid", "data": {"order_id": f"o{number}"}}, f"m{number}")
    page = (await suite.client().get(f"/v1/webhook-sources/{source['id']}/received", params={"limit": 2})).json()
    assert ([row["order_id"] for row in page["data"]], page["has_more"]) == (["o2", "o1"], True)
    assert [row["delivery_id"] for row in await received(suite, source, order_id="o1")] == ["m1"]


async def test_the_clock_of_the_real_library_and_ours_agree(run_gateway: Any, clock: ManualClock) -> None:
    """The sender's library signs for this very second, as a partner's server would."""
    clock.set(datetime.now(UTC))
    suite = await run_gateway()
    source = await made(suite)
    body = json.dumps(PAID).encode()
    headers = signed(source, body, "msg_now", datetime.now(UTC))
    Webhook(source["secret"]).verify(body, headers)
    assert (await suite.client(None).post(source["url"], content=body, headers=headers)).status_code == 202
