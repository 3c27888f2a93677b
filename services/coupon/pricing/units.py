"""Equal units of a cart, and what is left to pay of each. Pure.

Units that are equal in everything but their line lie on one pile, so that it does not matter how a cart spreads them over
lines. What is left of a pile is told in runs: units that follow each other and hold the same, but for a minor unit that the
last ones hold more where it does not come out even.
"""

from collections.abc import Sequence
from typing import NamedTuple

from services.coupon.pricing.apportionment import apportion, cut, pour


class Run(NamedTuple):
    """So many units that follow each other, and what is left to pay of all of them in minor units."""

    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    left: int

    def first(self, count: int) -> int:
        """What the first `count` of its units hold."""
        each, odd = divmod(self.left, self.count)
        return each * count + max(odd - (self.count - count), 0)


Runs = tuple[Run, ...]


class Piece(NamedTuple):
    """Units of one run that an offer touches: its first `count` ones.

    `amount` is what the offer computes on, `left` what is left to pay, `room` what of it is above the floor.
    """

    pile: int
    run: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    amount: int
    left: int
    room: int

    def some(self, most: int) -> "Piece":
        """The same, but no more than `most` units."""
        if self.count <= most:
            return self
        amount, left, room = (Run(self.count, whole).first(most) for whole in self[3:])
        return Piece(self.pile, self.run, most, amount, left, room)


def held(runs: Runs, count: int) -> int:
    """What the first `count` units of a pile hold."""
    total = 0
    for run in runs:
        if count <= run.count:
            return total + run.first(count)
        total += run.left
        count -= run.count
    return total


def placed(share: int, pieces: Sequence[Piece], *, by_amount: bool, drop: bool) -> list[int]:
    """What each piece of a pile gives of the pile's share, no unit more than it has.

    What a full piece cannot take is dropped, or goes to the others.
    """
    if len(pieces) == 1:
        return [max(min(share, pieces[0].room), 0)]
    rooms = [max(piece.room, 0) for piece in pieces]
    weights = [piece.amount if by_amount else piece.count for piece in pieces]
    return cut(apportion(weights, share), rooms) if drop else pour(weights, share, rooms)


def taken_from(runs: Runs, pieces: Sequence[Piece], shares: Sequence[int]) -> Runs:
    """The runs of a pile after its pieces gave their shares; a run of which a part is touched becomes two."""
    given = {piece.run: (piece.count, share) for piece, share in zip(pieces, shares, strict=True) if share}
    found: list[Run] = []
    for position, run in enumerate(runs):
        if position not in given:
            found.append(run)
            continue
        count, share = given[position]
        if count == run.count:
            found.append(Run(count, run.left - share))
        else:
            first = run.first(count)
            found += (Run(count, first - share), Run(run.count - count, run.left - first))
    return tuple(found)
