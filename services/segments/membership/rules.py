"""Incremental evaluation, in memory: events and due flips change leaves, changed leaves change memberships. Pure.

Two steps, so that the second only loads what the first found changed:
1. `Leaves`: per profile and leaf, flips that are due happen at their scheduled instants, then new evidence counts. What
   comes out are changes of leaf values, each with its instant and cause.
2. `recompose`: per profile, the changes are replayed in time; segments that use a changed leaf are composed anew, then
   those that refer to a changed segment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from services.segments.membership.rule_set import Compiled, RuleSet, StateLeaf, default_of
from services.segments.rule_language.compaction import compact
from services.segments.rule_language.measures import LIMIT, Contribution, Verdict, judge, judge_trait, order
from services.segments.rule_language.scalars import Scalar
from services.segments.rule_language.tree import EventLeaf, SegmentLeaf, TraitLeaf, truth


@dataclass(slots=True)
class State:
    """One leaf of one profile. `evidence` is None when it is too long to keep: then it is measured from stored events."""

    value: bool
    evidence: list[Contribution] | None
    next_flip_at: int | None
    stored: bool = False
    dirty: bool = False


class Moment(NamedTuple):
    """When (µs) something happens, and why."""

    at: int
    cause: str


class LeafChange(NamedTuple):
    """A leaf of one profile took a new value."""

    at: int
    cause: str
    leaf_id: int
    value: bool


class MemberChange(NamedTuple):
    """A profile entered (or left) a segment."""

    segment: Compiled
    uid: int
    entered: bool
    at: int
    cause: str


@dataclass(slots=True)
class Leaves:
    """The leaf states that one transaction touches, and what changed. `now` in µs."""

    now: int
    states: dict[tuple[int, int], State] = field(default_factory=dict)
    changes: dict[int, list[LeafChange]] = field(default_factory=dict)

    def state(self, uid: int, leaf: StateLeaf) -> State:
        """The state of a leaf; the default one where no row is stored."""
        found = self.states.get((uid, leaf.id))
        if found is None:
            found = self.states[uid, leaf.id] = State(default_of(leaf), [], None)
        return found

    def settle(self, uid: int, leaf: StateLeaf, at: int, cause: str, verdict: Verdict) -> None:
        """Take over a verdict that holds from `at` on."""
        self._settle(self.state(uid, leaf), uid, leaf, at, cause, verdict)

    def _settle(self, state: State, uid: int, leaf: StateLeaf, at: int, cause: str, verdict: Verdict) -> None:
        if verdict.value != state.value:
            self.changes.setdefault(uid, []).append(LeafChange(at, cause, leaf.id, verdict.value))
        if verdict.value != state.value or verdict.next_flip_at != state.next_flip_at:
            state.value, state.next_flip_at, state.dirty = verdict.value, verdict.next_flip_at, True

    def flip_due(self, uid: int, leaf: StateLeaf, evidence: Sequence[Contribution] | Scalar | None) -> None:
        """Let every flip happen that is due by now, at its instant. `evidence`: contributions, or the trait's value."""
        state = self.state(uid, leaf)
        while state.next_flip_at is not None and state.next_flip_at <= self.now:
            at = state.next_flip_at
            verdict = _verdict(leaf, evidence, at)
            if verdict.next_flip_at is not None and verdict.next_flip_at <= at:
                raise AssertionError(f"the flip of leaf {leaf.id} does not move on")
            self._settle(state, uid, leaf, at, "time", verdict)
        if state.evidence and isinstance(leaf, EventLeaf):
            state.evidence = compact(leaf, state.evidence, self.now)

    def add(self, uid: int, leaf: EventLeaf, new: Iterable[Contribution], cause: str) -> None:
        """New evidence counts from now on."""
        state = self.state(uid, leaf)
        merged = sorted([*(state.evidence or ()), *new], key=order)
        self.measure(uid, leaf, merged, cause)

    def measure(self, uid: int, leaf: EventLeaf, evidence: list[Contribution], cause: str) -> None:
        """Set the whole evidence of a leaf (sorted) and judge it as of now."""
        state = self.state(uid, leaf)
        kept = compact(leaf, evidence, self.now)
        self._settle(state, uid, leaf, self.now, cause, judge(leaf, kept, self.now))
        remembered = kept if len(kept) <= LIMIT else None
        if remembered != state.evidence:
            state.evidence, state.dirty = remembered, True


def _verdict(leaf: StateLeaf, evidence: Sequence[Contribution] | Scalar | None, at: int) -> Verdict:
    if isinstance(leaf, TraitLeaf):
        return judge_trait(leaf, evidence if isinstance(evidence, Scalar) else None, at)
    contributions = evidence if isinstance(evidence, Sequence) else ()
    return judge(leaf, contributions, at)


def recompose(
    rules: RuleSet,
    uid: int,
    changes: Sequence[LeafChange],
    values: dict[int, bool],
    inside: set[str],
    created: Moment | None = None,
) -> list[MemberChange]:
    """The changes of membership of one profile. `values` (leaf id → value before the changes; absent = default) and
    `inside` (segments it is in) are brought up to date. `created`: its first moment, when default members enter."""
    if created is not None:
        # Whoever is new enters as what the first moment made of them: no entry that ends in the same instant.
        values.update({change.leaf_id: change.value for change in changes})
        touched = [one for change in changes for one in rules.users.get(change.leaf_id, ())]
        return compose(rules, uid, [*rules.default_members, *touched], values, inside, created)
    found: list[MemberChange] = []
    ordered = sorted(changes, key=lambda change: (change.at, change.cause != "time"))
    for (at, cause), group in groupby(ordered, key=lambda change: (change.at, change.cause)):
        touched = []
        for change in group:
            values[change.leaf_id] = change.value
            touched += rules.users.get(change.leaf_id, ())
        found += compose(rules, uid, touched, values, inside, Moment(at, cause))
    return found


def compose(
    rules: RuleSet,
    uid: int,
    touched: Iterable[Compiled],
    values: dict[int, bool],
    inside: set[str],
    moment: Moment,
) -> list[MemberChange]:
    """Compose segments in their order; a change passes on to the segments that refer to it."""
    waiting = {rules.place[one.id]: one for one in touched}
    found = []
    while waiting:
        one = waiting.pop(min(waiting))
        if uid > one.coverage:
            continue
        is_in = truth(one.node, leaf_values(rules, one, values, inside))
        if is_in == (one.id in inside):
            continue
        (inside.add if is_in else inside.discard)(one.id)
        found.append(MemberChange(one, uid, is_in, moment.at, moment.cause))
        waiting.update({rules.place[other.id]: other for other in rules.dependents.get(one.id, ())})
    return found


def leaf_values(rules: RuleSet, one: Compiled, values: dict[int, bool], inside: set[str]) -> dict[int, bool]:
    """What the leaves of a segment say about one profile."""
    return {
        leaf.id: leaf.segment in inside
        if isinstance(leaf, SegmentLeaf)
        else values.get(leaf.id, rules.defaults[leaf.id])
        for leaf in one.leaves
    }
