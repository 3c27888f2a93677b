"""What the bus's tests wait for: effects, parked messages, and what was really handed over."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from messaging.arrangement import until
from messaging.probe import FIRST, effects
from sqlalchemy import select

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
