"""The best combination of offers 最优组合: exact branch and bound, with a stated bound when it has to stop early. Pure.

Offers are applied in one fixed order (`Compiled.order`), so a combination is a set. Two offers exclude each other when they
share an exclusion group or a template; an exclusive offer stands alone. Nobody can decline an automatic promotion: a
combination leaves one out only where a member excludes it, or where it takes nothing off.

Best is what takes most money off; then what brings most in gifts and cash-back; then fewer coupons (promotions do not count);
then the coupons that expire first; then the smaller ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.coupon.pricing.bounds import Bounds
from services.coupon.pricing.rules import SHIPPING_LAYER, Compiled
from services.coupon.pricing.state import Numbers, State, after

MOST_STEPS = 3_000
LAST_STEPS = 6_000
"""So many more at most; a wallet for which that is not enough has not been seen outside of puzzles."""
FULL_WORK = 1_000
"""Piles of goods times offers up to which a search has all its steps. Beyond, each step costs more and there are as many
fewer: what a cart costs depends neither on who fills it nor on how many offers run."""
SLACK_BP = 500
"""How far a search that has used its steps may stay under what could be possible: 5 %."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A combination while it grows: its offers in the order of application, and what they left."""

    state: State
    uses: tuple[Compiled, ...] = ()
    money: int = 0
    extra: int = 0
    coupons: int = 0
    blocked: int = 0
    """Keys of its offers: nothing else with one of them may join."""
    owed: tuple[int, ...] = ()
    """Keys of the promotions that were left out: of each, one must be blocked in the end."""

    def plus(self, one: Compiled, keys: int) -> "Chosen | None":
        """With one more offer; None when that takes nothing."""
        taken = one.take(self.state)
        if taken is None:
            return None
        return Chosen(
            after(self.state, taken),
            (*self.uses, one),
            self.money + taken.money,
            self.extra + taken.extra,
            self.coupons + (not one.offer.automatic),
            self.blocked | keys,
            self.owed,
        )

    def settled(self) -> bool:
        """True when each promotion that was left out is excluded by a member."""
        return all(keys & self.blocked for keys in self.owed)

    def beats(self, other: "Chosen") -> bool:
        """True when it is the better one; ids decide in the end, so that the answer is always the same."""
        mine, theirs = (self.money, self.extra, -self.coupons), (other.money, other.extra, -other.coupons)
        return mine > theirs if mine != theirs else self._names() < other._names()

    def _names(self) -> tuple[list[tuple[datetime, str]], list[str]]:
        coupons = sorted((one.offer.expires_at, one.offer.id) for one in self.uses if not one.offer.automatic)
        return coupons, sorted(one.offer.id for one in self.uses if one.offer.automatic)


@dataclass(frozen=True, slots=True)
class Best:
    """The answer. No combination takes more than `bound` off; it is exact when that is what this one takes.

    A search that stopped early may be exact in this sense and yet not know the best of several equal combinations.
    """

    uses: tuple[Compiled, ...]
    bound: int


def best(offers: Sequence[Compiled], numbers: Numbers, points: int, most_steps: int) -> Best:
    """The best combination of offers that can take something off."""
    ordered = sorted(_distinct(offers), key=lambda one: one.order)
    search = _Search(ordered, numbers, points, most_steps)
    found = search.run()
    return Best(found.uses, max(search.bound, found.money))


def excludes(one: Compiled, other: Compiled) -> bool:
    """True when the two may not be used on one order."""
    if one.offer.terms.stacking.exclusive or other.offer.terms.stacking.exclusive:
        return True
    return not set(_keys(one)).isdisjoint(_keys(other))


def _distinct(offers: Sequence[Compiled]) -> list[Compiled]:
    """Of copies under the very same terms only the one that expires first can be of use."""
    first: dict[tuple[str, int, int | None], Compiled] = {}
    for one in sorted(offers, key=lambda one: (one.offer.expires_at, one.offer.id)):
        offer = one.offer
        first.setdefault((offer.template_id, offer.terms_version, offer.face_amount), one)
    return list(first.values())


def _keys(one: Compiled) -> tuple[str, ...]:
    """Of each of these, a combination holds at most one offer; the first is the wider one."""
    group = one.offer.terms.stacking.group
    template = f"template {one.offer.template_id}"
    return (template,) if group is None else (f"group {group}", template)


class _Search:
    """Depth first over the offers in the order of application, with bounds on what may still come."""

    def __init__(self, ordered: Sequence[Compiled], numbers: Numbers, points: int, most_steps: int) -> None:
        self._free = [one for one in ordered if not one.offer.terms.stacking.exclusive]
        self._alone = [one for one in ordered if one.offer.terms.stacking.exclusive]
        self._numbers, self._points = numbers, points
        work = max(FULL_WORK, len(numbers.lines) * len(ordered))
        self._steps_left = most_steps * FULL_WORK // work
        self._last_steps = LAST_STEPS * FULL_WORK // work
        bits: dict[str, int] = {}
        self._keys = [_mask(bits, _keys(one)) for one in self._free]
        main = [bits[_keys(one)[0]] for one in self._free]
        self._bounds = Bounds(self._free, main, numbers)
        # Where shipping offers begin (or the end), points are paid: running thresholds there see what points left.
        self._till = next((at for at, one in enumerate(self._free) if _after_points(one)), len(self._free))
        self._later = _suffix_unions(self._keys)
        self._last_promotion = max((at for at, one in enumerate(self._free) if one.offer.automatic), default=-1)
        self._found: Chosen | None = None
        self.bound = 0

    def run(self, guess: Sequence[bool] | None = None) -> Chosen:
        """The best combination. `guess` says which offers to try first; the answer does not depend on it, only the time does."""
        empty = Chosen(self._numbers.start)
        for one in self._alone:
            alone = (self._paid(empty) if _after_points(one) else empty).plus(one, 0)
            if alone is not None:
                self._keep(alone)
        self._walk(0, empty, guess or self._promising())
        self._descend(0, empty)
        assert self._found is not None  # noqa: S101 - a walk that takes whatever it can ends with nothing owed
        return self._found

    def _promising(self) -> list[bool]:
        """A first guess: the most valuable offers that do not exclude each other. A good one spares most of the search."""
        by_worth = sorted(
            range(len(self._free)), key=lambda at: (-self._free[at].ceiling - self._free[at].shipping, at)
        )
        wanted, blocked = [False] * len(self._free), 0
        for at in by_worth:
            if not self._keys[at] & blocked:
                blocked |= self._keys[at]
                wanted[at] = True
        return wanted

    def _walk(self, position: int, chosen: Chosen, wanted: Sequence[bool]) -> None:
        """Keep the one combination that takes what is wanted, where it may."""
        for at in range(position, len(self._free)):
            chosen = self._paid(chosen) if at == self._till else chosen
            keys = self._keys[at]
            if keys & chosen.blocked:
                continue
            more = chosen.plus(self._free[at], keys)
            if more is None:
                continue
            if wanted[at]:
                chosen = more
            elif self._free[at].offer.automatic:
                chosen = self._without(chosen, keys)
        self._keep(chosen)

    def _descend(self, position: int, chosen: Chosen) -> None:
        """Try every combination that goes on from here and may be better than what is found."""
        while True:
            if position == self._till:
                chosen = self._paid(chosen)
            if position == len(self._free):
                self._keep(chosen)
                return
            if not self._worth_it(position, chosen):
                return
            one, keys = self._free[position], self._keys[position]
            position += 1
            if keys & chosen.blocked:
                continue
            more = chosen.plus(one, keys)
            if more is None:
                continue
            self._descend(position, more)
            if one.offer.automatic:
                if not keys & self._later[position]:
                    return
                chosen = self._without(chosen, keys)

    def _worth_it(self, position: int, chosen: Chosen) -> bool:
        """False when nothing that goes on from here can be better than what is found."""
        self._steps_left -= 1
        found = self._found
        money, extra = self._bounds.reach(position, chosen.state, chosen.blocked)
        money, extra = chosen.money + money, chosen.extra + extra
        if found is None:
            return True
        if self._steps_left < 0:
            if self._steps_left < -self._last_steps or money * 10_000 <= found.money * (10_000 + SLACK_BP):
                self.bound = max(self.bound, money)
                return False
            return True
        if money != found.money:
            return money > found.money
        if extra != found.extra:
            return extra > found.extra
        more = (chosen.money, chosen.extra) != (money, extra) and position > self._last_promotion
        return chosen.coupons + more <= found.coupons

    def _keep(self, chosen: Chosen) -> None:
        if chosen.settled() and (self._found is None or chosen.beats(self._found)):
            self._found = chosen

    def _without(self, chosen: Chosen, keys: int) -> Chosen:
        """A promotion that could be taken is left out: something that excludes it must come."""
        return Chosen(
            chosen.state,
            chosen.uses,
            chosen.money,
            chosen.extra,
            chosen.coupons,
            chosen.blocked,
            (*chosen.owed, keys),
        )

    def _paid(self, chosen: Chosen) -> Chosen:
        if not self._points:
            return chosen
        state = after(chosen.state, self._numbers.points(chosen.state, self._points))
        return Chosen(state, chosen.uses, chosen.money, chosen.extra, chosen.coupons, chosen.blocked, chosen.owed)


def _after_points(one: Compiled) -> bool:
    return one.order[0] >= SHIPPING_LAYER


def _mask(bits: dict[str, int], keys: Sequence[str]) -> int:
    return sum(bits.setdefault(key, 1 << len(bits)) for key in keys)


def _suffix_unions(masks: Sequence[int]) -> list[int]:
    """For each position, all bits from there on."""
    unions = [0]
    for mask in reversed(masks):
        unions.append(unions[-1] | mask)
    return unions[::-1]
