"""The rule set: every segment that is evaluated, compiled for looking up what an event or a trait touches. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter

from services.segments.membership.models import Segment
from services.segments.rule_language.measures import judge, judge_trait
from services.segments.rule_language.parser import references
from services.segments.rule_language.tree import EventLeaf, Leaf, Node, SegmentLeaf, TraitLeaf, leaves, truth
from services.segments.rule_language.windows import FOREVER

StateLeaf = EventLeaf | TraitLeaf


@dataclass(frozen=True, slots=True)
class Compiled:
    """One segment, ready to evaluate. `coverage`: profiles up to this uid follow this version and are kept up to date."""

    id: str
    owner_id: str
    name: str
    version: int
    status: str
    node: Node
    coverage: int
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True)
class RuleSet:
    """`segments` in an order in which a segment comes after those that it refers to."""

    revision: int
    segments: tuple[Compiled, ...] = ()
    ready: frozenset[int] = frozenset()
    by_event: dict[str, list[EventLeaf]] = field(default_factory=dict)
    by_trait: dict[str, list[TraitLeaf]] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[str, Compiled]:
        """The segments by their ids."""
        return {one.id: one for one in self.segments}

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The rule of each segment, by its id."""
        return {one.id: one.node for one in self.segments}

    @cached_property
    def place(self) -> dict[str, int]:
        """Where a segment stands in the order of evaluation."""
        return {one.id: index for index, one in enumerate(self.segments)}

    @cached_property
    def state_leaves(self) -> dict[int, StateLeaf]:
        """Leaves with a state of their own, by id."""
        return {leaf.id: leaf for one in self.segments for leaf in one.leaves if not isinstance(leaf, SegmentLeaf)}

    @cached_property
    def users(self) -> dict[int, list[Compiled]]:
        """The segments that use a leaf, by leaf id."""
        found: dict[int, list[Compiled]] = {}
        for one in self.segments:
            for leaf in {leaf.id: leaf for leaf in one.leaves}:
                found.setdefault(leaf, []).append(one)
        return found

    @cached_property
    def dependents(self) -> dict[str, list[Compiled]]:
        """The segments that refer to a segment."""
        found: dict[str, list[Compiled]] = {}
        for one in self.segments:
            for leaf in one.leaves:
                if isinstance(leaf, SegmentLeaf):
                    found.setdefault(leaf.segment, []).append(one)
        return found

    @cached_property
    def defaults(self) -> dict[int, bool]:
        """What each leaf says about somebody who never did anything."""
        return {leaf_id: default_of(leaf) for leaf_id, leaf in self.state_leaves.items()}

    @cached_property
    def default_members(self) -> list[Compiled]:
        """The segments that somebody is in who never did anything."""
        inside: dict[str, bool] = {}
        for one in self.segments:
            known = {
                leaf.id: inside.get(leaf.segment, False) if isinstance(leaf, SegmentLeaf) else self.defaults[leaf.id]
                for leaf in one.leaves
            }
            inside[one.id] = truth(one.node, known)
        return [one for one in self.segments if inside[one.id]]

    @cached_property
    def _coverage(self) -> dict[int, int]:
        return {
            leaf_id: FOREVER if leaf_id in self.ready else max(one.coverage for one in self.users[leaf_id])
            for leaf_id in self.state_leaves
        }

    def covers(self, leaf_id: int, uid: int) -> bool:
        """Whether the state of this leaf is kept for this profile (else a backfill will come by)."""
        return uid <= self._coverage.get(leaf_id, -1)


def default_of(leaf: StateLeaf) -> bool:
    """What a leaf says where there is nothing: no event, no trait."""
    if isinstance(leaf, EventLeaf):
        return judge(leaf, (), 0).value
    return judge_trait(leaf, None, 0).value


def compile_rules(revision: int, rows: Iterable[Segment], ready: Iterable[int], nodes: dict[str, Node]) -> RuleSet:
    """The rule set of segment rows (not archived), `nodes` being their parsed rules by segment id."""
    by_id = {row.id: row for row in rows}
    sorter = TopologicalSorter({one: references(nodes[one]) & by_id.keys() for one in sorted(by_id)})
    compiled = []
    by_event: dict[str, dict[int, EventLeaf]] = {}
    by_trait: dict[str, dict[int, TraitLeaf]] = {}
    for one in sorter.static_order():
        row = by_id[one]
        own = tuple(leaves(nodes[one]))
        coverage = FOREVER if row.status == "live" else row.cursor
        compiled.append(Compiled(one, row.owner_id, row.name, row.version, row.status, nodes[one], coverage, own))
        for leaf in own:
            if isinstance(leaf, EventLeaf):
                by_event.setdefault(leaf.event, {})[leaf.id] = leaf
            elif isinstance(leaf, TraitLeaf):
                by_trait.setdefault(leaf.trait, {})[leaf.id] = leaf
    return RuleSet(
        revision,
        tuple(compiled),
        frozenset(ready),
        {name: list(found.values()) for name, found in by_event.items()},
        {name: list(found.values()) for name, found in by_trait.items()},
    )
