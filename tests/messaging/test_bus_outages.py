"""No bus loses anything when a consumer, its database or the broker goes away for a while."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from messaging.arrangement import Arrangement, until
from messaging.conftest import RunProbe
from messaging.probe import FIRST, OTHER, SECOND, create_probe, effects, low, record, recording, subscription, tell
from messaging.watching import Tap, settled, skus

from shared.contracts import Envelope, StockLow
from shared.db import Transaction
from shared.messaging import Failed, Pack
from shared.readiness import State, is_ready


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
            checks = {check.check: check for check in await service.readiness()}
            assert (checks["bus"].state, is_ready(list(checks.values()))) == (State.DEGRADED, True)
            assert "127.0.0.1" not in checks["bus"].detail, "addresses are for the log"
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
