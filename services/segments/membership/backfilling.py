"""Backfill 历史回溯: a new or edited rule meets everybody's history, chunk by chunk, while events keep coming.

Profiles are taken in the order of their uid; `segment.cursor` says how far the backfill came, and survives a kill. A profile
behind the cursor is kept up to date by its events; one ahead of it is measured from all its stored events when its turn comes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from services.segments.membership import repository, segment_repository
from services.segments.membership.cache import RuleCache
from services.segments.membership.evaluating import Evaluation
from services.segments.membership.rule_set import Compiled, RuleSet
from services.segments.membership.rules import MemberChange, Moment, compose, recompose
from services.segments.profiles.repository import Person, find_after
from services.segments.rule_language.scalars import micros
from services.segments.rule_language.tree import SegmentLeaf
from shared.contracts import SegmentChanged
from shared.db import Transaction
from shared.service import Kit

_PRUNED_AT_ONCE = 20_000
"""States of unused leaves. They are found by reading through the table, so small pieces would read it again and again."""


class Backfill:
    """`wake` is set when a segment begins to backfill."""

    def __init__(self, kit: Kit, cache: RuleCache, evaluation: Evaluation, chunk: int) -> None:
        self._kit = kit
        self._cache = cache
        self._evaluation = evaluation
        self._chunk = chunk
        self.wake = asyncio.Event()

    async def tick(self) -> bool:
        """One chunk of one segment, or one piece of clean-up; True when more may wait."""
        async with self._kit.db.read() as tx:
            if not await segment_repository.has_background_work(tx):
                return False
        async with self._kit.db.write() as tx:
            await segment_repository.lock_exclusive(tx)
            return await self.advance(tx) or await segment_repository.delete_unused_leaves(tx, _PRUNED_AT_ONCE)

    async def advance(self, tx: Transaction) -> bool:
        """One chunk of the first segment whose turn it is. The transaction holds the rule set exclusively."""
        rules = await self._cache.current(tx)
        one = _next(rules)
        if one is None:
            return False
        rows = await find_after(tx, one.coverage, self._chunk)
        if rows:
            await self._evaluate(tx, rules, one, rows)
        else:
            await self._finish(tx, one)
        await segment_repository.update_revision(tx)
        return True

    async def _evaluate(self, tx: Transaction, rules: RuleSet, one: Compiled, rows: Sequence[Person]) -> None:
        people = {person.uid: person for person in rows}
        end = rows[-1].uid
        now = micros(self._kit.clock.now())
        # What is due for others happens first, by the rules as they were: these profiles are not yet this segment's.
        leaves = await self._evaluation.flips(tx, rules, now, people.keys(), ())
        one = replace(one, coverage=end)
        rules = replace(rules, segments=tuple(one if other.id == one.id else other for other in rules.segments))
        own = [leaf for leaf in one.leaves if not isinstance(leaf, SegmentLeaf)]
        await self._evaluation.measure(tx, own, leaves, people.keys(), rules.covers, "edit")
        values = await repository.find_values(tx, people.keys())
        inside = await repository.find_segments(tx, people.keys())
        changes: list[MemberChange] = []
        moment = Moment(now, "edit")
        for uid in people:
            changes += recompose(rules, uid, leaves.changes.get(uid, ()), values[uid], inside[uid])
            changes += compose(rules, uid, [one], values[uid], inside[uid], moment)
        await self._evaluation.save(tx, rules, leaves, changes, people)
        mine = [change for change in changes if change.segment.id == one.id]
        entered = sum(1 for change in mine if change.entered)
        await segment_repository.update_progress(tx, one.id, end, entered, len(mine) - entered)

    async def _finish(self, tx: Transaction, one: Compiled) -> None:
        """Everybody has been looked at, and nobody can be added meanwhile: the segment is live."""
        own = [leaf.id for leaf in one.leaves if not isinstance(leaf, SegmentLeaf)]
        await segment_repository.update_live(tx, one.id, own, self._kit.clock.now())
        changed = SegmentChanged(segment_id=one.id, name_text=one.name, status="live", version_number=one.version)
        await self._kit.outbox.publish(tx, [changed], subject=lambda event: event.segment_id)


def _next(rules: RuleSet) -> Compiled | None:
    """The first segment to backfill. The rules' order puts one that refers to another behind it: it waits for it."""
    return next((one for one in rules.segments if one.status == "backfilling"), None)
