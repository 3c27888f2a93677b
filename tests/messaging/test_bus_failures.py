"""What every bus does with messages that can't be handled: tried again, parked, replayed, dropped."""

import json
from collections import Counter

from messaging.arrangement import until
from messaging.conftest import RunProbe
from messaging.probe import FIRST, OTHER, SECOND, low, record, recording, sold_out, subscription, tell
from messaging.watching import Tap, parked_ids, settled, skus

from shared.contracts import Envelope, StockLow, StockSoldOut
from shared.db import Transaction
from shared.figures import of_queues
from shared.messaging import Depth, Pack
from shared.observability.metrics import QUEUE_PARKED, QUEUE_WAITING


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
    assert await bus.depths([FIRST, SECOND]) == [Depth(FIRST, 0, 1), Depth(SECOND, 0, 0)]
    figures = await of_queues(bus, [FIRST])
    assert {(figure.gauge, figure.labels, figure.value) for figure in figures} == {
        (QUEUE_WAITING, (FIRST,), 0),
        (QUEUE_PARKED, (FIRST,), 1),
    }
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
