"""Counts 盘点: on hand becomes what was counted; the difference is one movement."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from services.inventory.ledger import repository, rules
from services.inventory.ledger.posting import Ledger
from services.inventory.ledger.rules import Level, Movement
from services.inventory.locations.finding import require_locations
from shared.clock import Clock
from shared.db import Database, Transaction
from shared.web import Conflict

OpenReservations = Callable[[Transaction, str, str], Awaitable[Sequence[str]]]
"""(tx, sku, location_id) -> ids of reservations with open units there."""


class Counting:
    """`POST /v1/stock/counts`. ``at_risk`` names the reservations that a shortage would hit."""

    def __init__(self, db: Database, ledger: Ledger, clock: Clock, at_risk: OpenReservations) -> None:
        self._db = db
        self._ledger = ledger
        self._clock = clock
        self._at_risk = at_risk

    async def count(self, sku: str, location_id: str, counted: int, expected_version: int) -> tuple[Level, int]:
        """The level after the count and the difference in units.

        ``counted`` is everything that is physically there, reserved and damaged units too. Raises Conflict
        (`version_mismatch`: the level moved since it was read; `count_below_reserved`: fewer than are promised, with the
        reservations at risk), Unprocessable (`unknown_location`).
        """
        async with self._db.write() as tx:
            await require_locations(tx, [(location_id, "#/location_id")])
            await repository.create_levels(tx, [(sku, location_id)], self._clock.now())
            posting = await self._ledger.open(tx, [(sku, location_id)])
            level = posting.levels[sku, location_id]
            if level.version != expected_version:
                raise _moved(level)
            difference = counted - level.on_hand
            if level.free + difference < 0:
                raise await self._below_reserved(tx, level, counted)
            posting.move(_movements(level, difference))
            await self._ledger.write(tx, posting)
        return level, difference

    async def _below_reserved(self, tx: Transaction, level: Level, counted: int) -> Conflict:
        return Conflict(
            "count_below_reserved",
            "Fewer units were counted than are reserved, damaged and in quality control. Count again; if it is right, release "
            "reservations (see `reservations`) or write off damaged units with an adjustment, then send the count again.",
            counted=counted,
            level=_figures(level),
            reservations=list(await self._at_risk(tx, level.sku, level.location_id)),
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
