"""Webhooks out when the receiver is not well: tries, pauses, disabling, replay."""

import asyncio
from datetime import timedelta
from typing import Any

from api.gateway.receiverkit import COUPON, STOCK, answer, deliver, deliveries, publish, receiving, register
from kit.gateway import Suite
from kit.upstream import RawServer, read_request
from sqlalchemy import update

from gateway.webhooks_out.models import Delivery, Endpoint
from shared.clock import ManualClock
from shared.webhooks import verify


async def test_failures_are_tried_again_on_schedule_with_the_same_id_and_a_fresh_time(
    run_gateway: Any, clock: ManualClock
) -> None:
    suite = await run_gateway(webhooks_out_schedule_seconds=(0, 5, 300), webhooks_out_jitter=0)
    async with receiving(lambda number: answer(500 if number < 3 else 204)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        for step, expected in ((0, 1), (4.9, 1), (0.1, 2), (299, 2), (1, 3), (5000, 3)):
            clock.advance(seconds=step)
            await deliver(suite)
            assert len(receiver.got) == expected
        assert len(set(receiver.ids)) == 1
        stamps = [int(headers["webhook-timestamp"]) for headers, _ in receiver.got]
        assert (stamps[1] - stamps[0], stamps[2] - stamps[1]) == (5, 300)
        for headers, body in receiver.got:
            verify([endpoint["secret"]], headers, body, clock.now(), tolerance=timedelta(hours=2))
        (delivery,) = await deliveries(suite, endpoint)
        assert (delivery["status"], delivery["attempts"], delivery["last_status"]) == ("delivered", 3, 204)
        tries = (await suite.client().get(f"/v1/webhook-deliveries/{delivery['id']}")).json()["tries"]
        assert [(one["number"], one["status"]) for one in tries] == [(3, 204), (2, 500), (1, 500)]


async def test_the_worker_sleeps_until_the_next_attempt_the_end_of_a_pause_or_of_a_lost_lease(
    run_gateway: Any, clock: ManualClock
) -> None:
    suite = await run_gateway(webhooks_out_schedule_seconds=(0, 5, 300), webhooks_out_jitter=0)
    worker = suite.gateway.webhooks_out.worker
    async with receiving(lambda number: answer(500)) as receiver:
        await register(suite, receiver)
        await deliver(suite)
        assert await worker.tick() is None, "nothing will be due by itself"
        await publish(suite, COUPON)
        await deliver(suite)
        assert await worker.tick() == 5.0
        clock.advance(seconds=2)
        assert await worker.tick() == 3.0
        clock.advance(seconds=3)
        await deliver(suite)
        assert await worker.tick() == 300.0
        async with suite.gateway.kit.db.write() as tx:
            left = {
                "lease": "lse_dead",
                "lease_until": clock.now() + timedelta(seconds=40),
                "next_attempt_at": clock.now(),
            }
            await tx.run(update(Delivery.table).values(**left))
        assert await worker.tick() == 40.0
        async with suite.gateway.kit.db.write() as tx:
            await tx.run(update(Endpoint.table).values(paused_until=clock.now() + timedelta(seconds=7)))
        assert await worker.tick() == 7.0


async def test_after_the_last_try_it_waits_for_a_replay_under_the_same_id(run_gateway: Any, clock: ManualClock) -> None:
    suite = await run_gateway(webhooks_out_schedule_seconds=(0, 5), webhooks_out_jitter=0)
    async with receiving(lambda number: answer(500 if number < 3 else 200)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        clock.advance(seconds=5)
        await deliver(suite)
        (failed,) = await deliveries(suite, endpoint, status="failed")
        clock.advance(timedelta(days=1))
        await deliver(suite)
        assert len(receiver.got) == 2
        replayed = await suite.client().post(f"/v1/webhook-deliveries/{failed['id']}/replay")
        assert (replayed.status_code, replayed.json()["status"]) == (202, "pending")
        await deliver(suite)
        assert len(receiver.got) == 3
        assert len(set(receiver.ids)) == 1
        (delivery,) = await deliveries(suite, endpoint, status="delivered")
        assert (delivery["id"], delivery["attempts"]) == (failed["id"], 3)


async def test_a_killed_sender_leaves_a_lease_and_the_same_id_comes_again(suite: Suite, clock: ManualClock) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        dispatcher = suite.gateway.webhooks_out.worker._delivering

        async def killed(*_: Any) -> None:
            raise asyncio.CancelledError  # the request is out; the process dies before it can write that down

        real, dispatcher._record = dispatcher._record, killed  # type: ignore[assignment,method-assign]
        await publish(suite, COUPON)
        await deliver(suite)
        dispatcher._record = real  # type: ignore[method-assign]
        assert len(receiver.got) == 1
        await deliver(suite)
        assert len(receiver.got) == 1, "the lease still holds"
        busy = await suite.client().post(
            f"/v1/webhook-deliveries/{(await deliveries(suite, endpoint))[0]['id']}/replay"
        )
        assert busy.json()["code"] == "attempt_under_way"
        clock.advance(seconds=61)
        await deliver(suite)
        assert len(receiver.got) == 2
        assert len(set(receiver.ids)) == 1, "a receiver knows it by its id"
        (delivery,) = await deliveries(suite, endpoint)
        assert delivery["status"] == "delivered"


async def test_a_redirect_is_a_failure_and_a_retry_after_pauses_the_endpoint(
    run_gateway: Any, clock: ManualClock
) -> None:
    suite = await run_gateway(webhooks_out_jitter=0)
    replies = [answer(302, "location: http://127.0.0.1:1/\r\n"), answer(429, "retry-after: 100\r\n"), answer(200)]
    async with receiving(lambda number: replies[min(number, 3) - 1]) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        clock.advance(seconds=5)
        await deliver(suite)
        assert len(receiver.got) == 2
        shown = (await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
        assert (shown["failing_since"], shown["paused_until"]) == ("2026-11-11T02:00:00Z", "2026-11-11T02:05:05Z")
        await publish(suite, STOCK)
        clock.advance(seconds=299)
        await deliver(suite)
        assert len(receiver.got) == 2, "new events wait as well"
        clock.advance(seconds=1)
        for _ in range(2):
            await deliver(suite)
        assert len(receiver.got) == 4
        shown = (await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
        assert (shown["failing_since"], shown["paused_until"]) == (None, None)


async def test_410_disables_at_once_and_enabling_resumes_with_new_events_only(suite: Suite) -> None:
    async with receiving(lambda number: answer(410 if number == 1 else 200)) as receiver:
        endpoint = await register(suite, receiver)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        await publish(suite, COUPON)
        await deliver(suite)
        shown = (await suite.client().get(path)).json()
        assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
        log = (await suite.client().get("/v1/audit-log", params={"object_id": endpoint["id"]})).json()["data"]
        assert (log[0]["action"], log[0]["actor"]) == ("webhook_endpoint.disable", None)
        await publish(suite, STOCK)
        held, failed = await deliveries(suite, endpoint)
        assert (held["status"], failed["status"]) == ("held", "failed")
        refused = await suite.client().post(f"/v1/webhook-deliveries/{failed['id']}/replay")
        assert refused.json()["code"] == "endpoint_disabled"
        assert (await suite.client().patch(path, json={"enabled": True})).json()["status"] == "enabled"
        await deliver(suite)
        assert len(receiver.got) == 1
        await publish(suite, STOCK, ids=["evt_after"])
        await deliver(suite)
        assert receiver.ids[-1] == "evt_after"


async def test_days_of_nothing_but_failures_disable(run_gateway: Any, clock: ManualClock) -> None:
    suite = await run_gateway(
        webhooks_out_schedule_seconds=(0, 86400, 86400, 86400, 86400, 86400, 86400), webhooks_out_jitter=0
    )
    async with receiving(lambda number: answer(503)) as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        for day in range(6):
            await deliver(suite)
            shown = (await suite.client().get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
            assert shown["status"] == ("enabled" if day < 5 else "disabled")
            clock.advance(timedelta(days=1))
        assert shown["disabled_reason"] == "failing"
        (delivery,) = await deliveries(suite, endpoint)
        assert (delivery["status"], len(receiver.got)) == ("held", 6)


async def test_a_dead_endpoint_delays_no_other(run_gateway: Any) -> None:
    suite = await run_gateway(webhooks_out_in_flight=10, webhooks_out_per_endpoint=4, webhooks_out_total_seconds=5)
    hang = asyncio.Event()

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hang.wait()

    dead = RawServer(hangs)
    async with receiving() as well, dead.running():
        body = {"url": dead.url, "events": ["*"]}
        assert (await suite.client().post("/v1/webhook-endpoints", json=body)).status_code == 201
        await register(suite, well)
        await publish(suite, *[COUPON] * 50)
        for _ in range(1500):
            await suite.gateway.webhooks_out.worker.tick()
            if len(well.got) == 50:
                break
            await asyncio.sleep(0.02)
        assert len(well.got) == 50
        assert dead.open <= 4
        hang.set()
        await suite.gateway.webhooks_out.worker.idle()


async def test_what_was_held_while_it_was_sent_is_not_revived(suite: Suite, clock: ManualClock) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        await may_answer.wait()
        writer.write(answer(500))

    server = RawServer(slow)
    async with server.running():
        made = await suite.client().post("/v1/webhook-endpoints", json={"url": server.url, "events": ["*"]})
        path = f"/v1/webhook-endpoints/{made.json()['id']}"
        await publish(suite, COUPON)
        await suite.gateway.webhooks_out.worker.tick()
        await asked.wait()
        disabled = await suite.client().patch(path, json={"enabled": False})
        assert (disabled.json()["status"], disabled.json()["disabled_reason"]) == ("disabled", "by_request")
        may_answer.set()
        await suite.gateway.webhooks_out.worker.idle()
        await suite.client().patch(path, json={"enabled": True})
        clock.advance(timedelta(hours=1))
        await deliver(suite)
        (delivery,) = await deliveries(suite, made.json())
        assert (delivery["status"], server.connections) == ("held", 1)
        tries = (await suite.client().get(f"/v1/webhook-deliveries/{delivery['id']}")).json()["tries"]
        assert [one["status"] for one in tries] == [500], "the attempt is in the log all the same"
