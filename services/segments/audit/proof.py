"""The audit: memberships, log, counts and rules say the same. Runs alone, so that it sees one instant of the world."""

from services.segments.audit.checks import CHECKS, Misplaced, find_misplaced
from services.segments.membership.cache import RuleCache
from services.segments.membership.explaining import case_of
from services.segments.membership.repository import find_segments
from services.segments.membership.rule_set import Compiled, RuleSet
from services.segments.membership.segment_repository import lock_exclusive
from services.segments.membership.sweeper import FlipSweeper
from services.segments.profiles.repository import find_newest
from services.segments.rule_language.scalars import micros
from shared.audit import AuditView, CheckView, judge, run_checks
from shared.db import Transaction, planned_for_whole_tables
from shared.service import Kit
from shared.web.lanes import OneRun

_SAMPLE = 100


class Audit:
    """What is due by time happens first; after that everything must agree exactly."""

    def __init__(self, kit: Kit, cache: RuleCache, sweeper: FlipSweeper) -> None:
        self._kit = kit
        self._cache = cache
        self._sweeper = sweeper
        self._once = OneRun(self._prove)

    async def run(self) -> AuditView:
        """All checks. Who asks at the same time gets the same answer."""
        return await self._once.result()

    async def _prove(self) -> AuditView:
        async with self._kit.db.write() as tx:
            await lock_exclusive(tx)
            now = micros(self._kit.clock.now())
            while await self._sweeper.sweep(tx, now):
                pass
            rules = await self._cache.current(tx)
            stored = await run_checks(tx, CHECKS)
            live = [one for one in rules.segments if one.status == "live"]
            checks = [*stored.checks, await _batch(tx, live, now), await _history(tx, rules, live, now)]
        return AuditView.of(checks)


async def _batch(tx: Transaction, live: list[Compiled], now: int) -> CheckView:
    """The batch evaluator selects exactly the members, for every live segment."""
    found: list[Misplaced] = []
    async with planned_for_whole_tables(tx):
        for one in live:
            found += await find_misplaced(tx, one.id, one.node, now)
    claim = "the members of every live segment are those whom its rule selects"
    return judge("membership_equals_batch", claim, (one._asdict() for one in found))


async def _history(tx: Transaction, rules: RuleSet, live: list[Compiled], now: int) -> CheckView:
    """The newest profiles, measured from their stored events one by one."""
    found: list[Misplaced] = []
    people = await find_newest(tx, _SAMPLE)
    inside = await find_segments(tx, [person.uid for person in people])
    for person in people:
        for one in live:
            case = await case_of(tx, person.uid, one.node, rules.nodes, now)
            member = one.id in inside[person.uid]
            if case.holds(one.node, now) != member:
                found.append(Misplaced(one.id, person.uid, person.id, member))
    claim = (
        f"the events and traits of the {_SAMPLE} newest profiles say that they are in their segments and in no others"
    )
    return judge("membership_equals_history", claim, (one._asdict() for one in found))
