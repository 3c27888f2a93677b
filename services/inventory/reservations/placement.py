"""Where the goods of a reservation come from: pure.

A line that names a location is served there or not at all. The other lines are placed by one simple rule, *most available
first*:

1. If one location can serve them all, that one is taken; of several, the one with most units of these SKUs (ties: the
   smaller location id). One parcel is cheaper than two.
2. Otherwise each SKU is placed by itself, largest stock first, so that it is split over as few locations as possible.

Only active locations that ship are considered for lines without a location. The place is provisional: routing may move it later.
The rule never refuses what the sum of the locations can serve.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.inventory.ledger.rules import Level, LevelKey

Demand = Mapping[tuple[str, str | None], int]
"""Units by (sku, location_id or None = anywhere): the lines of a request, duplicates already summed."""


class Placed(NamedTuple):
    """Units of one SKU at one location; ``pinned``: the caller named the location."""

    sku: str
    location_id: str
    quantity: int
    pinned: bool


class Short(NamedTuple):
    """A line that cannot be served: what was asked and what is there for it."""

    sku: str
    location_id: str | None
    requested: int
    available: int


@dataclass(slots=True, frozen=True)
class Shortage:
    """Every line that cannot be served; nothing of the request is."""

    lines: tuple[Short, ...]


def demand(lines: Iterable[tuple[str, str | None, int]]) -> dict[tuple[str, str | None], int]:
    """(sku, location_id, quantity) of every line, summed by (sku, location_id): two lines of one SKU are one demand."""
    total: dict[tuple[str, str | None], int] = defaultdict(int)
    for sku, location_id, quantity in lines:
        total[sku, location_id] += quantity
    return dict(total)


def place(
    wanted: Demand, levels: Mapping[LevelKey, Level], by_sku: Mapping[str, Sequence[Level]]
) -> list[Placed] | Shortage:
    """Places for the whole demand, or every short line; nothing is changed.

    ``by_sku`` has, for each SKU wanted anywhere, all its levels.
    """
    placed: list[Placed] = []
    short: list[Short] = []
    floating: dict[str, int] = {}
    for (sku, location_id), quantity in wanted.items():
        if location_id is None:
            floating[sku] = quantity
            continue
        level = levels.get((sku, location_id))
        there = level.sellable if level else 0
        if there < quantity:
            short.append(Short(sku, location_id, quantity, there))
        else:
            placed.append(Placed(sku, location_id, quantity, pinned=True))

    taken = {(part.sku, part.location_id): part.quantity for part in placed}
    free = {sku: _free(by_sku.get(sku, ()), taken) for sku in floating}
    for sku, quantity in floating.items():
        total = sum(units for _, units in free[sku])
        if total < quantity:
            short.append(Short(sku, None, quantity, total))
    if short:
        return Shortage(tuple(short))
    return placed + (_in_one_place(floating, free) or _split(floating, free))


def _free(levels: Sequence[Level], taken: Mapping[LevelKey, int]) -> list[tuple[str, int]]:
    """(location_id, units) that a line without a location may take, most first; without what this request takes by name."""
    units = [(level.location_id, level.shared - taken.get((level.sku, level.location_id), 0)) for level in levels]
    return sorted(((place, left) for place, left in units if left > 0), key=lambda part: (-part[1], part[0]))


def _in_one_place(floating: Mapping[str, int], free: Mapping[str, Sequence[tuple[str, int]]]) -> list[Placed]:
    if not floating:
        return []
    if len(floating) == 1:
        ((sku, quantity),) = floating.items()
        place, units = free[sku][0]
        return [Placed(sku, place, quantity, pinned=False)] if units >= quantity else []
    candidates: dict[str, tuple[int, int]] = {}
    for sku, quantity in floating.items():
        for place, units in free[sku]:
            if units >= quantity:
                skus, total = candidates.get(place, (0, 0))
                candidates[place] = (skus + 1, total + units)
    whole = [(-total, place) for place, (skus, total) in candidates.items() if skus == len(floating)]
    if not whole:
        return []
    place = min(whole)[1]
    return [Placed(sku, place, quantity, pinned=False) for sku, quantity in floating.items()]


def _split(floating: Mapping[str, int], free: Mapping[str, Sequence[tuple[str, int]]]) -> list[Placed]:
    parts: list[Placed] = []
    for sku, quantity in floating.items():
        missing = quantity
        for place, units in free[sku]:
            part = min(units, missing)
            parts.append(Placed(sku, place, part, pinned=False))
            missing -= part
            if not missing:
                break
    return parts
