"""The best combination of coupons 最优组合: exact branch and bound, with a stated bound when it has to stop early. Pure.

Offers are applied in one fixed order (`Prepared.order`), so a combination is a set. Two offers exclude each other when
they share an exclusion group or a template; an exclusive offer stands alone. Among equal discounts fewer coupons win,
then the earlier expiry, then the smaller id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.coupon.pricing.offers import Refusal
from services.coupon.pricing.rules import Prepared, Running, below_threshold, ceiling, discount

MOST_OFFERS = 30
MOST_STEPS = 5_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """A combination: the offers that are used with their shares per line, in the order of application."""

    running: Running
    uses: tuple[tuple[Prepared, Running], ...] = ()
    total: int = 0

    @property
    def rank(self) -> tuple[int, int, tuple[tuple[datetime, str], ...]]:
        """Smaller is better."""
        ages = sorted((use.offer.expires_at, use.offer.id) for use, _ in self.uses)
        return (-self.total, len(self.uses), tuple(ages))

    def plus(self, prepared: Prepared, shares: Running) -> "Chosen":
        left = tuple(now - share for now, share in zip(self.running, shares, strict=True))
        return Chosen(left, (*self.uses, (prepared, shares)), self.total + sum(shares))


@dataclass(frozen=True, slots=True)
class Best:
    """The answer. No combination takes more than `bound` off; `exact` when that is what the chosen one takes.

    A search that stopped early may be exact in this sense and yet not know the best of several equal combinations.
    """

    chosen: Chosen
    exact: bool
    bound: int
    refused: dict[str, Refusal]


def best(candidates: Sequence[Prepared], running: Running, most_steps: int = MOST_STEPS) -> Best:
    """The combination that takes most off, and for every other offer the reason why it is not used."""
    refused: dict[str, Refusal] = {}
    alone: list[tuple[Prepared, Running]] = []
    for prepared in candidates:
        shares = discount(prepared, running)
        if isinstance(shares, Refusal):
            refused[prepared.offer.id] = shares
        else:
            alone.append((prepared, shares))
    useful = _distinct(alone)
    considered, left_out = useful[:MOST_OFFERS], useful[MOST_OFFERS:]
    search = _Search(running, [one for one, _ in considered], most_steps)
    chosen = search.run()
    complete = search.exact and not left_out
    more = sum(ceiling(one, running) for one, _ in left_out)
    bound = chosen.total if complete else min(search.bound + more, sum(running))
    for prepared, _ in alone:
        if all(prepared is not use for use, _ in chosen.uses):
            refused[prepared.offer.id] = _why_not(prepared, chosen)
    return Best(chosen, bound == chosen.total, bound, refused)


def _distinct(alone: Sequence[tuple[Prepared, Running]]) -> list[tuple[Prepared, Running]]:
    """Most valuable first. Of copies under the very same terms only the one that expires first can be of use."""
    first: dict[tuple[str, int], tuple[Prepared, Running]] = {}
    for prepared, shares in sorted(alone, key=lambda one: (one[0].offer.expires_at, one[0].offer.id)):
        first.setdefault((prepared.offer.template_id, prepared.offer.terms_version), (prepared, shares))
    return sorted(first.values(), key=lambda one: -sum(one[1]))


def excludes(one: Prepared, other: Prepared) -> bool:
    """True when the two may not be used on one order."""
    if one.offer.terms.stacking.exclusive or other.offer.terms.stacking.exclusive:
        return True
    return not _keys(one).isdisjoint(_keys(other))


def _keys(prepared: Prepared) -> frozenset[str]:
    """Of each of these, a combination holds at most one offer."""
    group = prepared.offer.terms.stacking.group
    template = f"template {prepared.offer.template_id}"
    return frozenset((template,)) if group is None else frozenset((template, f"group {group}"))


def _main_key(prepared: Prepared) -> str:
    group = prepared.offer.terms.stacking.group
    return f"template {prepared.offer.template_id}" if group is None else f"group {group}"


def _why_not(prepared: Prepared, chosen: Chosen) -> Refusal:
    for used, _ in chosen.uses:
        if excludes(prepared, used):
            return Refusal.of("excluded_by", excluded_by=used.offer.id)
    after = below_threshold(prepared, chosen.running) or discount(prepared, chosen.running)
    if isinstance(after, Refusal):
        return after
    return Refusal.of("not_best")


class _Search:
    """Depth first over the offers in the order of application, with bounds on what may still come."""

    def __init__(self, start: Running, offers: Sequence[Prepared], most_steps: int) -> None:
        ordered = sorted(offers, key=lambda one: one.order)
        self._free = [one for one in ordered if not one.offer.terms.stacking.exclusive]
        self._alone = [one for one in ordered if one.offer.terms.stacking.exclusive]
        self._floors = [line.floor for line in ordered[0].lines] if ordered else [0] * len(start)
        self._start = Chosen(start)
        self._steps_left = most_steps
        self._found = self._start
        self.exact = True
        self.bound = 0

    def run(self) -> Chosen:
        for one in self._alone:
            shares = discount(one, self._start.running)
            if not isinstance(shares, Refusal):
                self._keep(self._start.plus(one, shares))
        self._bounds = self._suffix_bounds()
        self._descend(0, self._start, frozenset())
        self.bound = max(self.bound, self._found.total)
        return self._found

    def _suffix_bounds(self) -> list[tuple[dict[str, int], Running]]:
        """For each position: what each key's offers from there on can add at most, and what each line can lose at most."""
        start = self._start.running
        by_key: dict[str, int] = {}
        by_line: dict[str, Running] = {}
        bounds: list[tuple[dict[str, int], Running]] = [({}, (0,) * len(start))]
        for one in reversed(self._free):
            key, lines = _main_key(one), _most_per_line(one, start)
            by_key[key] = max(by_key.get(key, 0), min(ceiling(one, start), sum(lines)))
            by_line[key] = tuple(max(pair) for pair in zip(by_line.get(key, lines), lines, strict=True))
            bounds.append((dict(by_key), tuple(sum(column) for column in zip(*by_line.values(), strict=True))))
        return bounds[::-1]

    def _to_come(self, position: int, chosen: Chosen, blocked: frozenset[str]) -> int:
        by_key, by_line = self._bounds[position]
        added = sum(most for key, most in by_key.items() if key not in blocked)
        columns = zip(chosen.running, self._floors, by_line, strict=True)
        return min(added, sum(min(max(now - floor, 0), most) for now, floor, most in columns))

    def _keep(self, chosen: Chosen) -> None:
        if chosen.total >= self._found.total and chosen.rank < self._found.rank:
            self._found = chosen

    def _hopeless(self, chosen: Chosen, reach: int) -> bool:
        """True when nothing below can be better than what is found, given the most that can be reached."""
        found = self._found
        if reach != found.total:
            return reach < found.total
        return len(chosen.uses) + (chosen.total < found.total) > len(found.uses)

    def _descend(self, position: int, chosen: Chosen, blocked: frozenset[str]) -> None:
        self._keep(chosen)
        if position == len(self._free):
            return
        reach = chosen.total + self._to_come(position, chosen, blocked)
        if reach == chosen.total or self._hopeless(chosen, reach):
            return
        if self._steps_left == 0:
            self.exact = False
            self.bound = max(self.bound, reach)
            return
        self._steps_left -= 1
        one = self._free[position]
        if blocked.isdisjoint(_keys(one)):
            shares = discount(one, chosen.running)
            if not isinstance(shares, Refusal):
                self._descend(position + 1, chosen.plus(one, shares), blocked | _keys(one))
        self._descend(position + 1, chosen, blocked)


def _most_per_line(prepared: Prepared, running: Running) -> Running:
    """What the offer can take off each line at most, whatever was applied before it.

    A parallel offer that drops its overflow has fixed shares, which caps can only lower. The others may shift between
    lines when balances fall, but never beyond what a line has left.
    """
    terms = prepared.offer.terms
    fixed = terms.stacking.calculation == "parallel" and terms.threshold.basis != "running"
    if fixed and (terms.stacking.overflow == "drop" or prepared.benefit.per != "order"):
        shares = discount(prepared, running)
        return (0,) * len(running) if isinstance(shares, Refusal) else shares
    most = [0] * len(running)
    for index in prepared.eligible:
        most[index] = max(running[index] - prepared.lines[index].floor, 0)
    return tuple(most)
