"""Adjustments 调整: several lines, all or nothing, never below zero."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.inventory.ledger import rules
from services.inventory.ledger.documents import Document
from services.inventory.ledger.posting import Ledger, Posting
from services.inventory.ledger.rules import By, Counter, Level, LevelKey, Movement
from services.inventory.ledger.schemas import Reason
from services.inventory.locations.management import Locations
from services.inventory.locations.problems import location_closed
from shared.service import Kit
from shared.web import Caller, Conflict, Unprocessable


@dataclass(frozen=True, slots=True)
class Change:
    """``units`` more (or, below zero, fewer) of a SKU in one state at a location. ``index``: its place in the request."""

    index: int
    sku: str
    location_id: str
    state: Counter
    units: int

    @property
    def key(self) -> LevelKey:
        """Which level is changed."""
        return (self.sku, self.location_id)


class Adjusting:
    """`POST /v1/stock/adjustments`."""

    def __init__(self, kit: Kit, ledger: Ledger, locations: Locations) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._ledger = ledger
        self._locations = locations

    async def adjust(
        self, caller: Caller, changes: Sequence[Change], reason: Reason, reference: str | None, remark: str | None
    ) -> tuple[Mapping[str, Any], bool]:
        """The adjustment as it was made (schemas.AdjustmentView), and whether an earlier call made it.

        Raises Conflict (`insufficient_stock` with every short line, `location_closed`, `reference_reused`), Unprocessable
        (`unknown_location`, `quantity_too_high`).
        """
        now = self._clock.now()
        body = [reason, [[change.sku, change.location_id, change.state, change.units] for change in changes]]
        net = _sum(changes)
        async with self._db.write() as tx:
            document = Document("adjustment", caller.owner_id, reference)
            earlier = await document.register(tx, body, now)
            if earlier is not None:
                return earlier, True
            await self._locations.require(
                tx, [(change.location_id, f"#/lines/{change.index}/location_id") for change in changes]
            )
            posting = await self._ledger.open_new(tx, {change.key for change in net})
            if reason == "transfer":
                _check_open(net, posting)
            _check(net, posting)
            moved = _movements(net, posting, document.id, reason, reference)
            posting.move((one._replace(owner_id=caller.owner_id) for one in moved), By(caller.actor, remark))
            await self._ledger.write(tx, posting)
            answer = {
                "id": document.id,
                "reason": reason,
                "reference": reference,
                "remark": remark,
                "created_at": now.isoformat().replace("+00:00", "Z"),
                "lines": [_shown(change, posting.levels[change.key]) for change in net],
            }
            await document.keep(tx, answer)
        return answer, False


def _sum(changes: Sequence[Change]) -> list[Change]:
    """One change for each (sku, location, state): two lines of one SKU are checked together."""
    net: dict[tuple[str, str, Counter], Change] = {}
    for change in changes:
        where = (change.sku, change.location_id, change.state)
        first = net.get(where)
        net[where] = (
            Change(first.index, change.sku, change.location_id, change.state, first.units + change.units)
            if first
            else change
        )
    return list(net.values())


def _check_open(net: Sequence[Change], posting: Posting) -> None:
    """Nobody sends goods to a closed place. What is found there is there: it may be received, counted and corrected."""
    closed = [change for change in net if change.units > 0 and not posting.levels[change.key].active]
    if closed:
        raise location_closed([(change.location_id, f"#/lines/{change.index}/location_id") for change in closed])


def _check(net: Sequence[Change], posting: Posting) -> None:
    short = []
    for change in net:
        level = posting.levels[change.key]
        there = _there(level, change.state)
        if there + change.units < 0:
            short.append(
                {
                    "pointer": f"#/lines/{change.index}",
                    "sku": change.sku,
                    "location_id": change.location_id,
                    "state": change.state,
                    "change": change.units,
                    "available": there,
                }
            )
        if there + change.units > rules.MAX_LEVEL:
            raise Unprocessable(
                "quantity_too_high",
                f"A level holds at most {rules.MAX_LEVEL} units. Check the unit of the change in line {change.index}.",
            )
    if short:
        raise Conflict(
            "insufficient_stock",
            "Nothing was adjusted: some lines take more than is there. Reserved units cannot be taken; release them first, "
            "or lower the change to `available`.",
            lines=short,
        )


def _there(level: Level, state: Counter) -> int:
    """Units that a negative change may take: a physical loss of free units may reach into the safety stock."""
    units: int = level.free if state == "available" else getattr(level, state)
    return units


def _movements(
    net: Sequence[Change], posting: Posting, document_id: str, reason: str, reference: str | None
) -> list[Movement]:
    movements: list[Movement] = []
    for change in net:
        for source, target, units in _parts(change, posting.levels[change.key]):
            key = f"{document_id}:{len(movements) + 1}"
            movements.append(
                Movement(change.sku, change.location_id, source, target, units, reason, key, reference=reference)
            )
    return movements


def _parts(change: Change, level: Level) -> list[tuple[rules.State, rules.State, int]]:
    if change.units > 0:
        return [("outside", change.state, change.units)]
    if change.units == 0:
        return []
    if change.state == "available":
        return [(source, "outside", units) for source, units in rules.withdrawal(level, -change.units)]
    return [(change.state, "outside", -change.units)]


def _shown(change: Change, level: Level) -> Mapping[str, Any]:
    return {
        "sku": change.sku,
        "location_id": change.location_id,
        "state": change.state,
        "change": change.units,
        "on_hand": level.on_hand,
        "available": level.available,
        "version": level.version,
    }
