"""Backfill 历史回溯: a new or edited rule meets everybody's history, chunk by chunk, while events keep coming.

Profiles are taken in the order of their uid; `segment.cursor` says how far the backfill came, and survives a kill. A profile
behind the cursor is kept up to date by its events; one ahead of it is measured from all its stored events when its turn comes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, func, select, tuple_, update

from services.segments.membership import repository
from services.segments.membership.applying import Evaluation
from services.segments.membership.evaluating import MemberChange, compose, recompose
from services.segments.membership.models import LeafDefinition
from services.segments.membership.repository import leaf_state, segment
from services.segments.membership.rulebook import Book, Compiled, Rulebooks, hold_exclusive, turn_page
from services.segments.profiles.repository import Person, profile
from services.segments.rules.scalars import micros
from services.segments.rules.tree import SegmentLeaf
from shared.contracts import SegmentChanged
from shared.db import Transaction, table
from shared.service import Kit

leaf_definition = table(LeafDefinition)
_FORGET_AT_ONCE = 20_000


class Backfill:
    """`wake` is set when a segment begins to backfill."""

    def __init__(self, kit: Kit, rulebooks: Rulebooks, evaluation: Evaluation, chunk: int) -> None:
        self._kit = kit
        self._rulebooks = rulebooks
        self._evaluation = evaluation
        self._chunk = chunk
        self.wake = asyncio.Event()

    async def tick(self) -> bool:
        """One chunk of one segment, or one piece of clean-up; True when more may wait."""
        async with self._kit.db.read() as tx:
            waiting = await tx.scalar(select(func.count()).where(segment.c.status == "backfilling"))
            unused = await tx.scalar(select(func.count()).where(leaf_definition.c.used.is_(False)))
        if not waiting and not unused:
            return False
        async with self._kit.db.write() as tx:
            await hold_exclusive(tx)
            return await self.advance(tx) or await self._forget_unused(tx)

    async def advance(self, tx: Transaction) -> bool:
        """One chunk of the first segment whose turn it is. The transaction holds the book exclusively."""
        book = await self._rulebooks.current(tx)
        one = _next(book)
        if one is None:
            return False
        rows = await self._people(tx, one.coverage)
        if rows:
            await self._evaluate(tx, book, one, rows)
        else:
            await self._finish(tx, one)
        await turn_page(tx)
        return True

    async def _people(self, tx: Transaction, after: int) -> Sequence[Person]:
        columns = (profile.c.uid, profile.c.id, profile.c.customer_id)
        chosen = select(*columns).where(profile.c.uid > after, profile.c.status == "live")
        rows = (await tx.execute(chosen.order_by(profile.c.uid).limit(self._chunk))).all()
        return [Person(row.uid, row.id, row.customer_id) for row in rows]

    async def _evaluate(self, tx: Transaction, book: Book, one: Compiled, rows: Sequence[Person]) -> None:
        people = {person.uid: person for person in rows}
        end = rows[-1].uid
        now = micros(self._kit.clock.now())
        # What is due for others happens first, by the book as it was: these profiles are not yet this segment's.
        leaves = await self._evaluation.flips(tx, book, now, people.keys(), ())
        one = replace(one, coverage=end)
        book = replace(book, segments=tuple(one if other.id == one.id else other for other in book.segments))
        own = [leaf for leaf in one.leaves if not isinstance(leaf, SegmentLeaf)]
        await self._evaluation.measure(tx, own, leaves, people.keys(), book.covers, "edit")
        values = await repository.load_values(tx, people.keys())
        inside = await repository.load_inside(tx, people.keys())
        changes: list[MemberChange] = []
        for uid in people:
            changes += recompose(book, uid, leaves.changes.get(uid, ()), values[uid], inside[uid])
            changes += compose(book, uid, [one], values[uid], inside[uid], now, "edit")
        await self._evaluation.save(tx, book, leaves, changes, people)
        mine = [change for change in changes if change.segment.id == one.id]
        entered = sum(1 for change in mine if change.entered)
        progress: dict[str, Any] = {
            "cursor": end,
            "entered": segment.c.entered + entered,
            "exited": segment.c.exited + len(mine) - entered,
        }
        await tx.execute(update(segment).where(segment.c.id == one.id).values(**progress))

    async def _finish(self, tx: Transaction, one: Compiled) -> None:
        """Everybody has been looked at, and nobody can be added meanwhile: the segment is live."""
        chosen = update(segment).where(segment.c.id == one.id)
        await tx.execute(chosen.values(status="live", updated_at=self._kit.clock.now()))
        own = [leaf.id for leaf in one.leaves if not isinstance(leaf, SegmentLeaf)]
        await tx.execute(update(leaf_definition).where(leaf_definition.c.id.in_(own)).values(ready=True))
        changed = SegmentChanged(segment_id=one.id, name_text=one.name, status="live", version_number=one.version)
        await self._kit.outbox.publish(tx, [changed], subject=lambda event: event.segment_id)

    async def _forget_unused(self, tx: Transaction) -> bool:
        """Remove the states of leaves that no segment uses any more."""
        unused = select(leaf_definition.c.id).where(leaf_definition.c.used.is_(False))
        keys = select(leaf_state.c.uid, leaf_state.c.leaf_id).where(leaf_state.c.leaf_id.in_(unused))
        chosen = tuple_(leaf_state.c.uid, leaf_state.c.leaf_id).in_(keys.limit(_FORGET_AT_ONCE))
        gone = (await tx.execute(delete(leaf_state).where(chosen))).rowcount
        if gone < _FORGET_AT_ONCE:
            await tx.execute(delete(leaf_definition).where(leaf_definition.c.used.is_(False)))
        return bool(gone)


def _next(book: Book) -> Compiled | None:
    """The first segment to backfill. The book's order puts one that refers to another behind it: it waits for it."""
    return next((one for one in book.segments if one.status == "backfilling"), None)
