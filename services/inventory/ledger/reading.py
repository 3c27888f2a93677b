"""Reading stock: levels, movements, what may be sold. Answers, never decisions: the reservation is the guard."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from services.inventory.ledger import repository
from services.inventory.ledger.repository import LEVEL, MOVEMENT
from services.inventory.ledger.rules import Level
from services.inventory.ledger.schemas import (
    AvailabilityView,
    LocationAvailability,
    MovementView,
    SkuAvailability,
    StockView,
)
from shared.clock import Clock
from shared.db import Database
from shared.web import Page, Paging, fetch_page, filtered, invalid

_LATER = "Dated supply is not counted: this is what is available now."


class Stock:
    """The reading side of the ledger."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def levels(self, paging: Paging, sku: str | None, location_id: str | None) -> Page[StockView]:
        """Levels, newest first."""
        statement = filtered(select(LEVEL), {LEVEL.c.sku: sku, LEVEL.c.location_id: location_id})
        async with self._db.read() as tx:
            return await fetch_page(tx, statement, LEVEL.c.id, paging, stock_view)

    async def movements(
        self, paging: Paging, sku: str | None, location_id: str | None, reservation_id: str | None
    ) -> Page[MovementView]:
        """Movements, newest first."""
        wanted = {MOVEMENT.c.sku: sku, MOVEMENT.c.location_id: location_id, MOVEMENT.c.reservation_id: reservation_id}
        statement = filtered(select(MOVEMENT), wanted)
        async with self._db.read() as tx:
            return await fetch_page(tx, statement, MOVEMENT.c.id, paging, MovementView.model_validate)

    async def availability(self, skus: Sequence[str], channel: str | None, at: datetime | None) -> AvailabilityView:
        """What may be sold of each SKU over all active locations that ship; safety stock is not.

        All channels share one stock, so every channel has the same figure. A past instant is refused (Unprocessable).
        """
        now = self._clock.now()
        if at is not None and at < now:
            raise invalid("?at", "in_the_past", "Give an instant that is not in the past, or leave `at` out for now.")
        wanted = list(dict.fromkeys(skus))
        async with self._db.read() as tx:
            levels = await repository.read_levels(tx, sorted(wanted))
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


def stock_view(row: Level | Any) -> StockView:
    """A level in memory, or a row of the table."""
    return StockView(**_figures(row))


def _figures(row: Level | Any) -> dict[str, Any]:
    names = set(StockView.model_fields) - {"reserved"}
    return {name: getattr(row, name) for name in names} | {"reserved": row.held + row.committed}
