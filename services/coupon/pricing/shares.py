"""Where an offer's discount is taken 分摊: shared out over the piles of equal units, then over the units of a pile. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.coupon.pricing.apportionment import apportion, pour
from services.coupon.pricing.benefit_rule import Taking
from services.coupon.pricing.state import EVEN, Amounts, Numbers, State
from services.coupon.pricing.units import Piece, Runs, placed, taken_from
from services.coupon.templates.terms import Stacking

Shared = tuple[list[int], Mapping[int, Runs]]
"""Shares of the state, and the new runs of the piles that do not lose them evenly."""


class Pile(NamedTuple):
    """Of the touched units of a pile: what the offer computes on, how many they are, what they can give."""

    amount: int
    units: int
    room: int


class Placing:
    """How one offer shares out. `singly`: what a unit cannot give is dropped, for each was priced by itself."""

    __slots__ = ("_by_amount", "_drop", "_drop_within", "_numbers")

    def __init__(self, numbers: Numbers, stacking: Stacking, *, singly: bool) -> None:
        self._numbers = numbers
        self._by_amount = stacking.share_by == "amount"
        self._drop = stacking.overflow == "drop"
        self._drop_within = self._drop or singly

    def of_piles(self, state: State, wanted: Sequence[tuple[int, int]], basis: Amounts | None) -> Shared:
        """Each pile's share as far as its units have room for it."""
        left, floors, shares = state.left, self._numbers.floors, [0] * len(state.left)
        runs: dict[int, Runs] | None = None
        for index, share in wanted:
            room = left[index] - floors[index]
            if room < share:
                share = room
            if share <= 0:
                continue
            if index in state.runs:
                runs = {} if runs is None else runs
                share = self._place(state, index, share, self._numbers.pieces(state, index, basis), runs)
            shares[index] = share
        return shares, EVEN if runs is None else runs

    def of_pieces(self, state: State, taking: Taking, pieces: Sequence[Piece]) -> Shared:
        """The same where an offer touches some units only, or prices units that hold different amounts."""
        shares, runs = [0] * len(state.left), dict[int, Runs]()
        by_pile: dict[int, list[Piece]] = {}
        for piece in pieces:
            by_pile.setdefault(piece.pile, []).append(piece)
        if taking.each is None:
            piles = [_touched(found) for found in by_pile.values()]
            for (pile, found), share in zip(by_pile.items(), self.among(taking.amount, piles), strict=True):
                shares[pile] = self._place(state, pile, share, found, runs)
            return shares, runs
        each = iter(taking.each)
        for pile, found in by_pile.items():
            given = [max(min(next(each), piece.room), 0) for piece in found]
            shares[pile] = sum(given)
            runs[pile] = taken_from(self._numbers.runs(state, pile), found, given)
        return shares, runs

    def _place(self, state: State, pile: int, share: int, pieces: Sequence[Piece], runs: dict[int, Runs]) -> int:
        """Share out within a pile; answers what its units really give, and notes its new runs."""
        given = placed(share, pieces, by_amount=self._by_amount, drop=self._drop_within)
        runs[pile] = taken_from(self._numbers.runs(state, pile), pieces, given)
        return sum(given)

    def among(self, amount: int, piles: Sequence[Pile]) -> Sequence[int]:
        """The amount shared out over piles."""
        if not piles:
            return ()
        weights = [pile.amount if self._by_amount else pile.units for pile in piles]
        return apportion(weights, amount) if self._drop else pour(weights, amount, [pile.room for pile in piles])


def _touched(pieces: Sequence[Piece]) -> Pile:
    return Pile(
        sum([piece.amount for piece in pieces]),
        sum([piece.count for piece in pieces]),
        sum([piece.room for piece in pieces]),
    )
