"""The audit: memberships, log, counts and rules say the same. Runs alone, so that it sees one instant of the world."""

from typing import Any

from sqlalchemy import Select, except_, func, select, union_all

from services.segments.membership.batch import Batch
from services.segments.membership.explaining import load_case
from services.segments.membership.repository import membership, membership_log, segment
from services.segments.membership.rulebook import Book, Rulebooks, hold_exclusive
from services.segments.membership.schemas import AuditView, CheckView
from services.segments.membership.sweeping import Sweeper
from services.segments.profiles.repository import profile
from services.segments.rules.scalars import micros
from shared.db import Transaction
from shared.service import Kit

_SAMPLE = 100


class Audit:
    """What is due by time happens first; after that everything must agree exactly."""

    def __init__(self, kit: Kit, rulebooks: Rulebooks, sweeper: Sweeper) -> None:
        self._kit = kit
        self._rulebooks = rulebooks
        self._sweeper = sweeper

    async def run(self) -> AuditView:
        async with self._kit.db.write() as tx:
            await hold_exclusive(tx)
            now = micros(self._kit.clock.now())
            while await self._sweeper.sweep(tx, now):
                pass
            book = await self._rulebooks.current(tx)
            checks = [await self._log(tx), await self._counts(tx)]
            checks += [await self._rules(tx, book, now), await self._sample(tx, book, now)]
        return AuditView(ok=all(check.ok for check in checks), checks=checks)

    async def _log(self, tx: Transaction) -> CheckView:
        """Replaying the log gives the membership rows."""
        last = select(func.max(membership_log.c.id)).group_by(membership_log.c.segment_id, membership_log.c.uid)
        entered = select(membership_log.c.segment_id, membership_log.c.uid).where(
            membership_log.c.id.in_(last), membership_log.c.change == "entered"
        )
        rows = select(membership.c.segment_id, membership.c.uid)
        return _check("membership_equals_log", await _differences(tx, entered, rows), "memberships differ from the log")

    async def _counts(self, tx: Transaction) -> CheckView:
        """Each segment's counter is the number of its rows."""
        counted = select(func.count()).where(membership.c.segment_id == segment.c.id).scalar_subquery()
        wrong = await tx.scalar(select(func.count()).select_from(segment).where(segment.c.member_count != counted))
        return _check("count_equals_rows", int(wrong), "segments count other than their rows")

    async def _rules(self, tx: Transaction, book: Book, now: int) -> CheckView:
        """The batch evaluator selects exactly the members, for every live segment."""
        wrong = 0
        for one in book.segments:
            if one.status != "live":
                continue
            members = select(Batch(tx, now).members(one.node).c.uid)
            rows = select(membership.c.uid).where(membership.c.segment_id == one.id)
            wrong += await _differences(tx, members, rows)
        return _check("membership_equals_batch", wrong, "memberships differ from what the rules select")

    async def _sample(self, tx: Transaction, book: Book, now: int) -> CheckView:
        """The newest profiles, measured from their stored events one by one."""
        live = [one for one in book.segments if one.status == "live"]
        newest = select(profile.c.uid).where(profile.c.status == "live").order_by(profile.c.uid.desc()).limit(_SAMPLE)
        nodes = {one.id: one.node for one in book.segments}
        wrong = 0
        for uid in (await tx.execute(newest)).scalars().all():
            inside = set((await tx.execute(select(membership.c.segment_id).where(membership.c.uid == uid))).scalars())
            for one in live:
                case = await load_case(tx, uid, one.node, nodes, now)
                wrong += case.holds(one.node, now) != (one.id in inside)
        return _check(
            "membership_equals_history", wrong, f"of {_SAMPLE} profiles' memberships differ from their events"
        )


async def _differences(tx: Transaction, left: Select[Any], right: Select[Any]) -> int:
    """How many rows are in one of two queries only."""
    a, b = left.cte("left_side"), right.cte("right_side")
    only = union_all(
        select(func.count().label("n")).select_from(except_(select(a), select(b)).subquery()),
        select(func.count().label("n")).select_from(except_(select(b), select(a)).subquery()),
    ).subquery()
    return int(await tx.scalar(select(func.sum(only.c.n))))


def _check(name: str, wrong: int, what: str) -> CheckView:
    return CheckView(name=name, ok=wrong == 0, detail="all agree" if wrong == 0 else f"{wrong} {what}")
