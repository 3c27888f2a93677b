"""What returned goods give back, and to whom. Pure.

A sale is lines of units, each unit with its frozen share of every source; shipping is one more line, of one unit. A source
is an offer that took something off, or the points that were paid with. What a unit is worth is its price less the shares
of the offers: the customer gets that back, as points and as money. The rest of its price goes back to who paid it.

Each refund is decided on the sum of all refunds so far, so that in any order and split nothing is lost or made: when all
units are back, exactly what was paid is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from services.coupon.pricing.apportionment import apportion, pour, unit_shares
from services.coupon.pricing.cart import POINTS

Policy = Literal["keep", "clawback"]


@dataclass(frozen=True)
class Sold:
    """One line as it was sold. `shares` is what each source took off it (points among them), in minor units."""

    line_id: str
    unit_price: int
    quantity: int
    shares: Mapping[str, int]

    @cached_property
    def _units(self) -> Mapping[str, Sequence[int]]:
        parts = unit_shares(self.unit_price, self.quantity, list(self.shares.values()))
        return dict(zip(self.shares, parts, strict=True))

    def part(self, first: int, count: int) -> dict[str, int]:
        """The shares of `count` units from the unit `first` on, by source."""
        if count == self.quantity:
            return dict(self.shares)
        return {source: sum(units[first : first + count]) for source, units in self._units.items()}


@dataclass(frozen=True, slots=True)
class Back:
    """What all refunds so far gave back: units per line, money, points, and to each offer's payer."""

    units: Mapping[str, int] = field(default_factory=dict)
    money: int = 0
    points: int = 0
    offers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the units that are kept cost when they are priced again, and what each offer takes off and promises then.

    `counting` names the lines that count for an offer: its own goods, and those of its threshold.
    """

    price: int
    offers: Mapping[str, int]
    cash_back: Mapping[str, int] = field(default_factory=dict)
    counting: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineBack:
    """What one line's units give back: `money` and `points` to the customer, the rest of their price to the offers' payers."""

    line_id: str
    quantity: int
    money: int
    points: int
    offers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sale:
    """What was sold and paid."""

    lines: Sequence[Sold]

    @property
    def price(self) -> int:
        """The price of all units, before anything was taken off."""
        return sum(line.unit_price * line.quantity for line in self.lines)

    @property
    def points(self) -> int:
        """What was paid in points."""
        return sum(line.shares.get(POINTS, 0) for line in self.lines)

    @property
    def offers(self) -> dict[str, int]:
        """What each offer took off in all, the largest last."""
        found: dict[str, int] = {}
        for line in self.lines:
            for source, share in line.shares.items():
                if source != POINTS:
                    found[source] = found.get(source, 0) + share
        return dict(sorted(found.items(), key=lambda pair: (pair[1], pair[0])))

    @property
    def worth(self) -> int:
        """What the customer paid, in money and points."""
        return self.price - sum(self.offers.values())

    def kept(self, units: Mapping[str, int]) -> dict[str, int]:
        """How many units of each line are left when so many are back; lines that are back whole are left out."""
        left = {line.line_id: line.quantity - units.get(line.line_id, 0) for line in self.lines}
        return {line_id: count for line_id, count in left.items() if count}


@dataclass(frozen=True, slots=True)
class _Case:
    """What one refund is decided on. `units` are those of each line that are back after it."""

    sale: Sale
    before: Back
    units: Mapping[str, int]
    kept: Kept | None

    @property
    def kept_price(self) -> int:
        """The price of what is kept, before anything is taken off."""
        rest = self.sale.kept(self.units)
        return sum(line.unit_price * rest.get(line.line_id, 0) for line in self.sale.lines)


def default_policy(policies: Sequence[Policy]) -> Policy:
    """Clawback as soon as one used offer asks for it."""
    return "clawback" if "clawback" in policies else "keep"


def give_back(sale: Sale, before: Back, returned: Mapping[str, int], kept: Kept | None) -> list[LineBack]:
    """What the `returned` units give back, one answer for each of them in the order of the sale.

    `kept` is the price of what the customer keeps after this refund (policy clawback); None goes by the frozen shares
    alone (policy keep). Units must be there to return. No line gives back less than nothing, or more than its price.
    """
    lines = [line for line in sale.lines if returned.get(line.line_id)]
    counts = [returned[line.line_id] for line in lines]
    prices = [line.unit_price * count for line, count in zip(lines, counts, strict=True)]
    parts = [line.part(before.units.get(line.line_id, 0), count) for line, count in zip(lines, counts, strict=True)]
    frozen = [{source: share for source, share in shares.items() if source != POINTS} for shares in parts]
    more = {line.line_id: before.units.get(line.line_id, 0) + returned[line.line_id] for line in lines}
    case = _Case(sale, before, {**before.units, **more}, kept)
    worth = _worth(case, sum(prices), sum(sum(shares.values()) for shares in frozen))
    backs = _offers(case, [line.line_id for line in lines], prices, frozen, sum(prices) - worth)
    worths = [price - sum(back.values()) for price, back in zip(prices, backs, strict=True)]
    in_points = pour([shares.get(POINTS, 0) for shares in parts], _points(case, worth), worths)
    return [
        LineBack(
            line.line_id, count, line_worth - points, points, {source: back for source, back in to.items() if back}
        )
        for line, count, line_worth, points, to in zip(lines, counts, worths, in_points, backs, strict=True)
    ]


def _worth(case: _Case, price: int, shares: int) -> int:
    """Money and points together that this refund gives for units of that `price`, of which `shares` were taken off."""
    sale, kept = case.sale, case.kept
    left = sale.worth - case.before.money - case.before.points
    wished = price - shares if kept is None else left - kept.price
    # After it, what is left to come back is no more than the price of what is kept: nobody's share is given back twice.
    return min(max(wished, left - case.kept_price, 0), left, price)


def _points(case: _Case, worth: int) -> int:
    """How much of `worth` comes back as points: those that paid for the units, within what was paid of either kind."""
    sale, before = case.sale, case.before
    frozen = sum(line.part(0, case.units.get(line.line_id, 0)).get(POINTS, 0) for line in sale.lines)
    given = before.money + before.points + worth
    paid_money = sale.worth - sale.points
    least = max(before.points, given - paid_money)
    most = min(sale.points, given - before.money)
    return min(max(frozen, least), most) - before.points


def _offers(
    case: _Case, names: Sequence[str], prices: Sequence[int], frozen: Sequence[Mapping[str, int]], total: int
) -> list[dict[str, int]]:
    """What each line gives back to each offer's payer, `total` in all.

    Less than an offer's frozen shares is taken off them, in their own proportion. More than them (a discount on what is kept
    is lost) comes out of what the lines give to the customer: those first that count for the offer.
    """
    totals = _offer_totals(case, frozen, total)
    backs: list[dict[str, int]] = [{} for _ in prices]
    for source, amount in totals.items():
        own = [shares.get(source, 0) for shares in frozen]
        for back, part in zip(backs, apportion(own, min(amount, sum(own))), strict=True):
            back[source] = part
    for source, amount in totals.items():
        counting = None if case.kept is None else case.kept.counting.get(source)
        for chosen in (counting, None):
            rooms = [
                price - sum(back.values()) if chosen is None or name in chosen else 0
                for name, price, back in zip(names, prices, backs, strict=True)
            ]
            lacking = amount - sum(back[source] for back in backs)
            for back, more in zip(backs, pour(rooms, lacking, rooms), strict=True):
                back[source] += more
    return backs


def _offer_totals(case: _Case, frozen: Sequence[Mapping[str, int]], total: int) -> dict[str, int]:
    """What each offer's payer gets back, `total` in all: no less than nothing, no more than they paid."""
    before, kept, taken = case.before, case.kept, case.sale.offers
    open_ = {source: amount - before.offers.get(source, 0) for source, amount in taken.items()}
    if kept is None:
        wished = {source: sum(shares.get(source, 0) for shares in frozen) for source in taken}
    else:
        wished = {source: open_[source] - kept.offers.get(source, 0) for source in taken}
    wished = {source: min(max(wish, 0), open_[source]) for source, wish in wished.items()}
    short = total - sum(wished.values())
    rooms = [open_[source] - wish if short > 0 else wish for source, wish in wished.items()]
    moved = pour(rooms, abs(short), rooms)
    sign = 1 if short > 0 else -1
    return {source: wish + sign * part for (source, wish), part in zip(wished.items(), moved, strict=True)}
