"""Evaluation inside a transaction: load what is touched, evaluate in memory, write what changed, tell of it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.segments.membership import repository
from services.segments.membership.evidence import find_evidence, find_traits
from services.segments.membership.rule_set import RuleSet, StateLeaf
from services.segments.membership.rules import Leaves, MemberChange, Moment, recompose
from services.segments.profiles.repository import Person
from services.segments.rule_language.measures import Contribution, judge_trait
from services.segments.rule_language.scalars import instant
from services.segments.rule_language.tree import EventLeaf, TraitLeaf
from shared.contracts import SegmentEntered, SegmentExited
from shared.db import Transaction
from shared.messaging import Outbox


@dataclass(slots=True)
class Touched:
    """What one transaction brings: new evidence by (uid, leaf id), traits that changed by (uid, name), uids that are new,
    uids whose whole history changed and why (a profile was joined to them, an event gave way), uids that are no more (they
    were joined). Causes by uid; `event` where none is named."""

    uids: set[int] = field(default_factory=set)
    contributions: dict[tuple[int, int], list[Contribution]] = field(default_factory=dict)
    traits: set[tuple[int, str]] = field(default_factory=set)
    created: set[int] = field(default_factory=set)
    rebuilt: dict[int, str] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    causes: dict[int, str] = field(default_factory=dict)

    def cause(self, uid: int) -> str:
        """Why memberships of this profile change."""
        return self.rebuilt.get(uid) or self.causes.get(uid, "event")

    def displace(self, uids: Collection[int]) -> None:
        """These lost an event: what a shopper told gave way to the merchant."""
        self.uids |= set(uids)
        self.rebuilt = {uid: self.causes.get(uid, "event") for uid in uids} | self.rebuilt


class Evaluation:
    """Used by ingestion, sweeper and backfill. `on_flip` hears of the earliest flip that a commit wrote (µs)."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.on_flip: Callable[[int], None] = lambda _: None

    async def apply(
        self, tx: Transaction, rules: RuleSet, now: int, touched: Touched, people: Mapping[int, Person]
    ) -> list[MemberChange]:
        """Evaluate what was touched. The profiles must be held by this transaction."""
        leaves = await self.flips(tx, rules, now, touched.uids, {leaf for _, leaf in touched.contributions})
        await self._add_evidence(tx, rules, leaves, touched)
        await self._judge_traits(tx, rules, leaves, touched)
        await self._rebuild(tx, rules, leaves, touched)
        changes = await self._leave(tx, rules, now, touched.gone)
        changes += await self._recompose(tx, rules, leaves, touched)
        await self.save(tx, rules, leaves, changes, people)
        return changes

    async def flips(
        self, tx: Transaction, rules: RuleSet, now: int, uids: Collection[int], leaf_ids: Collection[int]
    ) -> Leaves:
        """The states of these profiles, after every flip that was due has happened at its instant."""
        leaves = Leaves(now, await repository.find_states(tx, uids, leaf_ids, now))
        due = [
            key for key, state in leaves.states.items() if state.next_flip_at is not None and state.next_flip_at <= now
        ]
        known = [
            (uid, rules.state_leaves[leaf])
            for uid, leaf in due
            if leaf in rules.state_leaves and rules.covers(leaf, uid)
        ]
        for key in due:
            if not rules.covers(key[1], key[0]):  # left over from a leaf that nobody uses any more
                leaves.states.pop(key)
        traits = await find_traits(tx, {leaf for _, leaf in known}, {uid for uid, _ in known})
        long = [(uid, leaf) for uid, leaf in known if leaves.state(uid, leaf).evidence is None]
        first = min((leaves.state(uid, leaf).next_flip_at or now for uid, leaf in long), default=now)
        stored = await find_evidence(tx, {leaf for _, leaf in long}, {uid for uid, _ in long}, first)
        for uid, leaf in known:
            if isinstance(leaf, TraitLeaf):
                leaves.flip_due(uid, leaf, traits.get((uid, leaf.trait)))
            else:
                evidence = leaves.state(uid, leaf).evidence
                leaves.flip_due(uid, leaf, stored.get((uid, leaf.id), []) if evidence is None else evidence)
        return leaves

    async def _add_evidence(self, tx: Transaction, rules: RuleSet, leaves: Leaves, touched: Touched) -> None:
        long: list[tuple[int, EventLeaf]] = []
        for (uid, leaf_id), new in touched.contributions.items():
            leaf = rules.state_leaves[leaf_id]
            if not isinstance(leaf, EventLeaf) or uid in touched.rebuilt:
                continue
            if leaves.state(uid, leaf).evidence is None:
                long.append((uid, leaf))
            else:
                leaves.add(uid, leaf, new, touched.cause(uid))
        stored = await find_evidence(tx, {leaf for _, leaf in long}, {uid for uid, _ in long}, leaves.now)
        for uid, leaf in long:
            leaves.measure(uid, leaf, stored.get((uid, leaf.id), []), touched.cause(uid))

    async def _judge_traits(self, tx: Transaction, rules: RuleSet, leaves: Leaves, touched: Touched) -> None:
        pairs = [
            (uid, leaf)
            for uid, name in touched.traits
            for leaf in rules.by_trait.get(name, ())
            if rules.covers(leaf.id, uid) and uid not in touched.rebuilt
        ]
        if not pairs:
            return
        uids = {uid for uid, _ in pairs}
        leaves.states |= {
            key: state
            for key, state in (await repository.find_states(tx, uids, {leaf.id for _, leaf in pairs}, -1)).items()
            if key not in leaves.states
        }
        values = await find_traits(tx, {leaf for _, leaf in pairs}, uids)
        for uid, leaf in pairs:
            verdict = judge_trait(leaf, values.get((uid, leaf.trait)), leaves.now)
            leaves.settle(uid, leaf, leaves.now, touched.cause(uid), verdict)

    async def _rebuild(self, tx: Transaction, rules: RuleSet, leaves: Leaves, touched: Touched) -> None:
        for cause in sorted(set(touched.rebuilt.values())):
            uids = [uid for uid, why in touched.rebuilt.items() if why == cause]
            await self.measure(tx, rules.state_leaves.values(), leaves, uids, rules.covers, cause)

    async def measure(
        self,
        tx: Transaction,
        wanted: Iterable[StateLeaf],
        leaves: Leaves,
        uids: Collection[int],
        covers: Callable[[int, int], bool],
        cause: str,
    ) -> None:
        """Measure leaves of profiles anew from what is stored, as of now."""
        chosen = {leaf.id: leaf for leaf in wanted}
        loaded = await repository.find_states(tx, uids, chosen, -1)
        leaves.states |= {key: state for key, state in loaded.items() if key not in leaves.states}
        stored = await find_evidence(tx, chosen.values(), uids, leaves.now)
        traits = await find_traits(tx, chosen.values(), uids)
        for uid in uids:
            for leaf in chosen.values():
                if not covers(leaf.id, uid):
                    continue
                if isinstance(leaf, TraitLeaf):
                    verdict = judge_trait(leaf, traits.get((uid, leaf.trait)), leaves.now)
                    leaves.settle(uid, leaf, leaves.now, cause, verdict)
                else:
                    leaves.measure(uid, leaf, stored.get((uid, leaf.id), []), cause)

    async def _recompose(self, tx: Transaction, rules: RuleSet, leaves: Leaves, touched: Touched) -> list[MemberChange]:
        newcomers = touched.created if rules.default_members else set()
        uids = sorted(leaves.changes.keys() | newcomers)
        if not uids:
            return []
        values = await repository.find_values(tx, uids)
        inside = await repository.find_segments(tx, uids)
        found = []
        for uid in uids:
            created = Moment(leaves.now, touched.cause(uid)) if uid in touched.created else None
            found += recompose(rules, uid, leaves.changes.get(uid, ()), values[uid], inside[uid], created)
        return found

    async def _leave(self, tx: Transaction, rules: RuleSet, now: int, gone: Collection[int]) -> list[MemberChange]:
        if not gone:
            return []
        await repository.delete_states(tx, gone)
        inside = await repository.find_segments(tx, gone)
        return [
            MemberChange(rules.by_id[one], uid, False, now, "merge")
            for uid in sorted(gone)
            for one in sorted(inside[uid] & rules.by_id.keys())
        ]

    async def save(
        self,
        tx: Transaction,
        rules: RuleSet,
        leaves: Leaves,
        changes: Sequence[MemberChange],
        people: Mapping[int, Person],
    ) -> None:
        """Write states and memberships, and tell who entered and who left."""
        earliest = await repository.save_states(tx, leaves, rules.defaults)
        await repository.save_changes(tx, changes)
        await self._publish(tx, changes, people)
        if earliest is not None:
            at = earliest
            tx.after_commit(lambda: self.on_flip(at))

    async def _publish(self, tx: Transaction, changes: Sequence[MemberChange], people: Mapping[int, Person]) -> None:
        """Publish segment.entered and segment.exited, each kind as one pack."""
        for kind, entered in ((SegmentEntered, True), (SegmentExited, False)):
            events = [
                kind(
                    owner_id=change.segment.owner_id,
                    segment_id=change.segment.id,
                    segment_name=change.segment.name,
                    segment_version=change.segment.version,
                    profile_id=people[change.uid].id,
                    customer_id=people[change.uid].customer_id,
                    at=instant(change.at),
                    cause=change.cause,
                )
                for change in changes
                if change.entered == entered
            ]
            await self._outbox.publish(tx, events)
