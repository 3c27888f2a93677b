"""How much the offers that are still to come can take off at most. Pure.

The search cuts a branch when even this much would not make it better than what it has found, so a bound that were too low
would make the answer wrong, and one that is too high makes the search slow. Three bounds on goods, of which the least counts:

- by key: of the offers that exclude each other only one is used, and none takes more than its ceiling;
- by line: a line loses no more than its fixed shares, and no more than it has;
- by rate: portions of a running balance act on what the ones before left, so they multiply and do not add up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from services.coupon.pricing.rules import Compiled, Numbers, State

Key = int
"""The bit of an exclusion group, or of a template that is in none."""


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

    def widened(self, one: Compiled, steady: int) -> "_Most":
        return _Most(
            max(self.goods, one.ceiling),
            max(self.steady, steady),
            max(self.shipping, one.shipping),
            max(self.extra, one.extra),
        )


class _Guarded(NamedTuple):
    """Offers whose running thresholds watch the very lines that they take from: each one taken makes the next less likely.

    Together they take no more than what the lines hold above the lowest threshold, and one offer's worth more.
    """

    counted: Sequence[int]
    lowest: int
    largest: int
    keys: list[tuple[Key, int, int, int]]
    """Key, limit, goods, steady."""


class _Suffix(NamedTuple):
    keys: list[tuple[Key, int, int, int, int]]
    """Key, goods, steady, shipping, extra."""
    guarded: list[_Guarded]
    lines: State
    rates: Sequence[float] | None
    slack: float


class Bounds:
    """For each position in the order of application, what its suffix of offers can do."""

    def __init__(self, offers: Sequence[Compiled], keys: Sequence[Key], numbers: Numbers) -> None:
        self._size = len(numbers.start) - 1
        self._floors = numbers.floors
        mixed = _mixed(offers, keys)
        guards = _guards(offers, keys)
        self._most: dict[Key, _Most] = {}
        self._lines: dict[Key, list[int]] = {}
        self._rates: dict[Key, list[int]] = {}
        self._slack: dict[Key, float] = {}
        self._totals = [0] * self._size
        suffixes = [self._suffix(guards)]
        for one, key in zip(reversed(offers), reversed(keys), strict=True):
            self._add(one, key, by_rate=key not in mixed and one.rate_bp > 0)
            suffixes.append(self._suffix(guards))
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
        for guarded in suffix.guarded:
            more, firm = _of_guarded(guarded, state, blocked)
            goods += more
            steady += firm
        if goods:
            by_line = 0
            for left, floor, most in zip(state, self._floors, suffix.lines, strict=False):
                left -= floor
                by_line += left if left < most else most
            goods = min(goods, by_line)
            if suffix.rates is not None:
                moving = sum([left * rate for left, rate in zip(state, suffix.rates, strict=False)])
                goods = min(goods, steady + ceil((moving + suffix.slack) * (1 + 1e-9)))
        return Reach(goods + min(shipping, state[-1]), extra)

    def _add(self, one: Compiled, key: Key, *, by_rate: bool) -> None:
        self._most[key] = self._most.get(key, _Most()).widened(one, 0 if by_rate else one.ceiling)
        lines = self._lines.setdefault(key, [0] * self._size)
        for index, most in one.most_per_line():
            if index < self._size and most > lines[index]:
                self._totals[index] += most - lines[index]
                lines[index] = most
        if by_rate:
            # Rounding: half a unit on the whole, and up to one on each line, which weighs as much as what may follow.
            follows = max(self._rate_per_line(), default=0.0)
            self._slack[key] = max(self._slack.get(key, 0.0), 0.5 + follows * len(one.touched) / 2)
            rates = self._rates.setdefault(key, [0] * self._size)
            for index in one.touched:
                rates[index] = max(rates[index], one.rate_bp)

    def _rate_per_line(self) -> list[float]:
        """The portion of each line that all keys together can take."""
        kept = [1.0] * self._size
        for rates in self._rates.values():
            kept = [left * (1 - rate / 10_000) for left, rate in zip(kept, rates, strict=True)]
        return [1 - left for left in kept]

    def _suffix(self, guards: dict[Key, tuple[tuple[int, ...], int]]) -> _Suffix:
        keys: list[tuple[Key, int, int, int, int]] = []
        guarded: dict[tuple[int, ...], list[tuple[Key, int, int, int]]] = {}
        for key, most in self._most.items():
            if key in guards:
                counted, limit = guards[key]
                guarded.setdefault(counted, []).append((key, limit, most.goods, most.steady))
                if most.shipping or most.extra:
                    keys.append((key, 0, 0, most.shipping, most.extra))
            else:
                keys.append((key, most.goods, most.steady, most.shipping, most.extra))
        together = [
            _Guarded(counted, min(one[1] for one in found), max(one[2] for one in found), found)
            for counted, found in guarded.items()
        ]
        rates = self._rate_per_line() if self._rates else None
        return _Suffix(keys, together, tuple(self._totals), rates, sum(self._slack.values()))


def _of_guarded(guarded: _Guarded, state: State, blocked: int) -> tuple[int, int]:
    held = sum([state[index] for index in guarded.counted])
    goods = steady = 0
    for key, limit, more, firm in guarded.keys:
        if held >= limit and not key & blocked:
            goods += more
            steady += firm
    most = max(held - guarded.lowest, 0) + guarded.largest
    return min(goods, most), min(steady, most)


def _mixed(offers: Iterable[Compiled], keys: Iterable[Key]) -> set[Key]:
    """Keys of which some offers go by rate and others do not: their bound stays the ceiling."""
    steady = {key for one, key in zip(offers, keys, strict=True) if not one.rate_bp}
    return steady & {key for one, key in zip(offers, keys, strict=True) if one.rate_bp}


def _guards(offers: Sequence[Compiled], keys: Sequence[Key]) -> dict[Key, tuple[tuple[int, ...], int]]:
    """Keys of which every offer has a running threshold on the same lines, and takes from no others; the lowest of them."""
    found: dict[Key, tuple[tuple[int, ...], int]] = {}
    other: set[Key] = set()
    for one, key in zip(offers, keys, strict=True):
        guard = one.guard
        if guard is None or one.limit is None or not set(one.touched) <= set(guard):
            other.add(key)
            continue
        counted, limit = found.get(key, (tuple(guard), one.limit))
        if counted != tuple(guard):
            other.add(key)
        found[key] = (counted, min(limit, one.limit))
    return {key: guard for key, guard in found.items() if key not in other}
