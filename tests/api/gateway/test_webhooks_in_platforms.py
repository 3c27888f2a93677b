"""Platforms at the door: each signs in its way, gets the answer that it expects, and its message is told once."""

import json
from typing import Any

import httpx
import pytest
from api.gateway.sourcekit import made, received, told
from kit.gateway import Suite
from kit.platforms import SIGNERS, TOKEN, Sent, secret_of, sha1
from sqlalchemy import select

from gateway.webhooks_in.models import Source
from gateway.webhooks_in.schemes.envelope import opened
from shared.clock import ManualClock

DOCUMENT = json.dumps({"order": {"id": "单1", "phone": "13800138000"}}, ensure_ascii=False)
ANSWERS: dict[str, tuple[int, str]] = {
    "taobao": (200, '{"success":true}'),
    "jd": (200, "success"),
    "pdd": (200, "success"),
    "douyin": (200, '{"code":0,"msg":"success"}'),
    "douyin_open": (200, "success"),
    "wechat": (200, "success"),
    "wecom": (200, ""),
    "wechat_pay": (204, ""),
}
each = pytest.mark.parametrize("name", sorted(SIGNERS))


def paid(name: str) -> dict[str, Any]:
    """A mapping for what that platform's signer wraps."""
    return {"event": "order.paid", "fields": {"order_id": SIGNERS[name][1] + "/order/id"}}


async def deliver(suite: Suite, source: dict[str, Any], one: Sent) -> httpx.Response:
    return await suite.client(None).post(source["url"], params=one.query, content=one.body, headers=one.headers)


@each
async def test_a_platform_is_answered_as_it_expects_and_its_message_is_told_once(
    suite: Suite, clock: ManualClock, name: str
) -> None:
    source = await made(suite, paid(name), scheme=name, secret=secret_of(name))
    one = SIGNERS[name][0](secret_of(name), DOCUMENT, clock.now())
    for _ in range(2):
        answer = await deliver(suite, source, one)
        if name == "dingtalk":
            sealed = answer.json()["encrypt"]
            assert opened(secret_of(name), secret_of(name)["receiver_id"], sealed) == b"success"
        else:
            assert (answer.status_code, answer.text) == ANSWERS[name]
    assert await told(suite, "order.paid") == [{"order_id": "单1"}]
    (row,) = await received(suite, source)
    assert (row["outcome"], row["order_id"], row["times"]) == ("accepted", "单1", 2)


@each
async def test_what_a_mapping_can_not_read_is_acknowledged_and_kept(
    suite: Suite, clock: ManualClock, name: str
) -> None:
    source = await made(suite, paid(name), scheme=name, secret=secret_of(name))
    answer = await deliver(suite, source, SIGNERS[name][0](secret_of(name), '{"order":{}}', clock.now()))
    assert answer.is_success, "the platform would only repeat it, and then give up on this URL"
    (row,) = await received(suite, source)
    assert (row["outcome"], row["code"]) == ("refused", "field_missing")
    await suite.client().patch(f"/v1/webhook-sources/{source['id']}", json={"paused": True})
    paused = await deliver(suite, source, SIGNERS[name][0](secret_of(name), DOCUMENT, clock.now()))
    if name != "wechat_pay":  # the same id: refused before, now paused
        assert (paused.status_code, paused.json()["code"]) == (503, "source_paused")


@each
async def test_attack_55_a_platforms_delivery_that_is_not_proven_is_401(
    suite: Suite, clock: ManualClock, name: str
) -> None:
    source = await made(suite, paid(name), scheme=name, secret=secret_of(name))
    one = SIGNERS[name][0](secret_of(name), DOCUMENT, clock.now())
    client = suite.client(None)
    tries = [
        client.post(source["url"]),
        client.get(source["url"]),
        client.post(source["url"], content=b"\x00\xff", params={"sign": "\ud7ff", "timestamp": "²"}),
        client.post(source["url"], content=one.body + b" " if not one.form else b"a=1&a=2", headers=one.headers),
        client.post("/v1/hooks/whs_nobody", content=one.body, headers=one.headers, params=one.query),
    ]
    for attempt in tries:
        answer = await attempt
        assert (answer.status_code, answer.json()["code"]) == (401, "delivery_not_proven")
    assert await received(suite, source) == []


async def test_several_messages_of_one_delivery_are_one_transaction(suite: Suite, clock: ManualClock) -> None:
    maps_to = {
        "type_at": "/tag",
        "types": {"101": "order.paid"},
        "fields": {"order_id": "/data/p_id"},
    }
    source = await made(suite, maps_to, scheme="douyin", secret=secret_of("douyin"))
    items = [{"tag": "0", "msg_id": "probe", "data": "{}"}]
    items += [{"tag": "101", "msg_id": f"m{number}", "data": f'{{"p_id":{number}}}'} for number in (1, 2, 2)]
    raw = json.dumps(items).encode()
    from kit.platforms import douyin

    answer = await deliver(suite, source, douyin(secret_of("douyin"), "", clock.now(), raw))
    assert answer.text == ANSWERS["douyin"][1]
    assert await told(suite, "order.paid") == [{"order_id": "1"}, {"order_id": "2"}]
    assert sorted((row["delivery_id"], row["outcome"], row["times"]) for row in await received(suite, source)) == [
        ("m1", "accepted", 1),
        ("m2", "accepted", 2),
        ("probe", "ignored", 1),
    ]


async def test_wechat_asks_whether_the_url_is_ours(suite: Suite, clock: ManualClock) -> None:
    source = await made(suite, paid("wechat"), scheme="wechat", secret=secret_of("wechat"))
    stamp = str(int(clock.now().timestamp()))
    query = {
        "signature": sha1(TOKEN, stamp, "n1"),
        "timestamp": stamp,
        "nonce": "n1",
        "echostr": "<b>4375120948345356249",
    }
    answer = await suite.client(None).get(source["url"], params=query)
    assert (answer.status_code, answer.text) == (200, "<b>4375120948345356249")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    clock.advance(seconds=301)
    assert (await suite.client(None).get(source["url"], params=query)).status_code == 401


async def test_a_secret_of_several_fields_is_sealed_shown_once_and_changed_with_overlap(
    suite: Suite, clock: ManualClock
) -> None:
    source = await made(suite, paid("wecom"), scheme="wecom", secret=secret_of("wecom"))
    assert source["secret"] == secret_of("wecom")
    path = f"/v1/webhook-sources/{source['id']}"
    async with suite.gateway.kit.db.read() as tx:
        (stored,) = await tx.scalars(select(Source.c.secrets).where(Source.c.id == source["id"]))
    for text in secret_of("wecom").values():
        assert text not in json.dumps(stored), "who has a copy of the database has no secret"
        assert text not in (await suite.client().get(path)).text
    new = secret_of("wecom") | {"token": "another-token"}
    changed = await suite.client().post(f"{path}/rotate-secret", json={"secret": new})
    assert changed.json()["secret"] == new
    for number, secret in enumerate((secret_of("wecom"), new)):
        document = DOCUMENT.replace("单1", f"o{number}")
        assert (await deliver(suite, source, SIGNERS["wecom"][0](secret, document, clock.now()))).status_code == 200
    clock.advance(seconds=86401)
    assert (
        await deliver(suite, source, SIGNERS["wecom"][0](secret_of("wecom"), DOCUMENT, clock.now()))
    ).status_code == 401
    assert (await suite.client().post(f"{path}/rotate-secret")).json()["errors"][0]["code"] == "secret_missing"
