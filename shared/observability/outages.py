"""What is away is told twice: when it is lost; and when it is back, with how long that took and how often it was tried."""

import time
from typing import Any

from structlog.typing import FilteringBoundLogger

_LASTING_SECONDS = 10.0
_PAUSE_SECONDS = 60.0


class Outage:
    """Of one thing that is used from several places, such as a server by its connections; each says by its name how it fares.

    It is lost with the first that fails, and back with the last that works again. In one that lasts, a reason of another kind
    than those before is told too. Costs nothing while all is well.
    """

    def __init__(self, log: FilteringBoundLogger, what: str) -> None:
        """`what` begins the line: "RabbitMQ" makes "RabbitMQ is lost" and "RabbitMQ is back"."""
        self._log = log
        self._what = what
        self._away: set[str] = set()
        self._told: set[str] = set()
        self._since = 0.0
        self._failures = 0

    def failed(self, error: str, by: str = "") -> None:
        """It did not work. `error` begins with its kind, up to a colon."""
        kind = error.partition(":")[0]
        if not self._away:
            self._told.clear()
            self._since, self._failures = time.monotonic(), 0
        self._away.add(by)
        self._failures += 1
        if not self._told or (kind not in self._told and time.monotonic() - self._since > _LASTING_SECONDS):
            self._log.warning(f"{self._what} {'stays' if self._told else 'is'} lost", error=error)
            self._told.add(kind)

    def worked(self, by: str = "") -> None:
        """It worked."""
        if by not in self._away:
            return
        self._away.discard(by)
        if not self._away:
            seconds = round(time.monotonic() - self._since, 1)
            self._log.info(f"{self._what} is back", seconds=seconds, failures=self._failures)


class Seldom:
    """What is ordinary and may come in a flood: the first is told at once, then at most one in a minute, with `untold`, how many
    came in between. The metrics count each. Of one event loop.
    """

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
