"""A line in the log for what is ordinary and may come in a flood: the log stays readable, the metrics count each."""

import time
from typing import Any

from structlog.typing import FilteringBoundLogger

_PAUSE_SECONDS = 60.0


class Seldom:
    """The first is told at once, then at most one in a minute, with `untold`: how many came in between. Of one event loop."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._next = 0.0
        self._untold = 0

    def info(self, event: str, **fields: Any) -> None:
        """Tell it, unless one was told within the last minute."""
        now = time.monotonic()
        if now < self._next:
            self._untold += 1
            return
        self._log.info(event, **fields, untold=self._untold)
        self._next, self._untold = now + _PAUSE_SECONDS, 0
