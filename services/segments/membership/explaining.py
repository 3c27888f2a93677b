"""Why somebody is or is not in, leaf by leaf; measured from the stored events, not from what the evaluation remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.segments.membership.evidence import find_evidence, find_traits
from services.segments.membership.rule_set import StateLeaf
from services.segments.membership.schemas import LeafView
from services.segments.rule_language.measures import Contribution, Verdict, judge, judge_trait
from services.segments.rule_language.scalars import Scalar, instant, number_value
from services.segments.rule_language.tree import (
    Complement,
    EventLeaf,
    Every,
    Node,
    SegmentLeaf,
    Some,
    TraitLeaf,
    leaves,
)
from services.segments.rule_language.windows import span
from shared.db import Transaction

_STEPS = 1_000
"""Instants at which a rule is looked at to find its next change."""


@dataclass(slots=True)
class Case:
    """All that is known of one profile for one rule. `nodes`: the rules of the segments that it refers to."""

    uid: int
    node: Node
    nodes: Mapping[str, Node]
    events: dict[tuple[int, int], list[Contribution]] = field(default_factory=dict)
    traits: dict[tuple[int, str], Scalar] = field(default_factory=dict)

    def verdict(self, leaf: StateLeaf, at: int) -> Verdict:
        """What one leaf says as of an instant."""
        if isinstance(leaf, TraitLeaf):
            return judge_trait(leaf, self.traits.get((self.uid, leaf.trait)), at)
        return judge(leaf, self.events.get((self.uid, leaf.id), []), at)

    def holds(self, node: Node, at: int) -> bool:
        """Whether a rule holds at an instant; segment leaves by the rules of those segments."""
        if isinstance(node, Every):
            return all(self.holds(child, at) for child in node.children)
        if isinstance(node, Some):
            return any(self.holds(child, at) for child in node.children)
        if isinstance(node, Complement):
            return not self.holds(node.child, at)
        if isinstance(node, SegmentLeaf):
            return node.segment in self.nodes and self.holds(self.nodes[node.segment], at)
        return self.verdict(node, at).value

    def every_leaf(self) -> list[StateLeaf]:
        """The leaves of the rule and of the segments that it refers to."""
        return _state_leaves(self.node, self.nodes)

    def next_change(self, now: int) -> int | None:
        """When the rule's answer changes if nothing but time passes (µs)."""
        before, at = self.holds(self.node, now), now
        for _ in range(_STEPS):
            flips = [self.verdict(leaf, at).next_flip_at for leaf in self.every_leaf()]
            coming = [flip for flip in flips if flip is not None]
            if not coming:
                return None
            at = min(coming)
            if self.holds(self.node, at) != before:
                return at
        return None

    def because(self, now: int) -> list[LeafView]:
        """What each leaf says now, and on what evidence."""
        return [self._leaf(leaf, now) for leaf in leaves(self.node)]

    def _leaf(self, leaf: StateLeaf | SegmentLeaf, now: int) -> LeafView:
        if isinstance(leaf, SegmentLeaf):
            return LeafView(leaf=leaf.source, holds=self.holds(leaf, now), evidence={})
        verdict = self.verdict(leaf, now)
        at = None if verdict.next_flip_at is None else instant(verdict.next_flip_at)
        return LeafView(leaf=leaf.source, holds=verdict.value, evidence=self._evidence(leaf, now), next_change_at=at)

    def _evidence(self, leaf: StateLeaf, now: int) -> dict[str, Any]:
        if isinstance(leaf, TraitLeaf):
            value = self.traits.get((self.uid, leaf.trait))
            return {"value": None} if value is None else {"value": value.text}
        return _evidence(leaf, self.events.get((self.uid, leaf.id), []), now)


def _evidence(leaf: EventLeaf, contributions: list[Contribution], now: int) -> dict[str, Any]:
    def counts(ts: int) -> bool:
        enter, leave = span(leaf.window, ts)
        return enter <= now < leave

    active = [one for one in contributions if counts(one.ts)]
    shown: dict[str, Any] = {"events": len(active)}
    if active:
        shown |= {"first_at": instant(active[0].ts), "last_at": instant(active[-1].ts)}
    numbers = [one.number for one in active if one.number is not None]
    if leaf.measure == "distinct":
        shown["distinct"] = len({one.text for one in active})
    elif leaf.measure in ("first", "last") and active and leaf.property:
        shown[leaf.measure] = active[0 if leaf.measure == "first" else -1].text
    elif leaf.measure in ("sum", "avg"):
        shown["sum"] = number_value(sum(numbers))
    elif numbers and leaf.measure in ("min", "max"):
        shown[leaf.measure] = number_value(min(numbers) if leaf.measure == "min" else max(numbers))
    return shown


def _state_leaves(node: Node, nodes: Mapping[str, Node]) -> list[StateLeaf]:
    found: list[StateLeaf] = []
    for leaf in leaves(node):
        if not isinstance(leaf, SegmentLeaf):
            found.append(leaf)
        elif leaf.segment in nodes:
            found += _state_leaves(nodes[leaf.segment], nodes)
    return found


async def case_of(tx: Transaction, uid: int, node: Node, nodes: Mapping[str, Node], now: int) -> Case:
    """Everything that is needed to judge one profile as of `now` and later."""
    wanted = _state_leaves(node, nodes)
    events = await find_evidence(tx, wanted, [uid], now)
    return Case(uid, node, nodes, events, await find_traits(tx, wanted, [uid]))
