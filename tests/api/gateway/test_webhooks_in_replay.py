"""Failures are kept, sealed, and can be decided anew: one, or those of a time; nothing is told twice for it."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from api.gateway.sourcekit import OURS, SHOP, made, received, told
from kit.gateway import Suite
from sqlalchemy import select

from gateway.webhooks_in.models import KeptBody
from shared.clock import ManualClock

BODY = {
    "topic": "orders/paid",
    "order": {"number": "o9", "receiver_name": "张三", "mobile": 13800138000, "note": "call +8613800138000"},
    "total": "89.00",
}
MENDED = SHOP | {"fields": {"order_id": "/order/number", "refund_id": "/refund/id"}}


async def mend(suite: Suite, source: dict[str, Any], maps_to: Any = MENDED) -> None:
    changed = await suite.client().patch(f"/v1/webhook-sources/{source['id']}", json={"maps_to": maps_to})
    assert changed.status_code == 200


async def window(suite: Suite, source: dict[str, Any], **wanted: Any) -> Any:
    body = {"since": "2026-11-01T00:00:00Z", **wanted}
    answer = await suite.client().post(f"/v1/webhook-sources/{source['id']}/replay", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_refused_delivery_is_told_once_its_mapping_is_mended(suite: Suite, post: Any) -> None:
    source = await made(suite, SHOP)
    assert (await post(source, BODY)).status_code == 422
    (row,) = await received(suite, source)
    path = f"/v1/webhook-received/{row['id']}"
    again = await suite.client().post(f"{path}/replay")
    assert (again.status_code, again.json()["outcome"]) == (200, "refused")
    await mend(suite, source)
    answers = await asyncio.gather(*(suite.client().post(f"{path}/replay") for _ in range(2)))
    assert {(one.status_code, one.json()["outcome"]) for one in answers} == {(200, "accepted")}
    assert (await suite.client().get(path)).json()["order_id"] == "o9"
    assert (await post(source, BODY)).json() == {"status": "duplicate"}, "the partner comes again meanwhile"
    assert {one["order_id"] for one in await told(suite, "order.paid")} == {"o9"}


async def test_what_a_delivery_told_is_shown_without_people_and_stored_sealed(suite: Suite, post: Any) -> None:
    source = await made(suite, SHOP)
    await post(source, BODY)
    (row,) = await received(suite, source)
    shown = (await suite.client().get(f"/v1/webhook-received/{row['id']}")).json()
    assert shown["body_kept"] is True
    hidden = {"number": "o9", "receiver_name": "…", "mobile": "…", "note": "…"}
    assert shown["body"] == {"topic": "orders/paid", "order": hidden, "total": "89.00"}
    async with suite.gateway.kit.db.read() as tx:
        (stored,) = await tx.scalars(select(KeptBody.c.body))
    assert b"o9" not in stored
    partner = suite.client(await suite.key(kind="partner", scopes=["gateway:sources:*", "coupon:*:write"]))
    for answer in (
        await partner.get(f"/v1/webhook-received/{row['id']}"),
        await partner.post(f"/v1/webhook-received/{row['id']}/replay"),
        await partner.post(f"/v1/webhook-sources/{source['id']}/replay", json={"since": "2026-11-01T00:00:00Z"}),
    ):
        assert answer.status_code == 404


async def test_the_failures_of_a_time_are_replayed_oldest_first_and_none_twice(
    suite: Suite, post: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.webhooks_in.replaying._AT_ONCE", 2)
    source = await made(suite, SHOP)
    for number in range(5):
        await post(source, {"topic": "orders/paid", "order": {"number": f"o{number}"}}, f"m{number}")
        clock.advance(seconds=1)
    await post(source, {"topic": "orders/unknown"}, "unknown")
    await post(source, {"topic": "orders/paid", "order": {"id": "fine"}}, "fine")
    clock.advance(seconds=1)
    first = await window(suite, source)
    assert (first["count"], first["accepted"], first["more"]) == (6, 0, False)
    assert (await window(suite, source, until=first["until"]))["count"] == 0, "a window takes none twice"
    await mend(suite, source)
    clock.advance(seconds=1)
    late = await window(suite, source, since="2026-11-11T02:00:02Z", outcome="refused")
    assert (late["count"], late["accepted"]) == (3, 3)
    rest = await window(suite, source)
    assert (rest["count"], rest["accepted"]) == (3, 2)
    assert [one["order_id"] for one in await told(suite, "order.paid")] == ["fine", "o2", "o3", "o4", "o0", "o1"]
    rows = {row["delivery_id"]: row for row in await received(suite, source)}
    assert rows["unknown"]["outcome"] == "ignored"
    assert rows["o" if False else "m0"]["message_id"]
    empty = await suite.client().post(
        f"/v1/webhook-sources/{source['id']}/replay", json={"since": "2027-01-01T00:00:00Z"}
    )
    assert (empty.status_code, empty.json()["errors"][0]["code"]) == (422, "window_empty")
    log = (await suite.client().get("/v1/audit-log", params={"object_id": source["id"]})).json()["data"]
    assert [entry["action"] for entry in log].count("webhook_source.replay") == 4


async def test_what_met_a_pause_is_told_once_it_is_over(suite: Suite, post: Any) -> None:
    source = await made(suite)
    path = f"/v1/webhook-sources/{source['id']}"
    await suite.client().patch(path, json={"paused": True})
    assert (await post(source)).status_code == 503
    (row,) = await received(suite, source)
    paused = await suite.client().post(f"/v1/webhook-received/{row['id']}/replay")
    assert (paused.status_code, paused.json()["code"]) == (409, "source_paused")
    await suite.client().patch(path, json={"paused": False})
    assert (await suite.client().post(f"/v1/webhook-received/{row['id']}/replay")).json()["outcome"] == "accepted"
    assert await told(suite, "order.paid") == [{"order_id": "o1"}]


async def test_what_was_accepted_can_be_told_again(suite: Suite, post: Any, clock: ManualClock) -> None:
    """Its order was not known to the coupon service yet (`unmatched`)."""
    source = await made(suite)
    await post(source)
    (row,) = await received(suite, source)
    clock.advance(seconds=1)
    assert (await window(suite, source))["count"] == 0
    assert (await window(suite, source, outcome="all"))["accepted"] == 1
    (after,) = await received(suite, source)
    assert after["message_id"] != row["message_id"]
    assert await told(suite, "order.paid") == [{"order_id": "o1"}] * 2


async def test_nobody_replays_more_than_they_may_do(suite: Suite, post: Any) -> None:
    source = await made(suite)
    await post(source, {"type": "order.paid", "data": {}})
    (row,) = await received(suite, source)
    weak = suite.client(await suite.key(kind="restricted", scopes=["gateway:sources:*"]))
    for path in (f"/v1/webhook-received/{row['id']}/replay", f"/v1/webhook-sources/{source['id']}/replay"):
        body = {"since": "2026-11-01T00:00:00Z"} if "sources" in path else None
        answer = await weak.post(path, json=body)
        assert answer.status_code in (403, 404), answer.text


async def test_bodies_go_before_their_rows_and_large_ones_are_not_kept(
    suite: Suite, post: Any, clock: ManualClock
) -> None:
    source = await made(suite, SHOP)
    await post(source, BODY)
    await post(source, BODY | {"more": "x" * 300_000}, "large")
    rows = {row["delivery_id"]: row for row in await received(suite, source)}
    shown = (await suite.client().get(f"/v1/webhook-received/{rows['large']['id']}")).json()
    assert (shown["body_kept"], shown["body"]) == (False, None)
    clock.advance(timedelta(days=15))
    await suite.running.tick()
    answer = await suite.client().post(f"/v1/webhook-received/{rows['msg_1']['id']}/replay")
    assert (answer.status_code, answer.json()["code"]) == (409, "body_gone")
    clock.advance(seconds=1)
    assert (await window(suite, source))["count"] == 0
    clock.advance(timedelta(days=16))
    await suite.running.tick()
    assert (await suite.client().get(f"/v1/webhook-received/{rows['msg_1']['id']}")).status_code == 404


async def test_an_installation_may_keep_no_bodies(run_gateway: Any, clock: ManualClock) -> None:
    from api.gateway.sourcekit import signed

    suite: Suite = await run_gateway(webhooks_in_bodies_keep_days=0)
    source, raw = await made(suite, SHOP), json.dumps(BODY).encode()
    headers = signed(source, raw, "m1", clock.now())
    assert (await suite.client(None).post(source["url"], content=raw, headers=headers)).status_code == 422
    async with suite.gateway.kit.db.read() as tx:
        assert await tx.scalars(select(KeptBody.c.body)) == []


async def test_a_delivery_that_came_again_otherwise_is_replayed_as_it_came_last(suite: Suite, post: Any) -> None:
    source = await made(suite, SHOP)
    await post(source, {"topic": "orders/paid", "order": {"number": "first"}})
    await post(source, {"topic": "orders/paid", "order": {"number": "second"}})
    await mend(suite, source)
    (row,) = await received(suite, source)
    assert (await suite.client().post(f"/v1/webhook-received/{row['id']}/replay")).json()["order_id"] == "second"


async def test_a_replay_that_is_cut_off_tells_nothing(suite: Suite, post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = await made(suite, SHOP)
    await post(source, BODY)
    await mend(suite, source)
    (row,) = await received(suite, source)

    async def away(*_: Any) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.webhooks_in.replay_repository.update_received", away)
        assert (await suite.client().post(f"/v1/webhook-received/{row['id']}/replay")).status_code == 503
    assert await told(suite, "order.paid") == []
    assert (await received(suite, source))[0]["outcome"] == "refused"
    assert OURS
