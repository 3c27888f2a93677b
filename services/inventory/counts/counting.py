"""Counts 盘点: on hand becomes what was counted, and what has moved since; the difference is one movement."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from services.inventory.counts import repository
from services.inventory.counts.schemas import CountIn
from services.inventory.ledger import rules
from services.inventory.ledger.posting import Ledger
from services.inventory.ledger.rules import By, Level, Movement
from services.inventory.locations.management import Locations
from services.inventory.reservations.queries import Reservations
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, invalid

OLDEST: Final = timedelta(days=31)
"""How long ago a count may have been taken: what is older is a slip of the pen rather than a count."""
AHEAD: Final = timedelta(minutes=1)
"""By which the clock of who counts may be fast: until then it means now."""


class Counting:
    """`POST /v1/stock/counts`."""

    def __init__(self, kit: Kit, ledger: Ledger, locations: Locations, reservations: Reservations) -> None:
        self._db = kit.db
        self._ledger = ledger
        self._locations = locations
        self._reservations = reservations

    async def count(self, caller: Caller, body: CountIn) -> tuple[Level, int]:
        """The level after the count and the difference in units.

        What was counted is compared with what the ledger had on hand then, so that goods which are sold and received while
        people count can be counted. The same count again finds no difference any more.

        Raises Conflict (`version_mismatch`: a version that the level never had; `count_superseded`: a newer count is entered;
        `count_below_reserved`: fewer than are promised, with the reservations at risk), Unprocessable (`unknown_location`,
        an `as_of` that is not of this month).
        """
        async with self._db.write() as tx:
            await self._locations.require(tx, [(body.location_id, "#/location_id")])
            posting = await self._ledger.open_new(tx, [(body.sku, body.location_id)])
            level = posting.levels[body.sku, body.location_id]
            version = await self._version(tx, body, level, posting.now)
            difference = body.counted - level.on_hand + await repository.on_hand_since(tx, level.key, version)
            if level.free + difference < 0:
                raise await self._below_reserved(tx, caller, level, body.counted)
            movements = _movements(level, difference)
            posting.move((one._replace(owner_id=caller.owner_id) for one in movements), By(caller.actor, body.remark))
            level.counted_version = version
            await self._ledger.keep_settings(tx, level)
            await self._ledger.write(tx, posting)
        return level, difference

    async def _version(self, tx: Transaction, body: CountIn, level: Level, now: datetime) -> int:
        """The level's version when it was counted."""
        if body.as_of is not None:
            if not now - OLDEST <= body.as_of <= now + AHEAD:
                detail = f"Give the instant of the count: not in the future, and at most {OLDEST.days} days ago."
                raise invalid("#/as_of", "not_of_this_month", detail)
            version = await repository.version_at(tx, level.key, body.as_of)
        else:
            version = body.began_at or 0
            if version > level.version or (version == 0 and level.version > 0):
                raise _never_had(level)
        if version < level.counted_version:
            raise _superseded(level)
        return version

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
    prefix = f"{rules.COUNT_KEY}{level.id}:{level.version + 1}:"
    return [
        Movement(level.sku, level.location_id, source, target, units, "count", prefix + str(n))
        for n, (source, target, units) in enumerate(parts, start=1)
    ]


def _never_had(level: Level) -> Conflict:
    return Conflict(
        "version_mismatch",
        "The level never had this version. Read it with GET /v1/stock before you count, and send the `version` that you read, "
        "or send `as_of`, the instant of the count.",
        level=_figures(level),
    )


def _superseded(level: Level) -> Conflict:
    return Conflict(
        "count_superseded",
        "A count that was taken later has been entered already, so this one corrects nothing any more. Count again if in doubt.",
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
