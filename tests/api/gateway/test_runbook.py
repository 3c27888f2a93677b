"""The remedies of the runbook, made as they stand there."""

import pytest
from api.gateway.keykit import THING, made_with, status_of
from api.gateway.receiverkit import COUPON, answer, deliver, deliveries, publish, receiving, register
from api.gateway.sourcekit import OURS, made, received, told
from kit.gateway import Suite
from kit.pages import calls, perform

PAGE = "runbook.md"
AWAY = calls(PAGE, "A webhook endpoint does not receive")
PARTNER = calls(PAGE, "A partner's webhooks do not arrive")
LEAKED = calls(PAGE, "A key leaked")


async def test_an_endpoint_that_was_disabled_gets_what_it_missed(suite: Suite) -> None:
    enable, replay, _ = AWAY
    async with receiving(lambda number: answer(410 if number == 1 else 204)) as receiver:
        endpoint = await register(suite, receiver)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        failed = await publish(suite, COUPON, ids=["evt_failed"])
        await deliver(suite)
        assert (await suite.client().get(path)).json()["disabled_reason"] == "gone"
        held = await publish(suite, COUPON, ids=["evt_held"])
        await deliver(suite)
        assert receiver.ids == failed, "held"
        enabled = (await perform(suite.client(), enable, endpoint_id=endpoint["id"])).json()
        assert (enabled["status"], enabled["disabled_reason"]) == ("enabled", None)
        replayed = (await perform(suite.client(), replay, endpoint_id=endpoint["id"])).json()
        assert (replayed["count"], replayed["more"]) == (2, False)
        await deliver(suite)
        assert sorted(receiver.ids) == sorted([*failed, *failed, *held])
        assert {one["status"] for one in await deliveries(suite, endpoint)} == {"delivered"}


async def test_an_endpoint_without_the_scope_hears_after_a_key_that_has_it_chose_the_events(suite: Suite) -> None:
    *_, choose = AWAY
    lesser = await suite.key(kind="restricted", scopes=["gateway:webhooks:*", "inventory:*:read"])
    async with receiving() as receiver:
        endpoint = await register(suite, receiver, "*", key=lesser)
        await publish(suite, COUPON)
        await deliver(suite)
        assert receiver.got == []
        await perform(suite.client(), choose, endpoint_id=endpoint["id"])
        event_ids = await publish(suite, COUPON, ids=["evt_after"])
        await deliver(suite)
        assert receiver.ids == event_ids


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_source_takes_what_it_refused_once_its_mapping_is_mended(suite: Suite, post: object) -> None:
    assert callable(post)
    attempt, mend, end_secret = PARTNER
    source = await made(suite, OURS)
    body = {"kind": "paid", "order": "o-1001"}
    await post(source, body, "msg_1")
    assert [one["outcome"] for one in await received(suite, source)] == ["ignored"]
    tried = (await perform(suite.client(), attempt, source_id=source["id"])).json()
    assert tried["outcome"] == "accepted", tried
    await perform(suite.client(), mend, source_id=source["id"])
    assert (await post(source, body, "msg_1")).is_success
    assert [one["order_id"] for one in await told(suite, "order.paid")] == ["o-1001"]
    new = (await perform(suite.client(), end_secret, source_id=source["id"])).json()
    assert (await post(source, body, "msg_2")).status_code == 401
    assert (await post({**source, "secret": new["secret"]}, body, "msg_2")).is_success


async def test_a_leaked_key_ends_with_what_was_made_with_it_or_alone(suite: Suite) -> None:
    remove, rotate = LEAKED
    maker = {"kind": "secret"}
    stolen, changed = await made_with(suite, None, **maker), await made_with(suite, None, **maker)
    made_of = [(await made_with(suite, one, **THING))["key"] for one in (stolen, changed)]
    await perform(suite.client(), remove, key_id=stolen["id"])
    new = (await perform(suite.client(), rotate, key_id=changed["id"])).json()["key"]
    gone = [await status_of(suite, key) for key in (stolen["key"], changed["key"], made_of[0])]
    there = [await status_of(suite, key) for key in (new, made_of[1])]
    assert (gone, there) == ([401] * 3, [200] * 2)
