"""Reading stock: levels, movements, what may be sold. Answers, never decisions: the reservation is the guard."""

from collections.abc import Sequence
from datetime import datetime

from services.inventory.ledger import repository
from services.inventory.ledger.schemas import (
    MOST_SHOWN,
    AvailabilityView,
    LocationAvailability,
    MovementView,
    SkuAvailability,
    StockView,
)
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Page, Paging, invalid

MOST_SKUS = 20
"""That a shopper may ask for in one call; each may lie at thousands of places."""
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

    async def availability(
        self, caller: Caller, skus: Sequence[str], channel: str | None, at: datetime | None
    ) -> AvailabilityView:
        """What may be sold of each SKU over all active locations that ship; safety stock is not.

        All channels share one stock, so every channel has the same figure. A past instant is refused (Unprocessable), and
        more SKUs than a shopper may ask for at once.
        """
        now = self._clock.now()
        if at is not None and at < now:
            raise invalid("?at", "in_the_past", "Give an instant that is not in the past, or leave `at` out for now.")
        wanted = list(dict.fromkeys(skus))
        if caller.shopper and len(wanted) > MOST_SKUS:
            detail = f"Ask for at most {MOST_SKUS} SKUs at a time with a publishable key or an end-user's token."
            raise invalid("?sku", "too_many", detail)
        async with self._db.read() as tx:
            data = await (_shown(tx, wanted) if caller.shopper else _exact(tx, wanted))
        note = _LATER if at is not None and at > now else None
        return AvailabilityView(channel=channel, at=at or now, note=note, data=data)


async def _exact(tx: Transaction, skus: Sequence[str]) -> list[SkuAvailability]:
    places: dict[str, list[LocationAvailability]] = {sku: [] for sku in skus}
    for level in await repository.levels_of(tx, sorted(skus)):
        if level.shared:
            places[level.sku].append(LocationAvailability(location_id=level.location_id, available=level.shared))
    return [_of_sku(sku, sum(place.available for place in places[sku]), places[sku]) for sku in skus]


async def _shown(tx: Transaction, skus: Sequence[str]) -> list[SkuAvailability]:
    """As every shopper may know it: competitors read along, so nobody learns what is where, nor how much there is."""
    units = await repository.shared_units(tx, sorted(skus))
    return [_of_sku(sku, min(units.get(sku, 0), MOST_SHOWN), []) for sku in skus]


def _of_sku(sku: str, available: int, places: list[LocationAvailability]) -> SkuAvailability:
    return SkuAvailability(sku=sku, in_stock=available > 0, available=available, locations=places)
