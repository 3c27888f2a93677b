"""What the engine tells a benefit kind about a cart, and what the kind answers. Pure shapes and a little arithmetic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from services.coupon.pricing.apportionment import Weight
from services.coupon.pricing.cart import Line, lines_in
from services.coupon.pricing.offers import NextStep
from services.coupon.templates.scopes import LineScope
from shared.money import round_half_up

Indexes = Sequence[int]


@dataclass(slots=True)
class Goods:
    """The cart, the unit prices that the offer goes by, and the lines that its scope names (positions)."""

    lines: Sequence[Line]
    quantities: Sequence[int]
    prices: Sequence[int]
    eligible: Indexes

    def named(self, scope: LineScope | None) -> Indexes:
        """Lines of a scope of the benefit's own; without one, the offer's."""
        return self.eligible if scope is None else lines_in(scope, self.lines)

    def units(self, lines: Indexes) -> list[int]:
        """All units of these lines."""
        return [self.quantities[index] for index in lines]

    def dearest(self, lines: Indexes, most: int | None) -> list[int]:
        """How many units of each line are touched: all, or the `most` dearest; ties go to the first line."""
        units = self.units(lines)
        if most is None or most >= sum(units):
            return units
        for at in sorted(range(len(lines)), key=lambda at: (-self.prices[lines[at]], at)):
            units[at] = min(units[at], most)
            most -= units[at]
        return units


class Now(NamedTuple):
    """Balances when the rule is asked: per line the amount that the offer computes on, and what its threshold counts."""

    amounts: Sequence[int]
    reached: int
    pieces: int
    shipping: int
    left: Sequence[int]


class Taking(NamedTuple):
    """What a rule wants to take, before caps: an `amount` to share out, or what `each` line gives; `gifts` counts units."""

    amount: int = 0
    each: Sequence[int] | None = None
    shipping: int = 0
    gifts: int = 0
    cash_back: int = 0
    next_step: NextStep | None = None


class Short(NamedTuple):
    """What the cart lacks for the benefit's own condition; `key` names the sentence in `reasons`."""

    key: str
    missing_amount: int | None = None
    missing_quantity: int | None = None


class Rule(NamedTuple):
    """`take` touches so many `units` of `lines`, whatever the balances are.

    For the bounds of the search: `rate_bp` says that it takes no more than this portion of the touched units, but for
    `rounding` minor units; `low` that it takes nothing below this price of a unit.
    """

    lines: Indexes
    units: Sequence[int]
    take: Callable[[Now], Taking | Short]
    rate_bp: int | None = None
    rounding: float = 0.5
    low: int | None = None


def portion(base: Weight, basis_points: int) -> int:
    """Computed once on the whole and rounded half up."""
    if isinstance(base, int):
        return (base * basis_points + 5_000) // 10_000
    return round_half_up(base * basis_points / 10_000)


def part(amount: int, units: int, quantity: int) -> Weight:
    """The amount of so many of a line's units, exact."""
    whole, rest = divmod(amount * units, quantity)
    return Fraction(amount * units, quantity) if rest else whole


def parts(goods: Goods, now: Now, lines: Indexes, units: Sequence[int]) -> list[Weight]:
    """What the touched units of each line amount to."""
    return [part(now.amounts[index], count, goods.quantities[index]) for index, count in zip(lines, units, strict=True)]
