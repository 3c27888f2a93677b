"""Measures over the events of one profile: what an event contributes, what holds now, and when time alone changes it.

The evidence of a leaf is its contributions, sorted: (ts, number, text, weight). `compact` drops what can't matter any more, so
that a state row stays small however many events there are.
"""

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any, NamedTuple

from services.segments.rule_language.comparisons import compare, lasting, ratio
from services.segments.rule_language.scalars import SCALE, Scalar, as_time
from services.segments.rule_language.tree import NEGATIVE, EventLeaf, TraitLeaf
from services.segments.rule_language.windows import FOREVER, admits, moves, span

LIMIT = 500
"""Contributions kept in a state row; a leaf that needs more is measured from the stored events each time."""

Facts = dict[str, dict[str, Any]]
"""Comparable properties of an event: `t` texts, `n` numbers, `m` moments, `d` days, each by property name."""


class Contribution(NamedTuple):
    """What one event (or several, added up: `weight`) brings to a leaf."""

    ts: int
    number: int | None
    text: str | None
    weight: int


class Verdict(NamedTuple):
    """A leaf's value, and the instant (µs) at which it changes if nothing but time happens; None = never."""

    value: bool
    next_flip_at: int | None


def fact(facts: Facts, name: str) -> Scalar | None:
    """The property `name` with all its forms, or None where it is missing."""
    text = facts.get("t", {}).get(name)
    if text is None:
        return None
    return Scalar(text, facts.get("n", {}).get(name), facts.get("m", {}).get(name), facts.get("d", {}).get(name))


def contribution(leaf: EventLeaf, ts: int, facts: Facts) -> Contribution | None:
    """What an event named `leaf.event` brings, or None: outside the window, refused by `where`, or without the property."""
    if not admits(leaf.window, ts):
        return None
    if leaf.currency is not None and facts.get("t", {}).get("currency", leaf.currency) != leaf.currency:
        return None
    for name, condition in leaf.where:
        if not compare(fact(facts, name), condition):
            return None
    if leaf.measure == "count" or leaf.property is None:
        return Contribution(ts, None, None, 1)
    number = facts.get("n", {}).get(leaf.property)
    text = facts.get("t", {}).get(leaf.property)
    if leaf.measure == "distinct":
        return None if text is None else Contribution(ts, None, text, 1)
    if leaf.measure in ("first", "last"):
        return None if text is None else Contribution(ts, number, text, 1)
    return None if number is None else Contribution(ts, number, None, 1)


def order(one: Contribution) -> tuple[int, str, int]:
    """Contributions sort by time; equal times by value, so that the order of arrival never matters."""
    return one.ts, one.text or "", one.number or 0


def judge(leaf: EventLeaf, evidence: Sequence[Contribution], now: int) -> Verdict:
    """Value and next flip of a leaf, from its sorted contributions."""
    if leaf.measure == "count" and leaf.window.kind == "rolling" and (not evidence or evidence[-1].ts <= now):
        return _judge_rolling_count(leaf, evidence, now)
    spans = [span(leaf.window, one.ts) for one in evidence] if moves(leaf.window) else None
    weights = list(accumulate((one.weight for one in evidence), initial=0))
    sums = list(accumulate((one.number or 0 for one in evidence), initial=0))

    def value_at(first: int, end: int, at: int) -> bool:
        return _holds(leaf, evidence[first:end], weights[end] - weights[first], sums[end] - sums[first], at)

    first, end = _active(spans, len(evidence), now, 0, 0)
    value = value_at(first, end, now)
    for at in _instants(leaf, evidence, spans, now):
        first, end = _active(spans, len(evidence), at, first, end)
        if value_at(first, end, at) != value:
            return Verdict(value, at)
    return Verdict(value, None)


def _judge_rolling_count(leaf: EventLeaf, evidence: Sequence[Contribution], now: int) -> Verdict:
    """The most frequent leaf, without the general machinery: nothing enters any more, the oldest leave first."""
    length = leaf.window.length
    alive = [one for one in evidence if one.ts + length > now]
    left = sum([one.weight for one in alive])
    value = ratio(left * SCALE, 1, leaf.condition)
    for index, one in enumerate(alive):
        left -= one.weight
        last_of_instant = index + 1 == len(alive) or alive[index + 1].ts != one.ts
        if last_of_instant and ratio(left * SCALE, 1, leaf.condition) != value:
            return Verdict(value, one.ts + length)
    return Verdict(value, None)


def judge_trait(leaf: TraitLeaf, value: Scalar | None, now: int) -> Verdict:
    """Value and next flip of a trait leaf."""
    if leaf.condition.op != "within_last":
        return Verdict(compare(value, leaf.condition), None)
    held = lasting(value, leaf.condition)
    if held is None or now >= held[1]:
        return Verdict(False, None)
    return Verdict(True, held[1]) if now >= held[0] else Verdict(False, held[0])


def _active(spans: list[tuple[int, int]] | None, size: int, at: int, first: int, end: int) -> tuple[int, int]:
    """The contributions that count at an instant: a slice, because spans grow with time. Starts from an earlier slice."""
    if spans is None:
        return 0, size
    while end < size and spans[end][0] <= at:
        end += 1
    while first < end and spans[first][1] <= at:
        first += 1
    return first, end


def _instants(
    leaf: EventLeaf, evidence: Sequence[Contribution], spans: list[tuple[int, int]] | None, now: int
) -> list[int]:
    """Where the value can change by time alone, in order."""
    found = {at for at in chain.from_iterable(spans or ()) if now < at < FOREVER}
    if leaf.condition.op == "within_last":
        held = (lasting(Scalar(moment=one.ts), leaf.condition) for one in evidence)
        found.update(at for at in chain.from_iterable(one or () for one in held) if now < at)
    return sorted(found)


def _holds(leaf: EventLeaf, active: Sequence[Contribution], weight: int, total: int, at: int) -> bool:
    condition = leaf.condition
    match leaf.measure:
        case "count":
            return ratio(weight * SCALE, 1, condition)
        case "sum":
            return ratio(total, 1, condition)
        case "distinct":
            return ratio(len({one.text for one in active}) * SCALE, 1, condition)
        case "first" | "last":
            return _edge_holds(leaf, active, at)
    if not active:
        return condition.op in NEGATIVE
    if condition.op in ("exists", "not_exists"):
        return condition.op == "exists"
    if leaf.measure == "avg":
        return ratio(total, weight, condition)
    numbers = [one.number or 0 for one in active]
    return ratio(min(numbers) if leaf.measure == "min" else max(numbers), 1, condition)


def _edge_holds(leaf: EventLeaf, active: Sequence[Contribution], at: int) -> bool:
    edge = None if not active else active[0] if leaf.measure == "first" else active[-1]
    if leaf.property is not None:
        return compare(_value(edge), leaf.condition)
    moment = None if edge is None else Scalar(moment=edge.ts)
    if leaf.condition.op != "within_last":
        return compare(moment, leaf.condition)
    held = lasting(moment, leaf.condition)
    return held is not None and held[0] <= at < held[1]


def _value(one: Contribution | None) -> Scalar | None:
    if one is None or one.text is None:
        return None
    return Scalar(one.text, one.number, *as_time(one.text))
