"""Keeping evidence small: contributions that can't change a leaf any more are dropped or added up."""

from collections.abc import Callable, Sequence

from services.segments.rule_language.measures import Contribution, order
from services.segments.rule_language.scalars import SCALE
from services.segments.rule_language.tree import EventLeaf
from services.segments.rule_language.windows import moves, span


def enough(leaf: EventLeaf) -> int:
    """How many contributions settle a count: one more than the largest number it is compared with."""
    largest = max((one.number or 0 for one in leaf.condition.values), default=0)
    return max(largest // SCALE + 1, 1)


def compact(leaf: EventLeaf, evidence: Sequence[Contribution], now: int) -> list[Contribution]:
    """The same verdict, now and later, from fewer contributions. `evidence` is sorted; so is the answer."""
    if not moves(leaf.window):
        return _settled(leaf, evidence)
    alive: list[Contribution] = []
    coming: list[Contribution] = []
    for one in evidence:
        enter, leave = span(leaf.window, one.ts)
        if enter > now:
            coming.append(one)
        elif leave > now:
            alive.append(one)
    match leaf.measure:
        case "count":
            alive = alive[-enough(leaf) :]
        case "distinct":
            alive = sorted({one.text: one for one in alive}.values(), key=order)[-enough(leaf) :]
        case "last":
            alive = alive[-1:]
        case "min":
            alive = _stairs(alive, lambda newer, older: newer <= older)
        case "max":
            alive = _stairs(alive, lambda newer, older: newer >= older)
    return alive + coming


def _stairs(alive: list[Contribution], hides: Callable[[int, int], bool]) -> list[Contribution]:
    """Drop what a newer contribution hides for as long as it lives."""
    kept: list[Contribution] = []
    for one in alive:
        while kept and hides(one.number or 0, kept[-1].number or 0):
            kept.pop()
        kept.append(one)
    return kept


def _settled(leaf: EventLeaf, evidence: Sequence[Contribution]) -> list[Contribution]:
    """Without a moving window nothing ever leaves: add up, or keep the extreme."""
    if len(evidence) < 2:
        return list(evidence)
    match leaf.measure:
        case "count":
            full = [one for one in evidence if one.weight >= enough(leaf)]
            if full:
                return full[:1]
            return [Contribution(evidence[-1].ts, None, None, sum(one.weight for one in evidence))]
        case "sum" | "avg":
            total = sum(one.number or 0 for one in evidence)
            return [Contribution(evidence[-1].ts, total, None, sum(one.weight for one in evidence))]
        case "min":
            return [min(evidence, key=lambda one: one.number or 0)]
        case "max":
            return [max(evidence, key=lambda one: one.number or 0)]
        case "first":
            return [evidence[0]]
        case "last":
            return [evidence[-1]]
    return sorted({one.text: one for one in reversed(evidence)}.values(), key=order)[: enough(leaf)]
