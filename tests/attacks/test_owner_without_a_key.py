"""Nobody is told anything whose keys are all revoked or expired; what happens meanwhile is held, and a fresh key helps."""

from datetime import timedelta
from typing import Any

import pytest
from api.gateway.keykit import made_with
from api.gateway.receiverkit import STOCK, answer, deliver, deliveries, publish, receiving, register
from kit.gateway import Suite

from shared.clock import ManualClock
from shared.web.schemas import rfc3339

HEARS = {"kind": "partner", "scopes": ["gateway:*:*", "inventory:stock:read"]}


async def statuses(suite: Suite, endpoint: dict[str, Any]) -> dict[str, str]:
    return {one["event_id"]: one["status"] for one in await deliveries(suite, endpoint)}


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_an_owner_without_a_key_is_told_nothing_and_loses_nothing(
    suite: Suite, clock: ManualClock, end: str
) -> None:
    until = {"expires_at": rfc3339(clock.now() + timedelta(hours=1))} if end == "expired" else {}
    partner = await made_with(suite, None, **HEARS, **until)
    child = await made_with(suite, partner, scopes=["inventory:stock:read"])
    other = await made_with(suite, None, **HEARS)
    begun = rfc3339(clock.now())
    async with receiving() as receiver, receiving() as others:
        endpoint = await register(suite, receiver, "stock.sold_out", key=partner["key"])
        await register(suite, others, "stock.sold_out", key=other["key"])
        await publish(suite, STOCK, ids=["evt_1"])
        await deliver(suite)
        if end == "expired":
            clock.advance(timedelta(hours=1))
        else:
            await suite.client().delete(f"/v1/keys/{partner['id']}")
        await publish(suite, STOCK, ids=["evt_2"])
        await deliver(suite)
        assert (receiver.ids, sorted(others.ids)) == (["evt_1"], ["evt_1", "evt_2"])
        assert await statuses(suite, endpoint) == {"evt_1": "delivered", "evt_2": "held"}
        assert child["owner_id"] == partner["owner_id"]
        fresh = await made_with(suite, None, **HEARS, owner_id=partner["owner_id"])
        await publish(suite, STOCK, ids=["evt_3"])
        await deliver(suite)
        assert sorted(receiver.ids) == ["evt_1", "evt_3"]
        path = f"/v1/webhook-endpoints/{endpoint['id']}/replay"
        again = await suite.client(fresh["key"]).post(path, json={"since": begun, "status": "held"})
        assert (again.status_code, again.json()["count"]) == (202, 1)
        await deliver(suite)
        assert sorted(receiver.ids) == ["evt_1", "evt_2", "evt_3"]


async def test_what_is_tried_again_for_an_owner_without_a_key_waits_and_is_forgotten_in_time(
    run_gateway: Any, clock: ManualClock
) -> None:
    suite: Suite = await run_gateway(webhooks_out_jitter=0, webhooks_out_keep_days=30)
    partner = await made_with(suite, None, **HEARS)
    async with receiving(lambda _: answer(500)) as receiver:
        endpoint = await register(suite, receiver, "stock.sold_out", key=partner["key"])
        await publish(suite, STOCK, ids=["evt_1"])
        await deliver(suite)
        await suite.client().delete(f"/v1/keys/{partner['id']}")
        clock.advance(timedelta(days=1))
        await deliver(suite)
        assert len(receiver.got) == 1
        await suite.gateway.webhooks_out.worker.prune()
        assert await statuses(suite, endpoint) == {"evt_1": "held"}
        clock.advance(timedelta(days=31))
        await suite.gateway.webhooks_out.worker.prune()
        assert await statuses(suite, endpoint) == {}
