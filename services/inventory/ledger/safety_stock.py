"""Safety stock 安全库存: units kept back on purpose, and the number under which a level counts as low."""

from services.inventory.ledger import repository
from services.inventory.ledger.posting import Ledger
from services.inventory.ledger.rules import Level
from services.inventory.locations.management import Locations
from shared.service import Kit


class SafetyStock:
    """`PUT /v1/stock/safety`."""

    def __init__(self, kit: Kit, ledger: Ledger, locations: Locations) -> None:
        self._db = kit.db
        self._ledger = ledger
        self._locations = locations

    async def change(self, sku: str, location_id: str, target: int, low_threshold: int | None) -> Level:
        """The level after the setting. Free units move at once, the rest as they become free; promised ones never.

        Raises Unprocessable (`unknown_location`).
        """
        async with self._db.write() as tx:
            await self._locations.require(tx, [(location_id, "#/location_id")])
            posting = await self._ledger.open_new(tx, [(sku, location_id)])
            level = posting.levels[sku, location_id]
            if (level.safety_target, level.low_threshold) != (target, low_threshold):
                level.safety_target, level.low_threshold = target, low_threshold
                await repository.update_safety(tx, level.id, target, low_threshold)
                posting.touch(level)
                await self._ledger.write(tx, posting)
        return level
