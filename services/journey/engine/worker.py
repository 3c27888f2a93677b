"""The timers: claim what is due, step it, commit. And the counts: fold what steps inserted.

Waits of seconds or months are rows with a due time. A claim is a lease: a worker that dies gives its runs back by time.
"""

from collections.abc import Sequence
from datetime import timedelta

from services.journey.engine import repository
from services.journey.engine.advancing import Advancer, Job
from services.journey.engine.history_repository import fold, unfolded
from services.journey.engine.models import CountDelta, RunRow
from services.journey.settings import JourneySettings
from shared.db import Due, is_outage, seconds_until, sweep
from shared.observability.logging import get_logger
from shared.service import Kit

SHORTEST_PAUSE = 0.005
FOLDED_AT_ONCE = 2000


class TimerWorker:
    """One for the engine; any number of processes may run it."""

    def __init__(self, kit: Kit, settings: JourneySettings, advancer: Advancer) -> None:
        self._kit = kit
        self._settings = settings
        self._advancer = advancer
        self._log = get_logger(service="journey")

    async def tick(self) -> bool | float | None:
        """Steps one batch of due runs. True: there may be more; else the seconds until the next is due, if one will be."""
        rows = await self.claim()
        if rows:
            await self.work(rows)
            return True
        now = self._kit.clock.now()
        async with self._kit.db.read() as tx:
            due_at = await repository.next_due(tx, now)
        wait = seconds_until(due_at, now)
        return None if wait is None else max(wait, SHORTEST_PAUSE)

    async def claim(self) -> list[RunRow]:
        """Takes due runs under a lease, in a transaction of its own: an attempt that kills the worker is counted."""
        lease = timedelta(seconds=self._settings.timer_lease_seconds)
        async with self._kit.db.write() as tx:
            return await repository.claim(tx, self._kit.clock.now(), lease, self._settings.timer_batch)

    async def work(self, rows: Sequence[RunRow]) -> None:
        """Steps claimed runs in one transaction; if that fails, each in one of its own, so that one spoils no other."""
        try:
            await self._commit(rows)
        except Exception as error:
            if is_outage(error):
                raise
            self._log.warning("a batch of runs failed; trying one by one", error=type(error).__name__, runs=len(rows))
            for row in rows:
                await self._alone(row)

    async def _alone(self, row: RunRow) -> None:
        try:
            await self._commit([row])
        except Exception as error:
            if is_outage(error):
                raise
            async with self._kit.db.write() as tx:
                await self._advancer.give_back(tx, row, error, self._kit.clock.now())

    async def _commit(self, rows: Sequence[RunRow]) -> None:
        async with self._kit.db.write() as tx:
            await self._advancer.advance(tx, [Job.of(row, claimed=True) for row in rows], self._kit.clock.now())


class CountWorker:
    """One for the engine; any number of processes may run it."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db

    async def tick(self) -> bool | float:
        """Folds one batch of deltas into the counters; True when there may be more."""
        return await sweep(self._db, CountDelta, Due(unfolded), FOLDED_AT_ONCE, fold)
