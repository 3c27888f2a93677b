"""What every bus promises, with the real outbox, relay, inbox and consumers: one suite for all three arrangements."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence

import pytest
from messaging.arrangement import Arrangement, until
from messaging.conftest import RunProbe
from messaging.probe import (
    FIRST,
    OTHER,
    SECOND,
    back,
    create_probe,
    effects,
    low,
    record,
    recording,
    sold_out,
    subscription,
    tell,
)
from sqlalchemy import select

from shared.contracts import Envelope, StockLow, StockSoldOut
from shared.db import Transaction
from shared.messaging import Failed, Pack
from shared.messaging.bus import Bus
from shared.service import Service


def skus(count: int, prefix: str = "sku") -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


async def settled(service: Service, expected: Counter[str], consumer: str = FIRST, seconds: float = 60) -> None:
    """Wait for exactly these effects, then a little longer for one too many."""

    async def complete() -> bool:
        return set(await effects(service, consumer)) >= set(expected)

    try:
        await until(complete, f"all effects of {consumer}", seconds)
    except AssertionError:
        missing = set(expected) - set(await effects(service, consumer))
        raise AssertionError(f"{consumer} missed {len(missing)}: {sorted(missing)[:5]}") from None
    await asyncio.sleep(0.3)
    assert await effects(service, consumer) == expected


async def parked_ids(bus: Bus, queue: str = FIRST) -> list[str]:
    return [one.id for one in await bus.parked(queue)]


async def outbox_packs(service: Service) -> list[Pack]:
    outbox = service.kit.outbox.table
    async with service.kit.db.read() as tx:
        return [Pack(row.pack_id, row.name, row.body) for row in await tx.execute(select(outbox))]


class Tap:
    """Receives packs without a database, and counts what the bus really handed over."""

    def __init__(self) -> None:
        self.packs: Counter[str] = Counter()
        self.largest = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def deliver(self, packs: Sequence[Pack]) -> list[Failed]:
        self.largest = max(self.largest, len(packs))
        self.packs.update(pack.id for pack in packs)
        await self.gate.wait()
        return []


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


async def test_a_poison_message_is_parked_and_its_neighbours_go_on(run_probe: RunProbe) -> None:
    service = await run_probe(recording(FIRST, StockLow), recording(SECOND, StockSoldOut))
    ids = await tell(service, low("a"), low("poison"), low("b"))  # one pack
    await tell(service, low("c"), sold_out("d"))
    await settled(service, Counter(["a", "b", "c"]))
    await settled(service, Counter(["d"]), SECOND)
    bus = service.kit.bus

    async def parked() -> bool:
        return await parked_ids(bus) == [ids[1]]

    await until(parked, "the poison message is parked")
    (one,) = await bus.parked(FIRST)
    assert (one.queue, one.name, one.attempts) == (FIRST, "stock.low", 4)  # the first try and one after each wait
    assert "Refused: poison can't be handled" in one.error
    assert [envelope["payload"]["sku"] for envelope in json.loads(one.body)] == ["poison"]
    assert await bus.parked(SECOND) == []
    assert [found.id for found in await bus.parked()] == [ids[1]]
    await settled(service, Counter(["a", "b", "c"]))  # the refused try left no effect


async def test_a_failure_that_passes_is_tried_again(run_probe: RunProbe) -> None:
    tries = Counter[str]()

    async def handle(tx: Transaction, event: StockLow, envelope: Envelope) -> None:
        tries[event.sku] += 1
        await record(tx, FIRST, envelope)
        if event.sku == "shy" and tries["shy"] < 3:
            raise RuntimeError("not yet")

    service = await run_probe(subscription(FIRST, handle))
    await tell(service, low("shy"))
    await settled(service, Counter(["shy"]))
    assert await service.kit.bus.parked(FIRST) == []


async def test_retries_reach_only_the_consumer_that_failed(run_probe: RunProbe) -> None:
    tap = Tap()
    service = await run_probe(recording(FIRST, StockLow))
    await service.kit.bus.subscribe(OTHER, ["stock.low"], tap.deliver)
    ids = await tell(service, low("poison"))

    async def parked() -> bool:
        return len(await service.kit.bus.parked(FIRST)) == 1

    await until(parked, "parked")
    await service.kit.bus.unsubscribe(OTHER)
    assert tap.packs == Counter(ids)


async def test_parked_messages_can_be_replayed_and_dropped(run_probe: RunProbe) -> None:
    healed = False

    async def handle(tx: Transaction, event: StockLow, envelope: Envelope) -> None:
        await record(tx, FIRST, envelope)
        if not healed:
            raise RuntimeError("ill")

    service = await run_probe(subscription(FIRST, handle), retry_seconds=(0.05,))
    bus = service.kit.bus
    ids = await tell(service, *(low(sku) for sku in skus(4)))

    async def parked(count: int) -> bool:
        return len(await bus.parked(FIRST)) == count

    await until(lambda: parked(4), "four parked")
    assert {one.attempts for one in await bus.parked(FIRST)} == {2}
    assert len(await bus.parked(FIRST, limit=3)) == 3
    assert await bus.drop(FIRST, [ids[0], "evt_unknown"]) == 1
    assert await bus.replay(FIRST, ["evt_unknown"]) == 0
    assert await bus.replay(FIRST, [ids[1]]) == 1  # still ill: fails again with fresh attempts
    await until(lambda: parked(3), "parked again")
    healed = True
    assert await bus.replay(FIRST, [ids[1]]) == 1
    await settled(service, Counter(["sku-1"]))
    assert await bus.replay(FIRST) == 2
    await settled(service, Counter(skus(4)[1:]))
    assert await bus.parked(FIRST) == []
    assert await bus.drop(FIRST) == 0


async def test_many_listings_do_not_wear_a_parked_message_out(run_probe: RunProbe) -> None:
    service = await run_probe(recording(FIRST, StockLow), retry_seconds=())
    ids = await tell(service, low("poison"))
    bus = service.kit.bus

    async def parked() -> bool:
        return len(await bus.parked(FIRST)) == 1

    await until(parked, "parked")
    for _ in range(60):
        assert await parked_ids(bus) == ids


async def test_rubbish_is_parked_without_stopping_the_queue(run_probe: RunProbe) -> None:
    service = await run_probe(recording(FIRST, StockLow), retry_seconds=(0.05,))
    bus = service.kit.bus
    envelope = {"id": "evt_odd", "name": "stock.low", "version": 1, "occurred_at": "2026-11-11T02:00:00Z"}
    odd = json.dumps([{**envelope, "payload": {"sku": 5}}]).encode()
    await bus.publish([Pack("evt_junk", "stock.low", b"\xff not json"), Pack("evt_odd", "stock.low", odd)])
    await tell(service, low("good"))
    await settled(service, Counter(["good"]))

    async def parked() -> bool:
        return sorted(await parked_ids(bus)) == ["evt_junk", "evt_odd"]

    await until(parked, "both parked")


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


async def test_messages_wait_for_a_consumer_that_is_not_running(arrangement: Arrangement, run_probe: RunProbe) -> None:
    service = await run_probe()
    bus = service.kit.bus
    await bus.declare(FIRST, ["stock.low"])
    await tell(service, *(low(sku) for sku in skus(120)))

    async def sent() -> bool:
        return await service.relay.backlog() == 0

    await until(sent, "the relay has sent all")
    later = create_probe(arrangement.place.settings(), bus, subscriptions=[recording(FIRST, StockLow)])
    async with later.running():
        await settled(later, Counter(skus(120)))


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


async def test_a_consumer_whose_database_is_away_waits_without_counting_tries(run_probe: RunProbe) -> None:
    away = True

    async def deliver(packs: Sequence[Pack]) -> list[Failed]:
        if away:
            raise ConnectionRefusedError("the database is away")
        return await tap.deliver(packs)

    tap = Tap()
    service = await run_probe(retry_seconds=())
    await service.kit.bus.subscribe(OTHER, ["stock.low"], deliver)
    ids = await tell(service, low("patient"))
    await asyncio.sleep(1.5)
    assert await service.kit.bus.parked(OTHER) == []
    away = False

    async def arrived() -> bool:
        return bool(tap.packs)

    await until(arrived, "delivered once the database is back")
    await service.kit.bus.unsubscribe(OTHER)
    assert tap.packs == Counter(ids)
    assert await service.kit.bus.parked(OTHER) == []


async def test_a_handler_that_times_out_by_itself_is_parked_like_any_other(run_probe: RunProbe) -> None:
    async def handle(tx: Transaction, event: StockLow, envelope: Envelope) -> None:
        if event.sku == "late":
            raise TimeoutError("something else did not answer")  # looks like an outage of the database
        await record(tx, FIRST, envelope)

    service = await run_probe(subscription(FIRST, handle), retry_seconds=(0.05,))
    ids = await tell(service, low("late"), low("prompt"))
    await settled(service, Counter(["prompt"]))

    async def parked() -> bool:
        return await parked_ids(service.kit.bus) == [ids[0]]

    await until(parked, "parked")


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


async def test_stopping_waits_for_the_handler_at_work(arrangement: Arrangement) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def handle(tx: Transaction, event: StockLow, envelope: Envelope) -> None:
        begun.set()
        await asyncio.sleep(0.5)
        await record(tx, FIRST, envelope)
        ended.set()

    bus = arrangement.place.bus()
    await bus.start()
    service = create_probe(arrangement.place.settings(), bus, subscriptions=[subscription(FIRST, handle)])
    async with service.running():
        await tell(service, low("careful"))
        async with asyncio.timeout(60):
            await begun.wait()
        await bus.unsubscribe(FIRST)
        assert ended.is_set()
        assert await effects(service) == Counter(["careful"])
    await bus.stop()


async def test_nothing_is_lost_when_the_broker_goes_away_and_comes_back(
    arrangement: Arrangement, run_probe: RunProbe
) -> None:
    service = await run_probe(recording(FIRST, StockLow), recording(SECOND, StockLow))
    bus = service.kit.bus
    await tell(service, *(low(sku) for sku in skus(50, "before")))
    async with arrangement.broker_away():
        for number in range(60):
            await tell(service, low(f"during-{number}"))
        if arrangement.notices_outage:

            async def noticed() -> bool:
                return bool(bus.health())

            await until(noticed, "health() tells that the broker is away")
            assert any(bus.health()[0] in sentence for sentence in await service.readiness())
        await asyncio.sleep(0.7)
        assert await service.relay.backlog() > 0
    await tell(service, *(low(sku) for sku in skus(50, "after")))
    expected = Counter(skus(50, "before") + skus(60, "during") + skus(50, "after"))
    await settled(service, expected, seconds=30)
    await settled(service, expected, SECOND, seconds=30)

    async def well() -> bool:
        return bus.health() == []

    await until(well, "health() is clean again")
    assert await service.relay.backlog() == 0
    assert await bus.parked(FIRST) == []


async def test_nothing_is_lost_when_connections_break_again_and_again(
    arrangement: Arrangement, run_probe: RunProbe
) -> None:
    service = await run_probe(recording(FIRST, StockLow))

    async def saboteur() -> None:
        while True:
            await asyncio.sleep(0.25)
            await arrangement.drop_connections()

    task = asyncio.create_task(saboteur())
    try:
        for start in range(0, 300, 10):
            await tell(service, *(low(f"sku-{number}") for number in range(start, start + 10)))
            await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await settled(service, Counter(skus(300)), seconds=40)
    assert await service.kit.bus.parked(FIRST) == []


@pytest.mark.parametrize("servers_of_arrangement", ["rabbit"], indirect=True)
async def test_the_bus_may_start_while_its_broker_is_away(arrangement: Arrangement, run_probe: RunProbe) -> None:
    async with arrangement.broker_away():
        service = await run_probe(recording(FIRST, StockLow))
        await tell(service, low("early"))
        assert service.kit.bus.health()
    await settled(service, Counter(["early"]))
    assert service.kit.bus.health() == []
