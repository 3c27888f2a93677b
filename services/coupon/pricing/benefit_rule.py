"""What the engine tells a benefit kind about a cart, and what the kind answers. Pure shapes and a little arithmetic."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.coupon.pricing.apportionment import apportion
from services.coupon.pricing.cart import Line, lines_in
from services.coupon.pricing.offers import NextStep
from services.coupon.pricing.units import Piece
from services.coupon.templates.scopes import LineScope

Indexes = Sequence[int]
Pick = Callable[[Sequence[Piece]], list[Piece]]
"""Of all units of the piles that an offer may touch, those that it touches; the answer is in the order of the piles."""


@dataclass(slots=True)
class Goods:
    """The cart's piles of equal units, the unit prices that the offer goes by, and the piles that its scope names."""

    lines: Sequence[Line]
    """A line of each pile, for all but its quantity."""
    quantities: Sequence[int]
    prices: Sequence[int]
    eligible: Indexes

    def named(self, scope: LineScope | None) -> Indexes:
        """Piles of a scope of the benefit's own; without one, the offer's."""
        return self.eligible if scope is None else lines_in(scope, self.lines)

    def count(self, piles: Indexes) -> int:
        """How many units lie on these piles."""
        return sum([self.quantities[index] for index in piles])

    def dearest(self, piles: Indexes, most: int | None) -> Pick | None:
        """The `most` units of which most is left to pay; None stands for all units."""
        return None if most is None or most >= self.count(piles) else lambda pieces: dearest(pieces, most)


def dearest(pieces: Iterable[Piece], most: int) -> list[Piece]:
    """The `most` units of which most is left to pay; those that can give nothing are not touched, ties go to the first."""
    chosen: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: (-piece.left / piece.count, piece.pile, piece.run)):
        if most <= 0:
            break
        if piece.room > 0:
            chosen.append(piece.some(most))
            most -= piece.count
    return sorted(chosen)


class Now(NamedTuple):
    """Balances when the rule is asked: per pile the amount that the offer computes on, and what its threshold counts.

    `pieces` are the units that the rule touches: those that it picks, and for kinds that price each unit all of its piles'.
    """

    amounts: Sequence[int]
    reached: int
    number: int
    shipping: int
    left: Sequence[int]
    pieces: Sequence[Piece]

    @property
    def touched(self) -> int:
        """What all touched units amount to."""
        return sum([piece.amount for piece in self.pieces])


class Taking(NamedTuple):
    """What a rule wants to take, before caps: an `amount` to share out, or what `each` piece gives; `gifts` counts units."""

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
    """A rule may touch the units of `piles`: all of them, or those that it picks, whatever else was taken before.

    `singly`: it prices each unit or line by itself.

    For the bounds of the search: `widest` are the units of which it can take most, where those are not the ones that it
    picks when all are whole. `rate_bp` says that it takes no more than this portion of the touched units, but for `rounding`
    minor units; `low` that it takes nothing below this price of a unit.
    """

    piles: Indexes
    take: Callable[[Now], Taking | Short]
    pick: Pick | None = None
    singly: bool = False
    widest: Pick | None = None
    rate_bp: int | None = None
    rounding: float = 0.5
    low: int | None = None


def portion(base: int, basis_points: int) -> int:
    """Computed once on the whole and rounded half up."""
    return (base * basis_points + 5_000) // 10_000


def by_unit(piece: Piece, basis_points: int) -> int:
    """The portion of each unit, rounded by itself."""
    each, odd = divmod(piece.amount, piece.count)
    return odd * portion(each + 1, basis_points) + (piece.count - odd) * portion(each, basis_points)


def by_pile(pieces: Sequence[Piece], share: Callable[[int], int]) -> list[int]:
    """What each piece gives, where the share is computed on what its pile's pieces amount to."""
    shares: list[int] = []
    for pile in dict.fromkeys(piece.pile for piece in pieces):
        amounts = [piece.amount for piece in pieces if piece.pile == pile]
        shares += apportion(amounts, share(sum(amounts)))
    return shares
