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
    """What the units that are kept cost when they are priced again, and what each offer takes off and promises then."""

    price: int
    offers: Mapping[str, int]
    cash_back: Mapping[str, int] = field(default_factory=dict)


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


def default_policy(policies: Sequence[Policy]) -> Policy:
    """Clawback as soon as one used offer asks for it."""
    return "clawback" if "clawback" in policies else "keep"


def give_back(sale: Sale, before: Back, returned: Mapping[str, int], kept: Kept | None) -> list[LineBack]:
    """What the `returned` units give back, one answer for each of them in the order of the sale.

    `kept` is the price of what the customer keeps after this refund (policy clawback); None goes by the frozen shares
    alone (policy keep). Units must be there to return.
    """
    lines = [line for line in sale.lines if returned.get(line.line_id)]
    counts = [returned[line.line_id] for line in lines]
    prices = [line.unit_price * count for line, count in zip(lines, counts, strict=True)]
    frozen = [line.part(before.units.get(line.line_id, 0), count) for line, count in zip(lines, counts, strict=True)]
    natural = [
        price - sum(share for source, share in shares.items() if source != POINTS)
        for price, shares in zip(prices, frozen, strict=True)
    ]
    more = {line.line_id: before.units.get(line.line_id, 0) + returned[line.line_id] for line in lines}
    case = _Case(sale, before, {**before.units, **more}, kept)
    worth = _worth(case, sum(natural))
    points = _points(case, worth)
    worths = _scaled(natural, worth, prices)
    in_points = pour([shares.get(POINTS, 0) for shares in frozen], points, worths)
    to_offers = _offers(case, frozen, prices, worths)
    return [
        LineBack(line.line_id, count, line_worth - line_points, line_points, shares)
        for line, count, line_worth, line_points, shares in zip(
            lines, counts, worths, in_points, to_offers, strict=True
        )
    ]


def _worth(case: _Case, natural: int) -> int:
    """Money and points together that this refund gives to the customer."""
    sale, before, kept = case.sale, case.before, case.kept
    given = before.money + before.points
    left = sale.worth - given
    rest = sale.kept(case.units)
    if not rest:
        return left
    full = sum(line.unit_price * rest.get(line.line_id, 0) for line in sale.lines)
    if kept is None:
        # After a clawback the discount may be gone already; what is kept can't be worth more than its price.
        return min(left, max(natural, left - full))
    # Nor does anybody get more than the price of what came back.
    return max(0, min(left - kept.price, sale.price - full - given))


def _points(case: _Case, worth: int) -> int:
    """How much of `worth` comes back as points: those that paid for the units, within what was paid of either kind."""
    sale, before = case.sale, case.before
    frozen = sum(line.part(0, case.units.get(line.line_id, 0)).get(POINTS, 0) for line in sale.lines)
    given = before.money + before.points + worth
    paid_money = sale.worth - sale.points
    least = max(before.points, given - paid_money)
    most = min(sale.points, given - before.money)
    return min(max(frozen, least), most) - before.points


def _scaled(bases: Sequence[int], total: int, weights: Sequence[int]) -> list[int]:
    """`bases` brought to the sum `total`: made smaller in their own proportion, or larger in that of `weights`."""
    more = total - sum(bases)
    if more <= 0:
        return apportion(bases, total)
    return [base + part for base, part in zip(bases, apportion(weights, more), strict=True)]


def _offers(
    case: _Case, frozen: Sequence[Mapping[str, int]], prices: Sequence[int], worths: Sequence[int]
) -> list[dict[str, int]]:
    """What each line gives back to each offer's payer: the rest of its price, such that each offer's sum is right too."""
    totals = _offer_totals(case, frozen, sum(prices) - sum(worths))
    found: list[dict[str, int]] = [{} for _ in prices]
    rest = [price - worth for price, worth in zip(prices, worths, strict=True)]
    for source in list(totals)[:-1]:
        bases = [shares.get(source, 0) for shares in frozen]
        spread = apportion(prices, totals[source] - sum(bases))
        for index, (base, more) in enumerate(zip(bases, spread, strict=True)):
            found[index][source] = base + more
            rest[index] -= base + more
    for source in list(totals)[-1:]:
        for index, amount in enumerate(rest):
            found[index][source] = amount
    return [{source: amount for source, amount in line.items() if amount} for line in found]


def _offer_totals(case: _Case, frozen: Sequence[Mapping[str, int]], total: int) -> dict[str, int]:
    """What each offer's payer gets back, `total` in all."""
    before, kept, taken = case.before, case.kept, case.sale.offers
    open_ = {source: amount - before.offers.get(source, 0) for source, amount in taken.items()}
    if not case.sale.kept(case.units):
        return open_
    if kept is None:
        wished = {source: sum(shares.get(source, 0) for shares in frozen) for source in taken}
    else:
        wished = {source: open_[source] - kept.offers.get(source, 0) for source in taken}
    short = total - sum(wished.values())
    rooms = {
        source: max(open_[source] - wish if short > 0 else wish + before.offers.get(source, 0), 0)
        for source, wish in wished.items()
    }
    moved = pour(list(rooms.values()), abs(short), list(rooms.values()))
    sign = 1 if short > 0 else -1
    return {source: wish + sign * part for (source, wish), part in zip(wished.items(), moved, strict=True)}
