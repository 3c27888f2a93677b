"""Carries what is counted of days and months to the database, and what other replicas counted back.

A quota of a day would be worth little if a restart gave a fresh one. No request waits for this: calls are added up in memory and
carried once a second, in one transaction for all buckets. A gateway that is killed forgets the last second's; replicas that share
no Redis learn of each other's calls so much later, and may together let through as many too many.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from structlog.typing import FilteringBoundLogger

from gateway.limits import repository
from gateway.limits.models import PeriodCount
from gateway.limits.periods import Calendar
from gateway.limits.repository import Counted
from gateway.limits.store import Count, MemoryLimiter
from shared.db import Transaction, is_outage, prune
from shared.service import Kit

CARRY_SECONDS = 1.0
_KEEP = timedelta(days=2)


class Later:
    """Wakes a loop some time after the first of what it gathers, and never where there is nothing.

    `begin` whenever there is something: the loop that has this `wake` does its round so many seconds after the first.
    """

    def __init__(self, seconds: float) -> None:
        self.wake = asyncio.Event()
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """There is something. Costs nothing while the loop is about to wake anyway."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)

    def _end(self) -> None:
        self._timer = None
        self.wake.set()


async def carry_at_the_end(carry: Callable[[], Awaitable[None]], log: FilteringBoundLogger) -> None:
    """The last round of a gateway that ends. A database that is away keeps nobody from ending: what was counted last is lost."""
    try:
        await carry()
    except Exception as error:
        if not is_outage(error):
            raise
        log.warning("calls of the last seconds are not in the counts", error=type(error).__name__)


class PeriodCounts:
    """`carry` and `prune` are the bodies of loops. Hold `running()` open while requests come."""

    def __init__(self, kit: Kit, limiter: MemoryLimiter, calendar: Calendar) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._log = kit.log
        self._limiter = limiter
        self._calendar = calendar
        self._later = Later(CARRY_SECONDS)
        self.wake = self._later.wake

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What was counted before is known from the first request on."""
        async with self._db.read() as tx:
            self._limiter.take_up(_counts(await repository.counts_of(tx, self._clock.now())))
        self._limiter.on_count = self._later.begin
        try:
            yield
        finally:
            await carry_at_the_end(self.carry, self._log)

    async def carry(self) -> None:
        """Write down what this process counted, and learn what all did. Nothing is written where nothing was counted."""
        counts = self._limiter.uncarried()
        if not counts:
            return
        rows = [Counted(one.bucket, one.calls, datetime.fromtimestamp(one.ends_at, UTC)) for one in counts]
        try:
            async with self._db.write() as tx:
                totals = await repository.add_counts(tx, rows)
        except BaseException:
            self._limiter.take_back(counts)
            raise
        self._limiter.take_up(_counts(totals))

    async def prune(self) -> bool:
        """Forget periods that are over."""
        return await prune(self._db, PeriodCount.table, repository.over(self._clock.now() - _KEEP))

    async def add_today(self, tx: Transaction, bucket: str, most: int) -> float | None:
        """Count one thing of which there may be `most` in a day. None, or the seconds to wait when there were so many."""
        now = self._clock.now().timestamp()
        span = self._calendar.span("day", now)
        row = Counted(f"{bucket}@{span.label}", 1, datetime.fromtimestamp(span.ends, UTC))
        return None if await repository.add_within(tx, row, most) else span.ends - now


def _counts(rows: list[Counted]) -> list[Count]:
    return [Count(one.bucket, one.calls, one.ends_at.timestamp()) for one in rows]
