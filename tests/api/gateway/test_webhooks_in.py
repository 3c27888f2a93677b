"""Webhooks in: a partner's signed delivery becomes one message of the house, however often it comes, and nothing else does."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from api.gateway.sourcekit import HOUSE, PAID, SHOP, made, received, told
from kit.gateway import Suite

from shared.clock import ManualClock


@pytest.mark.parametrize("scheme", HOUSE)
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
