"""Attack 51: an endpoint that is disabled. Its owner is told, nothing is lost, a window is sent again without gap or double."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from api.gateway.conftest import RunGateway
from api.gateway.receiverkit import COUPON, STOCK, answer, coupon_of, deliver, deliveries, publish, receiving, register
from kit.gateway import Suite

from gateway.webhooks_out import repository
from shared.clock import ManualClock
from shared.db import Transaction
from shared.web.schemas import rfc3339

HOOKS = ["gateway:webhooks:*", "coupon:coupons:read"]


async def change(suite: Suite, endpoint: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answered = await suite.client().patch(f"/v1/webhook-endpoints/{endpoint['id']}", json=fields)
    assert answered.status_code == 200, answered.text
    found: dict[str, Any] = answered.json()
    return found


async def replay(suite: Suite, endpoint: dict[str, Any], **window: Any) -> Any:
    return await suite.client().post(f"/v1/webhook-endpoints/{endpoint['id']}/replay", json=window)


async def statuses(suite: Suite, endpoint: dict[str, Any]) -> dict[str, str]:
    return {one["event_id"]: one["status"] for one in await deliveries(suite, endpoint)}


@pytest.mark.parametrize("how", ["gone", "by_request"])
async def test_what_happens_while_it_is_disabled_is_held_and_can_be_had(
    suite: Suite, clock: ManualClock, how: str
) -> None:
    well = [how != "gone"]
    async with receiving(lambda number: answer(200 if well[0] else 410)) as receiver:
        endpoint = await register(suite, receiver)
        since = rfc3339(clock.now())
        if how == "gone":
            await publish(suite, COUPON, ids=["evt_410"])
            await deliver(suite)
        else:
            await change(suite, endpoint, enabled=False)
        assert (await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()["disabled_reason"] == how
        clock.advance(seconds=1)
        await publish(suite, COUPON, STOCK, ids=["evt_1", "evt_2"])
        await deliver(suite)
        receiver.got.clear()
        assert {one: (await statuses(suite, endpoint))[one] for one in ("evt_1", "evt_2")} == dict.fromkeys(
            ("evt_1", "evt_2"), "held"
        )
        refused = await replay(suite, endpoint, since=since)
        assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_disabled")
        well[0] = True
        await change(suite, endpoint, enabled=True)
        await publish(suite, COUPON, ids=["evt_new"])
        await deliver(suite)
        assert receiver.ids == ["evt_new"], "enabling resumes with new events; the rest when it is asked for"
        first = await replay(suite, endpoint, since=since, status="held")
        assert (first.status_code, first.json()["count"], first.json()["more"]) == (202, 2, False)
        assert (await replay(suite, endpoint, since=since, status="held")).json()["count"] == 0
        await deliver(suite)
        assert sorted(receiver.ids) == ["evt_1", "evt_2", "evt_new"]
        assert (await replay(suite, endpoint, since=since, status="held")).json()["count"] == 0


async def test_what_waited_when_it_was_disabled_is_held_too(run_gateway: RunGateway, clock: ManualClock) -> None:
    suite = await run_gateway(webhooks_out_jitter=0)
    async with receiving(lambda number: answer(500 if number == 1 else 200)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON, ids=["evt_1"])
        await deliver(suite)
        await change(suite, endpoint, enabled=False)
        assert await statuses(suite, endpoint) == {"evt_1": "held"}
        clock.advance(timedelta(days=2))
        await deliver(suite)
        await change(suite, endpoint, enabled=True)
        since = rfc3339(clock.now() - timedelta(days=3))
        assert (await replay(suite, endpoint, since=since)).json()["count"] == 1
        await deliver(suite)
        assert receiver.ids == ["evt_1", "evt_1"]
        assert (await deliveries(suite, endpoint))[0]["attempts"] == 2


async def test_a_window_has_neither_gap_nor_double_in_however_many_calls(
    suite: Suite, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of three, seven to a call: a border falls within a batch, and within one instant."""
    monkeypatch.setattr("gateway.webhooks_out.replaying._AT_ONCE", 3)
    monkeypatch.setattr("gateway.webhooks_out.replaying._MOST", 7)
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        for number in range(20):
            await publish(suite, COUPON, ids=[f"evt_{number:02}"])
            clock.advance(seconds=number % 2)
        await deliver(suite)
        assert set((await statuses(suite, endpoint)).values()) == {"delivered"}
        receiver.got.clear()
        start = clock.now() - timedelta(seconds=10)
        window = {"since": rfc3339(start + timedelta(seconds=2)), "until": rfc3339(start + timedelta(seconds=9))}
        answers = []
        for _ in range(3):
            answers.append((await replay(suite, endpoint, **window, status="all")).json())
            await deliver(suite)
        assert [(one["count"], one["more"]) for one in answers] == [(7, True), (7, True), (0, False)]
        assert sorted(receiver.ids) == [f"evt_{number:02}" for number in range(4, 18)]
        assert (await replay(suite, endpoint, **window, status="all")).json()["count"] == 0, "called twice, sent once"
        assert (await replay(suite, endpoint, since=window["since"], status="failed")).json()["count"] == 0


async def test_a_window_of_no_sense_and_of_others(suite: Suite, clock: ManualClock) -> None:
    stranger = await suite.key(kind="partner", scopes=HOOKS)
    now = clock.now()
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        path = f"/v1/webhook-endpoints/{endpoint['id']}/replay"
        later, earlier = rfc3339(now + timedelta(days=1)), rfc3339(now - timedelta(days=1))
        for body in ({"since": later}, {"since": rfc3339(now), "until": earlier}, {}, {"since": "yesterday"}):
            assert (await suite.client().post(path, json=body)).status_code == 422, body
        for body in ({"since": "0001-01-01T00:00:00Z"}, {"since": earlier, "until": "9999-12-31T23:59:59Z"}):
            assert (await suite.client().post(path, json=body)).status_code == 202, body
        assert (await suite.client(stranger).post(path, json={"since": earlier})).status_code == 404


async def test_what_is_held_is_bounded_in_time_and_number(run_gateway: RunGateway, clock: ManualClock) -> None:
    suite = await run_gateway(webhooks_out_held_most=3)
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        await change(suite, endpoint, enabled=False)
        for number in range(5):
            clock.advance(seconds=1)
            await publish(suite, COUPON, ids=[f"evt_{number}"])
        worker = suite.gateway.webhooks_out.worker
        while await worker.prune():
            pass
        assert sorted(await statuses(suite, endpoint)) == ["evt_2", "evt_3", "evt_4"]
        clock.advance(timedelta(days=31))
        while await worker.prune():
            pass
        assert await statuses(suite, endpoint) == {}


async def test_the_owners_other_endpoints_hear_of_it_and_nobody_elses(suite: Suite) -> None:
    mine, theirs = [await suite.key(kind="partner", scopes=HOOKS) for _ in range(2)]
    async with receiving(lambda number: answer(410)) as gone, receiving() as other, receiving() as strangers:
        endpoint = await register(suite, gone, "*", key=mine)
        await register(suite, other, "webhook_endpoint.disabled", key=mine)
        await register(suite, strangers, "*", key=theirs)
        await register(suite, strangers, "webhook_endpoint.*")
        await publish(suite, await coupon_of(suite, mine), ids=["evt_1"])
        await deliver(suite)
        await suite.running.drain()
        await deliver(suite)
        ((_, body),) = other.got
        told = json.loads(body)
        assert told["type"] == "webhook_endpoint.disabled"
        assert (told["data"]["endpoint_id"], told["data"]["reason"]) == (endpoint["id"], "gone")
        assert strangers.got == []
        assert len(gone.got) == 1
        assert [one["event_type"] for one in await deliveries(suite, endpoint)] == ["coupon.redeemed"]
        log = (await suite.client(mine).get("/v1/webhook-endpoints")).json()["data"]
        assert {one["id"]: one["status"] for one in log}[endpoint["id"]] == "disabled"


async def test_an_attempt_that_succeeds_while_it_is_being_disabled_is_not_sent_again(suite: Suite) -> None:
    worker = suite.gateway.webhooks_out.worker
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)

        async def disabling() -> None:
            await change(suite, endpoint, enabled=False)

        receiver.meanwhile = disabling
        await publish(suite, COUPON, ids=["evt_1"])
        await worker.tick()
        await worker.idle()
        assert await statuses(suite, endpoint) == {"evt_1": "delivered"}
        await change(suite, endpoint, enabled=True)
        assert (await replay(suite, endpoint, since="2026-01-01T00:00:00Z")).json()["count"] == 0


async def test_an_attempt_that_began_before_it_was_enabled_anew_does_not_disable_it_again(
    run_gateway: RunGateway, clock: ManualClock
) -> None:
    suite = await run_gateway(webhooks_out_schedule_seconds=(0, 86400, 86400), webhooks_out_disable_days=2)
    async with receiving(lambda number: answer(500)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        clock.advance(timedelta(days=3))

        async def mended() -> None:
            await change(suite, endpoint, enabled=True)

        receiver.meanwhile = mended
        await deliver(suite)
        shown = (await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
        assert (shown["status"], shown["disabled_reason"]) == ("enabled", None)


async def test_what_waits_is_not_held_when_its_owner_has_a_key_again(
    suite: Suite, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look for endpoints that nobody serves is over when a fresh key is made, and what follows goes by it."""
    async with receiving(lambda number: answer(500)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON, ids=["evt_1"])
        await deliver(suite)
        looked = repository.listeners

        async def before_the_key(tx: Transaction, now: datetime) -> list[repository.Listener]:
            return [row._replace(served=False) for row in await looked(tx, now)]

        monkeypatch.setattr(repository, "listeners", before_the_key)
        await suite.gateway.webhooks_out.worker.prune()
        assert await statuses(suite, endpoint) == {"evt_1": "pending"}
