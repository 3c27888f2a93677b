"""Reading stock: levels, movements, what may be sold. Answers, never decisions: the reservation is the guard."""

from collections.abc import Sequence
from datetime import datetime

from services.inventory.ledger import repository
from services.inventory.ledger.schemas import (
    AvailabilityView,
    LocationAvailability,
    MovementView,
    SkuAvailability,
    StockView,
)
from shared.service import Kit
from shared.web import Page, Paging, invalid

_LATER = "Dated supply is not counted: this is what is available now."


class Stock:
    """The reading side of the ledger."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db
        self._clock = kit.clock

    async def levels(self, paging: Paging, sku: str | None, location_id: str | None) -> Page[StockView]:
        """Levels, newest first."""
        async with self._db.read() as tx:
            return await repository.page_levels(tx, paging, sku, location_id)

    async def movements(
        self, paging: Paging, sku: str | None, location_id: str | None, reservation_id: str | None
    ) -> Page[MovementView]:
        """Movements, newest first."""
        async with self._db.read() as tx:
            return await repository.page_movements(tx, paging, sku, location_id, reservation_id)

    async def availability(self, skus: Sequence[str], channel: str | None, at: datetime | None) -> AvailabilityView:
        """What may be sold of each SKU over all active locations that ship; safety stock is not.

        All channels share one stock, so every channel has the same figure. A past instant is refused (Unprocessable).
        """
        now = self._clock.now()
        if at is not None and at < now:
            raise invalid("?at", "in_the_past", "Give an instant that is not in the past, or leave `at` out for now.")
        wanted = list(dict.fromkeys(skus))
        async with self._db.read() as tx:
            levels = await repository.levels_of(tx, sorted(wanted))
        places: dict[str, list[LocationAvailability]] = {sku: [] for sku in wanted}
        for level in levels:
            if level.shared:
                places[level.sku].append(LocationAvailability(location_id=level.location_id, available=level.shared))
        data = [
            SkuAvailability(sku=sku, available=sum(place.available for place in places[sku]), locations=places[sku])
            for sku in wanted
        ]
        note = _LATER if at is not None and at > now else None
        return AvailabilityView(channel=channel, at=at or now, note=note, data=data)
