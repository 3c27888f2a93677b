"""The sweeper: memberships that end or begin because time passes, at their exact instants.

It sleeps until the next instant that is due; a commit that writes an earlier one wakes it. The cost follows the flips, not the
profiles.
"""

import asyncio
from collections.abc import Sequence

from services.segments.membership import repository
from services.segments.membership.cache import RuleCache
from services.segments.membership.evaluating import Evaluation, Touched
from services.segments.membership.repository import DueState
from services.segments.membership.rule_set import RuleSet
from services.segments.membership.segment_repository import lock_shared
from services.segments.profiles.repository import lock
from services.segments.rule_language.scalars import micros
from services.segments.rule_language.windows import FOREVER
from shared.db import Transaction
from shared.service import Kit


class FlipSweeper:
    """`wake` is set when something became due earlier than was known."""

    def __init__(self, kit: Kit, cache: RuleCache, evaluation: Evaluation, chunk: int) -> None:
        self._kit = kit
        self._cache = cache
        self._evaluation = evaluation
        self._chunk = chunk
        self._next = FOREVER
        self.wake = asyncio.Event()

    def expect(self, at: int) -> None:
        """Something flips at `at` (µs)."""
        if at < self._next:
            self._next = at
            self.wake.set()

    async def tick(self) -> bool | float:
        """Sweep one chunk. Answers True when more is due, or the seconds until the next is."""
        now = micros(self._kit.clock.now())
        self._next = FOREVER
        async with self._kit.db.read() as tx:
            self._next = min(self._next, await repository.find_next_flip(tx) or FOREVER)
        if self._next > now:
            return min((self._next - now) / 1_000_000, 3600.0)
        async with self._kit.db.write() as tx:
            await lock_shared(tx)
            await self.sweep(tx, now)
        return True

    async def sweep(self, tx: Transaction, now: int) -> int:
        """Let what is due by `now` happen, for the profiles of one chunk; answers how many rows were due."""
        rules = await self._cache.current(tx)
        due = await repository.find_due(tx, now, self._chunk)
        await _leave_strays(tx, rules, due)
        people = await lock(tx, {state.uid for state in due})
        if people:
            await self._evaluation.apply(tx, rules, now, Touched(uids=set(people)), people)
        return len(due)


async def _leave_strays(tx: Transaction, rules: RuleSet, due: Sequence[DueState]) -> None:
    """Rows of leaves that nobody uses now: a backfill or the clean-up deals with them, not the sweeper."""
    strays = [
        (uid, leaf_id) for uid, leaf_id in due if leaf_id not in rules.state_leaves or not rules.covers(leaf_id, uid)
    ]
    if strays:
        await repository.update_never_due(tx, strays)
