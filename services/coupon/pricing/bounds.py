"""How much the offers that are still to come can take off at most. Pure.

The search cuts a branch when even this much would not make it better than what it has found, so a bound that were too low
would make the answer wrong, and one that is too high makes the search slow. Three bounds on goods, of which the least counts:

- by key: of the offers that exclude each other only one is used, and none takes more than its ceiling;
- by line: a line loses no more than what the offers can take there, and no more than it has;
- by rate: portions of a running balance act on what the ones before left, so they multiply and do not add up; and prices
  below which an offer takes nothing hold for all such offers together.

Why each is a bound: docs/adr/0012-pricing-bounds.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import NamedTuple

from services.coupon.pricing.rules import Compiled
from services.coupon.pricing.state import Numbers, State

Key = int
"""The bit of an exclusion group, or of a template that is in none."""
Guard = tuple[int, ...]
"""The piles whose balance a running threshold watches."""


_PerPile = dict[Key, list[int]]


class Reach(NamedTuple):
    """The most that may still come: money (goods and shipping), and worth that is no money now."""

    money: int
    extra: int


@dataclass(slots=True)
class _Most:
    """The most that one offer of a key can still do. `steady` leaves out what the bound by rate counts."""

    goods: int = 0
    steady: int = 0
    shipping: int = 0
    extra: int = 0


class _Guarded(NamedTuple):
    """An offer whose running threshold watches the very lines that it takes from."""

    key: Key
    limit: int
    goods: int
    steady: int


class _Suffix(NamedTuple):
    keys: list[tuple[Key, int, int, int, int]]
    """Key, goods, steady, shipping, extra."""
    guarded: list[tuple[Guard, list[_Guarded]]]
    lines: Sequence[int]
    """Fixed shares."""
    loose: Sequence[int]
    """What else may come to lie on a pile; `loosely` is the most of it in all."""
    loosely: int
    rates: Sequence[float] | None
    lows: Sequence[float]
    above: Sequence[float]
    """The portion of what a pile holds above its low, beyond what its rate takes of it already."""
    slack: float
    line_slack: float
    """For rounding: of the sum over all piles, and where each pile has a cap of its own."""


class Bounds:
    """For each position in the order of application, what its suffix of offers can do."""

    def __init__(self, offers: Sequence[Compiled], keys: Sequence[Key], numbers: Numbers) -> None:
        self._size = len(numbers.floors) - 1
        self._quantities = numbers.quantities
        self._floors = numbers.floors
        self._guards = _guards(offers, keys)
        self._most: dict[Key, _Most] = {}
        self._guarded: dict[Guard, list[_Guarded]] = {}
        self._ceilings: dict[Key, int] = {}
        self._fixed: _PerPile = {}
        self._loose: _PerPile = {}
        self._rates: dict[Key, list[float]] = {}
        self._lows: list[float] = [inf] * self._size
        self._above: dict[Key, list[float]] = {}
        self._slack: dict[Key, float] = {}
        self._line_slack: dict[Key, float] = {}
        by_rate = self._keys_by_rate(offers, keys)
        self._loose_keys = {key for one, key in zip(offers, keys, strict=True) if not one.fixed and key not in by_rate}
        suffixes = [self._suffix()]
        for one, key in zip(reversed(offers), reversed(keys), strict=True):
            self._add(one, key, by_rate=key in by_rate)
            suffixes.append(self._suffix())
        self._suffixes = suffixes[::-1]

    def reach(self, position: int, state: State, blocked: int) -> Reach:
        """What the offers from `position` on, but for those of `blocked` keys, can add to a cart in this state."""
        suffix = self._suffixes[position]
        goods = steady = shipping = extra = 0
        for key, more, firm, fee, worth in suffix.keys:
            if not key & blocked:
                goods += more
                steady += firm
                shipping += fee
                extra += worth
        for guard, offers in suffix.guarded:
            more, firm = _of_guarded(offers, sum([state.left[index] for index in guard]), blocked)
            goods += more
            steady += firm
        if goods:
            if suffix.rates is None:
                goods = min(goods, self._by_line(suffix, state))
            else:
                goods = min(goods, self._by_rate(suffix, suffix.rates, state, steady))
        return Reach(goods + min(shipping, state.left[-1]), extra)

    def _by_line(self, suffix: _Suffix, state: State) -> int:
        """No line loses more than the fixed shares on it, what portions take, and what may come to lie on it."""
        firm = whole = 0
        for left, floor, share, loose in zip(state.left, self._floors, suffix.lines, suffix.loose, strict=False):
            left -= floor
            firm += left if left < share else share
            share += loose
            whole += left if left < share else share
        return min(whole, firm + suffix.loosely)

    def _by_rate(self, suffix: _Suffix, rates: Sequence[float], state: State, steady: int) -> int:
        """The same with portions. Offers with a price take a portion of what is above the lowest one; the others, of the rest."""
        portions: float = 0
        firm: float = 0
        whole: float = 0
        rows = zip(
            state.left,
            self._floors,
            rates,
            self._dear(suffix.lows, state),
            suffix.above,
            suffix.lines,
            suffix.loose,
            strict=False,
        )
        for left, floor, rate, dear, above, share, loose in rows:
            portion = left * rate + dear * above
            portions += portion
            left -= floor
            portion += share
            firm += left if left < portion else portion
            portion += loose
            whole += left if left < portion else portion
        most = min(portions + steady + suffix.slack, min(whole, firm + suffix.loosely) + suffix.line_slack)
        return ceil(most * (1 + 1e-9))  # floats are off by less than this

    def _dear(self, lows: Sequence[float], state: State) -> list[float]:
        """What each pile's units hold above the lowest price of a unit."""
        rows = zip(state.left, lows, self._quantities, strict=False)
        found = [max(left - low * quantity, 0) for left, low, quantity in rows]
        for pile, runs in state.runs.items():
            found[pile] = sum([max(run.left - lows[pile] * run.count, 0) for run in runs])
        return found

    def _add(self, one: Compiled, key: Key, *, by_rate: bool) -> None:
        most = self._most.setdefault(key, _Most())
        steady = 0 if by_rate else one.ceiling
        if key in self._guards:
            found = self._guarded.setdefault(self._guards[key], [])
            found.insert(0, _Guarded(key, one.limit or 0, one.ceiling, steady))
        else:
            most.goods, most.steady = max(most.goods, one.ceiling), max(most.steady, steady)
        self._ceilings[key] = max(self._ceilings.get(key, 0), one.ceiling)
        most.shipping, most.extra = max(most.shipping, one.shipping), max(most.extra, one.extra)
        if by_rate:
            self._add_rates(one, key)
        else:
            shares = (self._loose if key in self._loose_keys else self._fixed).setdefault(key, [0] * self._size)
            for index, amount in one.most_per_pile():
                if index < self._size:
                    shares[index] = max(shares[index], amount)

    def _keys_by_rate(self, offers: Iterable[Compiled], keys: Iterable[Key]) -> set[Key]:
        """Keys of which every offer goes by rates, or has a lowest price; for a key with others, the bound stays the ceiling."""
        fit: set[Key] = set()
        other: set[Key] = set()
        for one, key in zip(offers, keys, strict=True):
            by_rate = one.rates() is not None or one.low is not None
            (fit if by_rate else other).add(key)
        return fit - other

    def _add_rates(self, one: Compiled, key: Key) -> None:
        above = self._above.setdefault(key, [0.0] * self._size)
        if one.low is not None:
            for index in one.touched:
                self._lows[index] = min(self._lows[index], one.low)
                above[index] = 1.0
        # Sharing out rounds each line by up to one, which weighs as much as what may follow takes of it.
        follows = max(self._together(self._rates), default=0.0)
        self._slack[key] = max(self._slack.get(key, 0.0), one.rounding + follows * len(one.touched) / 2)
        self._line_slack[key] = max(self._line_slack.get(key, 0.0), one.rounding + len(one.touched) / 2)
        rates = self._rates.setdefault(key, [0.0] * self._size)
        for index, rate in one.rates() or ():
            rates[index] = max(rates[index], rate)

    def _together(self, portions: dict[Key, list[float]]) -> list[float]:
        """The portion of each pile that all keys take, one after the other."""
        kept = [1.0] * self._size
        for of_key in portions.values():
            kept = [left * (1 - portion) for left, portion in zip(kept, of_key, strict=True)]
        return [1 - left for left in kept]

    def _sums(self, shares: _PerPile) -> list[int]:
        return [sum(column) for column in zip(*shares.values(), strict=True)] if shares else [0] * self._size

    def _suffix(self) -> _Suffix:
        rates = self._together(self._rates)
        above = [(1 - rate) * portion for rate, portion in zip(rates, self._together(self._above), strict=True)]
        return _Suffix(
            [
                (key, most.goods, most.steady, most.shipping, most.extra)
                for key, most in self._most.items()
                if most.goods or most.shipping or most.extra
            ],
            [(guard, list(found)) for guard, found in self._guarded.items()],
            self._sums(self._fixed),
            self._sums(self._loose),
            sum(self._ceilings[key] for key in self._loose),
            rates if self._rates else None,
            tuple(self._lows),
            above,
            sum(self._slack.values()),
            sum(self._line_slack.values()),
        )


def _of_guarded(offers: Sequence[_Guarded], held: int, blocked: int) -> tuple[int, int]:
    """The most that these can take of lines that hold so much.

    Whichever of them is the last to be taken: those before it left at least its limit.
    """
    best: dict[Key, tuple[int, int]] = {}
    goods = steady = most_goods = most_steady = 0
    for key, limit, more, firm in offers:
        if limit > held or key & blocked:
            continue
        known = best.get(key, (0, 0))
        best[key] = (max(known[0], more), max(known[1], firm))
        goods += best[key][0] - known[0]
        steady += best[key][1] - known[1]
        room = held - limit + more
        most_goods = max(most_goods, min(goods, room))
        most_steady = max(most_steady, min(steady, room))
    return most_goods, most_steady


def _guards(offers: Iterable[Compiled], keys: Iterable[Key]) -> dict[Key, Guard]:
    """Keys of which every offer has a running threshold on the same lines, and takes from no others."""
    found: dict[Key, Guard] = {}
    other: set[Key] = set()
    for one, key in zip(offers, keys, strict=True):
        guard = None if one.guard is None else tuple(one.guard)
        if guard is None or not set(one.touched) <= set(guard) or found.get(key, guard) != guard:
            other.add(key)
        else:
            found[key] = guard
    return {key: guard for key, guard in found.items() if key not in other}
