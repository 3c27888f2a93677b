"""Background work in rounds that costs nothing while there is none.

A loop sleeps until the first of three: what it waits for is due, somebody in this process wakes it, or the alarm tells that
something was written to its database. Nobody who writes has to know who sleeps: the alarm of a part asks the database itself,
twice a second, whether it is another one than before (`shared.db.changes`), so commits of other processes count as well.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from structlog.typing import FilteringBoundLogger

from shared.alarm import ALARM_SECONDS, Alarm
from shared.clock import Clock
from shared.db import Database, Use, used_for
from shared.messaging import BusUnavailable, rest_after
from shared.observability.errors import summary
from shared.observability.metrics import LOOP_BEAT, LOOP_FAILURES, RELAY_FAILURES
from shared.observability.outages import Outage
from shared.roles import Role

LONGEST_SLEEP = 300.0
"""Seconds after which even a loop that heard nothing looks: a lease that a killed process left is of no instant that is told."""
_STALE_SECONDS = 30.0
_WOKEN = 5.0
_STILL_WELL_SECONDS = 5.0


@dataclass
class Loop:
    """Background work that is done in rounds.

    `tick` answers True when more work waits (it is called again at once), a number of seconds until the next work is due, or
    False/None when none is before something is written. `wake` ends the sleep at once. What the alarm tells ends it as well,
    but no sooner than `interval` seconds after the last round began. A loop that is `timed` sleeps its `interval`, whatever is
    written. With `gather` no round begins before a rest that grows with the last one's length: work that comes in a stream is
    gathered into fewer rounds and leaves the processor to the requests, while the first of it after a quiet time is done at
    once. `role`: the processes that do it; ALL where each keeps something in memory.
    """

    name: str
    tick: Callable[[], Awaitable[bool | float | None]]
    interval: float = 1.0
    gather: bool = False
    timed: bool = False
    role: Role = Role.WORKER
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    last_success: float = field(default_factory=time.monotonic)
    _told: bool = False
    _asleep: bool = False
    _began: float = 0.0
    _behind_since: float | None = None

    async def run(
        self, service: str, log: FilteringBoundLogger, is_told: Callable[[BaseException], bool] = lambda _: False
    ) -> None:
        """Rounds until cancelled. A failed round is counted and tried again after a growing pause.

        That rounds fail is logged once, and that they do no more; what `is_told` by somebody else is not logged here.
        """
        with used_for(Use.BACKGROUND):
            await self._rounds(service, Outage(log, f"loop {self.name}"), is_told)

    async def _rounds(self, service: str, outage: Outage, is_told: Callable[[BaseException], bool]) -> None:
        failures = 0
        while True:
            self.wake.clear()
            self._told = False
            self._began = time.monotonic()
            try:
                again = await self.tick()
            except Exception as error:
                failures += 1
                self._behind_since = self._behind_since or self._began
                LOOP_FAILURES.labels(service, self.name).inc()
                if isinstance(error, BusUnavailable):
                    RELAY_FAILURES.labels(service).inc()
                if not is_told(error):
                    outage.failed(summary(error))
                await asyncio.sleep(min(0.1 * 2**failures, 5.0))
                continue
            failures = 0
            outage.worked()
            self._succeeded(service)
            if again is True:
                self._behind_since = self._behind_since or self._began
                await asyncio.sleep(0)
                continue
            self._behind_since = None
            if self.gather:
                await asyncio.sleep(rest_after(time.monotonic() - self._began))
            await self._sleep(None if again is False else again)

    async def _sleep(self, until_due: float | None) -> None:
        longest = self.interval if self.timed else max(LONGEST_SLEEP, self.interval)
        self._asleep = True
        try:
            async with asyncio.timeout(longest if until_due is None else min(until_due, longest)):
                await self.wake.wait()
        except TimeoutError:
            pass  # it is time
        finally:
            self._asleep = False

    def _succeeded(self, service: str) -> None:
        self.last_success = time.monotonic()
        LOOP_BEAT.labels(service, self.name).set_to_current_time()

    def hear(self, news: bool, service: str) -> None:
        """What the alarm tells: whether something was written. Nothing written means that the last look still holds."""
        if self.timed:
            return
        self._told |= news
        if not self._told:
            if self._asleep and time.monotonic() - self.last_success > _STILL_WELL_SECONDS:
                self._succeeded(service)
        elif time.monotonic() - self._began >= 0.75 * self.interval:  # not a whole one: the alarm comes at fixed times
            self.wake.set()

    def look_oftener(self, seconds: float) -> None:
        """Where nobody wakes it: what is looked for every few seconds is looked for after `seconds`."""
        if self.interval <= _WOKEN:
            self.interval = min(self.interval, seconds)

    def behind(self) -> float:
        """Seconds for which it has had more work than one round does, or has failed; 0 while it keeps pace."""
        return 0.0 if self._behind_since is None else time.monotonic() - self._behind_since

    def stale(self) -> bool:
        """True when no round has ended well for several intervals."""
        return time.monotonic() - self.last_success > 3 * self.interval + _STALE_SECONDS


def alarm_of(loops: Sequence[Loop], service: str, db: Database, clock: Clock) -> Alarm:
    """The alarm for these loops, as often as the most hurried of them wants to hear."""
    listening = [loop for loop in loops if not loop.timed]

    def hear(news: bool) -> None:
        for loop in listening:
            loop.hear(news, service)

    return Alarm(db, clock, hear, min([ALARM_SECONDS, *(loop.interval for loop in listening)]))
