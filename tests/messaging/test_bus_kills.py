"""Processes killed at the worst moments, and several processes on one outbox."""

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence

import pytest
from messaging.arrangement import Arrangement, until
from messaging.conftest import RunProbe
from messaging.probe import FIRST, OTHER, create_probe, effects, facts, low, recording, sold_out, tell
from prometheus_client import REGISTRY

from shared.contracts import StockLow
from shared.messaging import Failed, Pack


async def test_a_crash_between_commit_and_acknowledgement_repeats_no_effect(
    arrangement: Arrangement, run_probe: RunProbe
) -> None:
    bus = arrangement.place.bus()
    await bus.start()
    teller = create_probe(arrangement.place.settings(), bus)
    async with teller.running():
        await bus.declare(FIRST, ["stock.low"])
        await tell(teller, low("once"))

        async def sent() -> bool:
            return await teller.relay.backlog() == 0

        await until(sent, "the relay has sent it")
    await bus.stop()

    child = await arrangement.child("consume")
    async with asyncio.timeout(60):
        assert await child.wait() == -signal.SIGKILL

    service = await run_probe(recording(FIRST, StockLow))
    assert await effects(service) == Counter(["once"])  # the child had committed
    await tell(service, low("next"))

    async def handled() -> bool:
        return (await effects(service))["next"] == 1

    await until(handled, "the queue goes on")
    await asyncio.sleep(0.5)
    assert await effects(service) == Counter(["once", "next"])
    assert await service.kit.bus.parked(FIRST) == []


@pytest.mark.parametrize("seconds", [0.1, 0.6])
async def test_a_relay_killed_while_it_publishes_loses_and_repeats_nothing(
    arrangement: Arrangement, run_probe: RunProbe, seconds: float
) -> None:
    bus = arrangement.place.bus()
    await bus.start()
    prepared = create_probe(arrangement.place.settings(), bus)
    async with prepared.running():
        await bus.declare(FIRST, ["stock.low"])
    await bus.stop()

    child = await arrangement.child("tell", count=3_000)

    async def begun() -> bool:
        watcher = create_probe(arrangement.place.settings(), bus)
        async with watcher.kit.db.read() as tx:
            rows = await tx.execute(watcher.kit.outbox.table.select().limit(1))
            found = rows.first() is not None
        await watcher.kit.db.close()
        return found

    await until(begun, "the child publishes")
    await asyncio.sleep(seconds)
    child.kill()
    await child.wait()

    service = await run_probe(recording(FIRST, StockLow))
    told = await facts(service)
    assert told

    async def all_handled() -> bool:
        return len(await effects(service)) == len(told)

    await until(all_handled, f"all {len(told)} facts that were committed", 60)
    await asyncio.sleep(0.5)
    assert await effects(service) == Counter(told)


def published() -> float:
    """Packs that relays of this process have handed to a bus so far."""
    return REGISTRY.get_sample_value("quanyu_outbox_published_total", {"service": "probe"}) or 0.0


@pytest.mark.parametrize("servers_of_arrangement", ["local-postgresql", "rabbit"], indirect=True)
async def test_two_relays_on_one_outbox_publish_each_pack_once(arrangement: Arrangement, run_probe: RunProbe) -> None:
    handed = Counter[str]()

    async def deliver(packs: Sequence[Pack]) -> list[Failed]:
        handed.update(pack.id for pack in packs)
        return []

    service = await run_probe()
    bus = service.kit.bus
    await bus.subscribe(OTHER, ["stock.low", "stock.sold_out"], deliver)
    before = published()
    others = [create_probe(arrangement.place.settings(), bus) for _ in range(2)]  # their own connections
    async with others[0].running(), others[1].running():
        # Names in turn make a pack of each; one commit shows them all to three relays at once.
        await tell(service, *(low(f"sku-{number}") if number % 2 else sold_out("x") for number in range(1_000)))
        for one in others:
            one.kit.outbox.wake.set()

        async def arrived() -> bool:
            return len(handed) == 1_000 and await service.relay.backlog() == 0

        await until(arrived, "all arrived", 40)
    await bus.unsubscribe(OTHER)
    assert set(handed.values()) == {1}
    assert published() - before == 1_000
