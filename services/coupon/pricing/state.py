"""A cart in plain integers, and its state while offers are applied to it. Pure."""

from collections.abc import Mapping, Sequence
from operator import sub
from types import MappingProxyType
from typing import NamedTuple

from services.coupon.pricing.apportionment import pour
from services.coupon.pricing.cart import Cart, Line, lines_in
from services.coupon.pricing.units import Piece, Run, Runs, held, placed, taken_from
from services.coupon.templates.scopes import LineScope

Amounts = tuple[int, ...]
"""One amount for each pile, and at the end one for the shipping fee."""
EVEN: Mapping[int, Runs] = MappingProxyType({})


class State(NamedTuple):
    """What is left to pay of each pile, and of the shipping fee. `runs` tells of piles whose units hold different amounts."""

    left: Amounts
    runs: Mapping[int, Runs] = EVEN


class Taken(NamedTuple):
    """What an offer takes: `shares` of the state, their sum, and the worth of what is no money now (units of gifts, minor units
    of cash-back). `runs` are the new ones of the piles that do not lose it evenly."""

    shares: Amounts
    money: int
    extra: int = 0
    runs: Mapping[int, Runs] = EVEN


def after(state: State, taken: Taken) -> State:
    """The state when that is taken off."""
    runs = {**state.runs, **taken.runs} if taken.runs else state.runs
    return State(tuple(map(sub, state.left, taken.shares)), runs)


class Numbers:
    """A cart in plain integers, made once for all its offers.

    Equal units lie on one pile, in whatever lines they stand; `by_line` keeps lines apart, for offers that are given by line.
    The order of the piles does not depend on that of the lines.
    """

    __slots__ = (
        "_piles",
        "cart",
        "everything",
        "floors",
        "least",
        "lines",
        "list_prices",
        "listed",
        "prices",
        "quantities",
        "start",
    )

    def __init__(self, cart: Cart, *, by_line: bool = False) -> None:
        self.cart = cart
        self._piles = _piles(cart.lines, by_line)
        self.lines = tuple(cart.lines[pile[0]] for pile in self._piles)
        """A line of each pile, for all but its quantity."""
        self.quantities = tuple(sum(cart.lines[index].quantity for index in pile) for pile in self._piles)
        self.prices = tuple(line.unit_price for line in self.lines)
        self.list_prices = tuple(line.list_price for line in self.lines)
        self.least = tuple(min(line.floor_price, line.unit_price) for line in self.lines)
        """What a unit costs at least."""
        pairs = list(zip(self.lines, self.quantities, strict=True))
        self.listed: Amounts = tuple(line.list_price * count for line, count in pairs)
        self.start = State((*(line.unit_price * count for line, count in pairs), cart.shipping_fee))
        self.floors: Amounts = (
            *(least * count for least, count in zip(self.least, self.quantities, strict=True)),
            0,
        )
        self.everything = tuple(index for index, line in enumerate(self.lines) if line.discountable)

    def named(self, scope: LineScope) -> Sequence[int]:
        """Positions of the piles that the scope names."""
        return self.everything if scope.everything else lines_in(scope, self.lines)

    def runs(self, state: State, pile: int) -> Runs:
        """What is left of a pile's units."""
        found = state.runs.get(pile)
        return (Run(self.quantities[pile], state.left[pile]),) if found is None else found

    def pieces(self, state: State, pile: int, basis: Amounts | None) -> list[Piece]:
        """All units of a pile, run by run; what an offer computes on is a part of `basis`, or what is left when that is None."""
        least, each = self.least[pile], 0 if basis is None else basis[pile] // self.quantities[pile]
        if pile not in state.runs:
            count, left = self.quantities[pile], state.left[pile]
            return [Piece(pile, 0, count, left if basis is None else basis[pile], left, left - least * count)]
        return [
            Piece(pile, at, count, left if basis is None else each * count, left, left - least * count)
            for at, (count, left) in enumerate(state.runs[pile])
        ]

    def points(self, state: State, points: int) -> Taken:
        """What points pay of each pile 积分抵现: of goods that take discounts, in proportion, never below a floor."""
        caps = [max(state.left[index] - self.floors[index], 0) for index in self.everything]
        shares = [0] * len(state.left)
        runs: dict[int, Runs] = {}
        for index, share in zip(self.everything, pour(caps, points, caps) if caps else (), strict=True):
            shares[index] = share
            if share and index in state.runs:
                pieces = self.pieces(state, index, None)
                given = placed(share, pieces, by_amount=True, drop=False)
                runs[index] = taken_from(state.runs[index], pieces, given)
        return Taken(tuple(shares), sum(shares), 0, runs)

    def by_line(self, state: State) -> tuple[int, ...]:
        """What is left of each line of the cart."""
        left = [0] * len(self.cart.lines)
        for at, pile in enumerate(self._piles):
            if len(pile) == 1:
                left[pile[0]] = state.left[at]
                continue
            runs, end, before = self.runs(state, at), 0, 0
            for index in pile:
                end += self.cart.lines[index].quantity
                until = held(runs, end)
                left[index], before = until - before, until
        return tuple(left)


def _piles(lines: Sequence[Line], by_line: bool) -> list[list[int]]:
    """Positions of the lines of each pile, in an order that comes from the goods alone."""
    found: dict[tuple[object, ...], list[int]] = {}
    for index, line in enumerate(lines):
        alike = (
            line.product_id or "",
            line.sku or "",
            line.unit_price,
            line.list_price,
            line.floor_price,
            line.discountable,
            line.shop_id or "",
            line.category or "",
            line.brand or "",
            tuple(sorted(line.tags)),
            (line.quantity, index) if by_line else (),
        )
        found.setdefault(alike, []).append(index)
    return [found[key] for key in sorted(found)]
