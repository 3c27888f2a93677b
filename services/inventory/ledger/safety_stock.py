"""Safety stock 安全库存: units kept back on purpose, and the number under which a level counts as low."""

from collections.abc import Mapping

from services.inventory.ledger.posting import Ledger
from services.inventory.ledger.rules import By, Level, LevelKey
from services.inventory.locations.management import Locations
from shared.service import Kit


class SafetyStock:
    """`PUT /v1/stock/safety`."""

    def __init__(self, kit: Kit, ledger: Ledger, locations: Locations) -> None:
        self._db = kit.db
        self._ledger = ledger
        self._locations = locations

    async def change(self, key: LevelKey, given: Mapping[str, int | None], by: By) -> Level:
        """The level after the setting of what is ``given`` (`safety_target`, `low_threshold`), the other stays as it is.

        Free units move at once, the rest as they become free; promised ones never.

        Raises Unprocessable (`unknown_location`).
        """
        async with self._db.write() as tx:
            await self._locations.require(tx, [(key[1], "#/location_id")])
            posting = await self._ledger.open_new(tx, [key])
            level = posting.levels[key]
            if any(getattr(level, name) != value for name, value in given.items()):
                for name, value in given.items():
                    setattr(level, name, value)
                await self._ledger.keep_settings(tx, level)
                posting.touch(level)
                posting.filled_by = by
                await self._ledger.write(tx, posting)
        return level
