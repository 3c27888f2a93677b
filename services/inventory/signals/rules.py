"""When a SKU is low, sold out or back in stock: pure.

Judged is what is not sold over all places that sell: available units and those of orders that are not paid yet. An unpaid order
takes nothing from this figure and gives nothing back when it runs out, so carts that come and go tell nobody anything; a
confirmed one does, and so do receipts, losses, returns of paid units, and a place that closes or opens.

    new ──> plenty <──> low ──> sold out        `units` above 0 after sold out: back in stock

Low has two thresholds: at or under `low_at` it is told, and only above half as much again it can be told anew. Between them
units may come and go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Word = Literal["new", "plenty", "low", "sold_out"]
Signal = Literal["sold_out", "low", "back_in_stock"]


@dataclass(frozen=True, slots=True)
class Place:
    """What one place that sells has of a SKU. ``held`` units are those of unpaid orders."""

    sku: str
    location_id: str
    available: int
    held: int
    low_threshold: int | None


class Told(NamedTuple):
    """What a SKU is from now on, and what is told, if anything."""

    word: Word
    signal: Signal | None = None


def low_at(places: Sequence[Place], default: int) -> int:
    """The units at or under which a SKU is low (0: never): the sum of its places' own thresholds, or the default once when no
    place has one.
    """
    own = [place.low_threshold for place in places if place.low_threshold is not None]
    return sum(own) if own else default


def judged(word: Word, units: int, threshold: int, *, fell: bool) -> Told:
    """What ``units`` that are not sold mean for a SKU of which ``word`` was known. ``fell``: units went since it was looked at
    last, so that a SKU which is looked at for the first time is not just arriving.
    """
    arriving = word == "new" and not fell
    if units == 0:
        if word == "sold_out" or arriving:
            return Told(word)
        return Told("sold_out", "sold_out")
    low = units <= threshold
    if word == "sold_out":
        return Told("low" if low else "plenty", "back_in_stock")
    if word == "low":
        return Told("plenty" if units > threshold + max(1, threshold // 2) else "low")
    if low:
        return Told("low", None if arriving else "low")
    return Told("plenty")
