"""What wakes those who sleep until there is work: a look at the database, twice a second, that costs next to nothing."""

import asyncio
import time
from collections.abc import Callable

from shared.clock import Clock
from shared.db import Changes, Database, Use, used_for

ALARM_SECONDS = 0.5
_ANSWER_SECONDS = 5.0
_JUMP_SECONDS = 0.05


class Alarm:
    """Tells `hear` again and again whether its listeners must look: something was written, or the clock was moved.

    A database that does not answer is news: the listeners find out by themselves what is wrong with it.
    """

    def __init__(
        self, db: Database, clock: Clock, hear: Callable[[bool], None], seconds: float = ALARM_SECONDS
    ) -> None:
        self._clock = clock
        self._changes = Changes(db)
        self._hear = hear
        self._seconds = seconds
        self._last = clock.now(), time.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            with used_for(Use.BACKGROUND):
                while True:
                    self._hear(await self._news())
                    await asyncio.sleep(self._seconds)
        finally:
            self._changes.close()

    async def _news(self) -> bool:
        moved = self._moved()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await self._changes.any() or moved
        except Exception:
            return True

    def _moved(self) -> bool:
        """Whether the clock ran ahead: it was set, the machine slept, or a test plays with it."""
        (then, counted), self._last = self._last, (self._clock.now(), time.monotonic())
        now, running = self._last
        return (now - then).total_seconds() - (running - counted) > _JUMP_SECONDS
