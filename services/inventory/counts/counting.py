"""Counts 盘点: on hand becomes what was counted; the difference is one movement."""

from collections.abc import Mapping
from typing import Any

from services.inventory.ledger import rules
from services.inventory.ledger.posting import Ledger
from services.inventory.ledger.rules import Level, Movement
from services.inventory.locations.management import Locations
from services.inventory.reservations.queries import Reservations
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict


class Counting:
    """`POST /v1/stock/counts`."""

    def __init__(self, kit: Kit, ledger: Ledger, locations: Locations, reservations: Reservations) -> None:
        self._db = kit.db
        self._ledger = ledger
        self._locations = locations
        self._reservations = reservations

    async def count(
        self, caller: Caller, sku: str, location_id: str, counted: int, expected_version: int
    ) -> tuple[Level, int]:
        """The level after the count and the difference in units.

        ``counted`` is everything that is physically there, reserved and damaged units too. Raises Conflict
        (`version_mismatch`: the level moved since it was read; `count_below_reserved`: fewer than are promised, with the
        reservations at risk), Unprocessable (`unknown_location`).
        """
        async with self._db.write() as tx:
            await self._locations.require(tx, [(location_id, "#/location_id")])
            posting = await self._ledger.open_new(tx, [(sku, location_id)])
            level = posting.levels[sku, location_id]
            if level.version != expected_version:
                raise _moved(level)
            difference = counted - level.on_hand
            if level.free + difference < 0:
                raise await self._below_reserved(tx, caller, level, counted)
            posting.move(one._replace(owner_id=caller.owner_id) for one in _movements(level, difference))
            await self._ledger.write(tx, posting)
        return level, difference

    async def _below_reserved(self, tx: Transaction, caller: Caller, level: Level, counted: int) -> Conflict:
        return Conflict(
            "count_below_reserved",
            "Fewer units were counted than are reserved, damaged and in quality control. Count again; if it is right, release "
            "reservations (see `reservations`) or write off damaged units with an adjustment, then send the count again.",
            counted=counted,
            level=_figures(level),
            reservations=await self._reservations.open_at(tx, caller, level.sku, level.location_id),
        )


def _movements(level: Level, difference: int) -> list[Movement]:
    parts: list[tuple[rules.State, rules.State, int]] = []
    if difference > 0:
        parts = [("outside", "available", difference)]
    elif difference < 0:
        parts = [(source, "outside", units) for source, units in rules.withdrawal(level, -difference)]
    return [
        Movement(
            level.sku, level.location_id, source, target, units, "count", f"{level.id}:{level.version + 1}:count:{n}"
        )
        for n, (source, target, units) in enumerate(parts, start=1)
    ]


def _moved(level: Level) -> Conflict:
    return Conflict(
        "version_mismatch",
        "The stock moved since it was read. Read it again with GET /v1/stock and send the count with the present version.",
        level=_figures(level),
    )


def _figures(level: Level) -> Mapping[str, Any]:
    return {
        "sku": level.sku,
        "location_id": level.location_id,
        "on_hand": level.on_hand,
        "available": level.available,
        "version": level.version,
    }
