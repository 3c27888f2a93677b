"""What every bus promises, with the real outbox, relay, inbox and consumers: one suite for all three arrangements."""

import asyncio
import json
from collections import Counter

import pytest
from messaging.arrangement import until
from messaging.conftest import RunProbe
from messaging.probe import FIRST, OTHER, SECOND, back, low, recording, sold_out, subscription, tell
from messaging.watching import Tap, outbox_packs, settled, skus
from sqlalchemy import select

from shared.contracts import Envelope, StockLow, StockSoldOut
from shared.db import Transaction
from shared.messaging import Pack


async def test_every_matching_subscription_gets_each_message_once(run_probe: RunProbe) -> None:
    service = await run_probe(
        recording(FIRST, StockLow), recording(SECOND, StockLow, StockSoldOut), recording(OTHER, StockSoldOut)
    )
    await tell(service, *(low(sku) for sku in skus(30)), *(sold_out(sku) for sku in skus(20, "gone")))
    await settled(service, Counter(skus(30)))
    await settled(service, Counter(skus(30) + skus(20, "gone")), SECOND)
    await settled(service, Counter(skus(20, "gone")), OTHER)


async def test_envelopes_arrive_as_they_were_written(run_probe: RunProbe) -> None:
    seen: list[Envelope] = []

    async def handle(tx: Transaction, event: StockLow, envelope: Envelope) -> None:
        assert event.sku == envelope.payload["sku"]
        seen.append(envelope)

    service = await run_probe(subscription(FIRST, handle))
    ids = await tell(service, *(low(f"库存-{number}") for number in range(3)))

    async def arrived() -> bool:
        return len(seen) == 3

    await until(arrived, "three envelopes")
    assert {one.id for one in seen} == set(ids)
    assert {one.name for one in seen} == {"stock.low"}
    assert {one.payload["sku"] for one in seen} == {"库存-0", "库存-1", "库存-2"}
    assert all(one.occurred_at.tzinfo is not None for one in seen)


async def test_a_pack_that_is_published_twice_takes_effect_once(run_probe: RunProbe) -> None:
    service = await run_probe(recording(FIRST, StockLow))
    service.kit.outbox.wake.clear()
    async with service.kit.db.write() as tx:
        await service.kit.outbox.publish(tx, [low(sku) for sku in skus(5)])
        packs = [Pack(row.pack_id, row.name, row.body) for row in await tx.execute(select(service.kit.outbox.table))]
    await settled(service, Counter(skus(5)))
    for _ in range(3):
        await service.kit.bus.publish([*packs, *packs])
    await tell(service, low("last"))
    await settled(service, Counter([*skus(5), "last"]))


async def test_a_rolled_back_change_sends_no_message(run_probe: RunProbe) -> None:
    service = await run_probe(recording(FIRST, StockLow))
    with pytest.raises(RuntimeError, match="changed my mind"):
        async with service.kit.db.write() as tx:
            await service.kit.outbox.publish(tx, [low("never")])
            raise RuntimeError("changed my mind")
    await tell(service, low("real"))
    await settled(service, Counter(["real"]))
    assert await outbox_packs(service) == []


async def test_a_message_that_nobody_subscribes_to_is_no_error(run_probe: RunProbe) -> None:
    service = await run_probe(recording(FIRST, StockLow))
    await tell(service, back("nobody"), low("somebody"), back("nobody"))
    await settled(service, Counter(["somebody"]))
    assert await service.relay.backlog() == 0
    assert service.kit.bus.health() == []


async def test_a_newer_version_with_more_fields_is_read(run_probe: RunProbe) -> None:
    service = await run_probe(recording(FIRST, StockLow))
    envelope = {
        "id": "evt_future",
        "name": "stock.low",
        "version": 7,
        "occurred_at": "2026-11-11T02:00:00Z",
        "payload": {"sku": "future", "location_id": "loc_1", "available": 0, "shade": "blue"},
        "sealed_by": "a later release",
    }
    await service.kit.bus.publish([Pack("evt_future", "stock.low", json.dumps([envelope]).encode())])
    await settled(service, Counter(["future"]))


async def test_a_consumer_that_no_longer_wants_a_name_does_not_get_it(run_probe: RunProbe) -> None:
    service = await run_probe()
    bus = service.kit.bus
    await bus.declare(FIRST, ["stock.low", "stock.sold_out"])
    tap = Tap()
    await bus.subscribe(FIRST, ["stock.low"], tap.deliver)
    ids = await tell(service, sold_out("unwanted"), low("wanted"))

    async def arrived() -> bool:
        return bool(tap.packs)

    await until(arrived, "the wanted one")
    await asyncio.sleep(0.3)
    assert tap.packs == Counter([ids[1]])


async def test_a_slow_consumer_holds_back_nobody_else_and_fetches_a_bounded_part(run_probe: RunProbe) -> None:
    slow = Tap()
    slow.gate.clear()
    service = await run_probe(recording(FIRST, StockLow))
    await service.kit.bus.subscribe(OTHER, ["stock.low"], slow.deliver)
    for start in range(0, 400, 20):  # each its own pack
        async with service.kit.db.write() as tx:
            for number in range(start, start + 20):
                await service.kit.outbox.publish(tx, [low(f"sku-{number}")])
        service.kit.outbox.wake.set()
    await settled(service, Counter(skus(400)))
    assert slow.largest <= 100
    assert len(slow.packs) <= 100
    slow.gate.set()

    async def caught_up() -> bool:
        return len(slow.packs) == 400

    await until(caught_up, "the slow one gets all in the end")
    await service.kit.bus.unsubscribe(OTHER)
    assert set(slow.packs.values()) == {1}


async def test_large_packs_travel_in_bounded_batches(run_probe: RunProbe) -> None:
    tap = Tap()
    service = await run_probe()
    await service.kit.bus.subscribe(OTHER, ["stock.low"], tap.deliver)
    bulky = [Pack(f"evt_{number}", "stock.low", b"[" + b" " * 600_000 + b"]") for number in range(20)]
    await service.kit.bus.publish(bulky)

    async def arrived() -> bool:
        return len(tap.packs) == 20

    await until(arrived, "all arrived")
    await service.kit.bus.unsubscribe(OTHER)
    assert tap.largest <= 2  # the second reaches a megabyte
