"""Webhooks out: from an event on the bus to a real receiver, signed, once to each endpoint."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from api.gateway.receiverkit import COUPON, STOCK, deliver, deliveries, publish, receiving, register
from kit.gateway import Suite
from sqlalchemy import select
from standardwebhooks import Webhook

from gateway.webhooks_out.models import Attempt, WebhookEvent
from shared.clock import ManualClock
from shared.webhooks import SignatureInvalid, verify


async def test_an_event_arrives_signed_over_the_very_bytes_that_were_sent(suite: Suite, clock: ManualClock) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver, "coupon.redeemed", "stock.*")
        event_id, _ = await publish(suite, COUPON, STOCK)
        await deliver(suite)
        assert len(receiver.got) == 2
        headers, body = receiver.got[receiver.ids.index(event_id)]
        assert verify([endpoint["secret"]], headers, body, clock.now()) == event_id
        with pytest.raises(SignatureInvalid):
            verify([endpoint["secret"]], headers, body + b" ", clock.now())
        document = json.loads(body)
        assert (document["type"], document["timestamp"]) == ("coupon.redeemed", "2026-11-11T02:00:00Z")
        assert document["data"] == COUPON.model_dump()
        detail = (
            await suite.client().get(f"/v1/webhook-deliveries/{(await deliveries(suite, endpoint))[0]['id']}")
        ).json()
        assert detail["status"] == "delivered"
        assert detail["payload"].encode() in [sent for _, sent in receiver.got]
        assert [(one["status"], one["answer"]) for one in detail["tries"]] == [(200, "thanks")]


async def test_the_official_library_of_the_receiver_accepts_it(run_gateway: Any, clock: ManualClock) -> None:
    from datetime import UTC, datetime

    suite = await run_gateway()
    clock.set(datetime.now(UTC))  # that library has no clock but the machine's
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        rotated = await suite.client().post(f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret")
        await publish(suite, COUPON)
        await deliver(suite)
        ((headers, body),) = receiver.got
        assert len(headers["webhook-signature"].split(" ")) == 2, "two signatures while the secret is being rotated"
        for secret in (endpoint["secret"], rotated.json()["secret"]):
            Webhook(secret).verify(body, headers)


async def test_an_old_secret_signs_until_its_overlap_ends(suite: Suite, clock: ManualClock) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        new = (await suite.client().post(path + "/rotate-secret", json={"overlap_seconds": 60})).json()["secret"]
        assert "secret" not in (await suite.client().get(path)).json()
        clock.advance(seconds=60)
        await publish(suite, COUPON)
        await deliver(suite)
        ((headers, body),) = receiver.got
        verify([new], headers, body, clock.now())
        with pytest.raises(SignatureInvalid):
            verify([endpoint["secret"]], headers, body, clock.now())


async def test_one_delivery_per_event_and_endpoint_however_often_the_event_comes(suite: Suite) -> None:
    async with receiving() as receiver:
        first, second = await register(suite, receiver, "coupon.*"), await register(suite, receiver, "*")
        ids = await publish(suite, COUPON, COUPON, ids=["evt_same", "evt_same"])
        await publish(suite, COUPON, ids=ids[:1])
        for _ in range(3):
            await deliver(suite)
        assert receiver.ids == ["evt_same", "evt_same"], "once to each of the two"
        for endpoint in (first, second):
            assert len(await deliveries(suite, endpoint)) == 1


async def test_only_what_was_asked_for_is_sent(suite: Suite) -> None:
    async with receiving() as receiver:
        await register(suite, receiver, "coupon.issued", "reservation.*")
        await publish(suite, COUPON, STOCK)
        await deliver(suite)
        assert receiver.got == []


async def test_events_go_out_by_themselves_within_moments(suite: Suite) -> None:
    async with receiving() as receiver:
        await register(suite, receiver)
        await publish(suite, COUPON)
        async with asyncio.timeout(60):
            await receiver.first.wait()


async def test_a_test_event_goes_to_one_endpoint(suite: Suite) -> None:
    async with receiving() as receiver:
        endpoint, _ = await register(suite, receiver, "stock.low"), await register(suite, receiver)
        made = await suite.client().post(f"/v1/webhook-endpoints/{endpoint['id']}/test")
        assert (made.status_code, made.json()["event_type"]) == (202, "webhook.test")
        await deliver(suite)
        ((_, body),) = receiver.got
        assert json.loads(body)["data"] == {"endpoint_id": endpoint["id"]}


async def test_history_is_forgotten_after_its_time(suite: Suite, clock: ManualClock) -> None:
    async with receiving() as receiver:
        endpoint = await register(suite, receiver)
        await publish(suite, COUPON)
        await deliver(suite)
        clock.advance(timedelta(days=29))
        await suite.gateway.webhooks_out.worker.prune()
        assert len(await deliveries(suite, endpoint)) == 1
        clock.advance(timedelta(days=2))
        await suite.gateway.webhooks_out.worker.prune()
        assert await deliveries(suite, endpoint) == []
        async with suite.gateway.kit.db.read() as tx:
            assert [await tx.scalars(select(one.table)) for one in (Attempt, WebhookEvent)] == [[], []]
