"""Safety stock 安全库存: units kept back on purpose, and the number under which a level counts as low."""

from services.inventory.ledger import repository
from services.inventory.ledger.posting import Ledger
from services.inventory.ledger.rules import Level
from services.inventory.locations.finding import require_locations
from shared.clock import Clock
from shared.db import Database


class Safekeeping:
    """`PUT /v1/stock/safety`."""

    def __init__(self, db: Database, ledger: Ledger, clock: Clock) -> None:
        self._db = db
        self._ledger = ledger
        self._clock = clock

    async def keep(self, sku: str, location_id: str, target: int, low_threshold: int | None) -> Level:
        """The level after the setting. Free units move at once, the rest as they become free; promised ones never.

        Raises Unprocessable (`unknown_location`).
        """
        async with self._db.write() as tx:
            await require_locations(tx, [(location_id, "#/location_id")])
            await repository.create_levels(tx, [(sku, location_id)], self._clock.now())
            posting = await self._ledger.open(tx, [(sku, location_id)])
            level = posting.levels[sku, location_id]
            if (level.safety_target, level.low_threshold) != (target, low_threshold):
                level.safety_target, level.low_threshold = target, low_threshold
                await repository.set_safety(tx, level.id, target, low_threshold)
                posting.touch(level)
                await self._ledger.write(tx, posting)
        return level
