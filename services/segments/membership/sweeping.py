"""The sweeper: memberships that end or begin because time passes, at their exact instants.

It sleeps until the next instant that is due; a commit that writes an earlier one wakes it. The cost follows the flips, not the
profiles.
"""

import asyncio

from sqlalchemy import func, null, select, tuple_, update

from services.segments.membership.applying import Evaluation, Touched
from services.segments.membership.repository import leaf_state
from services.segments.membership.rulebook import Book, Rulebooks, hold_shared
from services.segments.profiles.repository import lock
from services.segments.rules.scalars import micros
from services.segments.rules.windows import FOREVER
from shared.db import Transaction
from shared.service import Kit


class Sweeper:
    """`wake` is set when something became due earlier than was known."""

    def __init__(self, kit: Kit, rulebooks: Rulebooks, evaluation: Evaluation, chunk: int) -> None:
        self._kit = kit
        self._rulebooks = rulebooks
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
            self._next = min(self._next, await tx.scalar(select(func.min(leaf_state.c.next_flip_at))) or FOREVER)
        if self._next > now:
            return min((self._next - now) / 1_000_000, 3600.0)
        async with self._kit.db.write() as tx:
            await hold_shared(tx)
            await self.sweep(tx, now)
        return True

    async def sweep(self, tx: Transaction, now: int) -> int:
        """Let what is due by `now` happen, for the profiles of one chunk; answers how many rows were due."""
        book = await self._rulebooks.current(tx)
        due = select(leaf_state.c.uid, leaf_state.c.leaf_id).where(leaf_state.c.next_flip_at <= now)
        rows = (await tx.execute(due.order_by(leaf_state.c.next_flip_at).limit(self._chunk))).all()
        await self._forget_strays(tx, book, [(row.uid, row.leaf_id) for row in rows])
        people = await lock(tx, {row.uid for row in rows})
        if people:
            await self._evaluation.apply(tx, book, now, Touched(uids=set(people)), people)
        return len(rows)

    async def _forget_strays(self, tx: Transaction, book: Book, keys: list[tuple[int, int]]) -> None:
        """Rows of leaves that nobody uses now: a backfill or the clean-up deals with them, not the sweeper."""
        strays = [(uid, leaf) for uid, leaf in keys if leaf not in book.state_leaves or not book.covers(leaf, uid)]
        if strays:
            chosen = tuple_(leaf_state.c.uid, leaf_state.c.leaf_id).in_(strays)
            await tx.execute(update(leaf_state).where(chosen).values(next_flip_at=null()))
