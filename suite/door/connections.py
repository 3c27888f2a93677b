"""All connections of one server: whether there may be another one, which of them give way to it, and a look at each."""

from collections import defaultdict
from collections.abc import Collection
from heapq import nsmallest
from typing import Protocol

from prometheus_client import Counter, Gauge
from uvicorn.server import ServerState

from gateway.addresses import address_allowed
from shared.observability.logging import get_logger
from shared.web import Problem, Unavailable, bucket_of
from suite.door.limits import Limits, Phase
from suite.door.pace import Pace

OPEN = Gauge("quanyu_door_connections", "Open connections of callers")
REFUSED = Counter(
    "quanyu_door_refused_total", "Callers refused, cut off or turned out by the server itself", ["reason"]
)

_TOLD_EVERY_SECONDS = 60
_DEAF_SECONDS = 3
_FAR_BEHIND_SECONDS = 2


class Connection(Protocol):
    """What the door asks of a connection. `since` is when its phase began."""

    address: str
    since: float
    pace: Pace

    @property
    def phase(self) -> Phase:
        """What it is at."""
        ...

    def hang_up(self, reason: str) -> None:
        """Close at once, without a word."""
        ...

    def check(self, now: float, passed: float, heard_since: float) -> None:
        """End what takes too long; `passed` seconds went by since the last look."""
        ...


class Door(ServerState):
    """The connections of one server. Uvicorn keeps it as the state that its connections share."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits
        self.lingering = 0
        self._all: set[Connection] = self.connections  # type: ignore[assignment] # uvicorn names its own classes
        self._of_address: defaultdict[str, set[Connection]] = defaultdict(set)
        self._nobody_gives_way = False
        self._checked = self._heard_since = 0.0
        self._refused: dict[str, int] = {}
        self._told = 0.0
        self._log = get_logger(part="door")

    def admit(self, newcomer: Connection) -> Problem | None:
        """Take a connection in; those that only wait give way to it. Answers why not."""
        self._all.add(newcomer)
        most = self.limits.per_address
        if most is not None and not address_allowed(newcomer.address, self.limits.proxies):
            neighbours = self._of_address[bucket_of(newcomer.address)]
            neighbours.add(newcomer)
            if len(neighbours) > most and not self._make_room(neighbours, newcomer):
                detail = f"This address has {most} connections open, and all of them are at work. Use those."
                return Problem("too_many_connections", detail, status=429, headers={"Retry-After": "1"})
        if len(self._all) - self.lingering <= self.limits.connections:
            return None
        # While nobody gives way, looking for somebody at each newcomer would cost more than a newcomer costs.
        self._nobody_gives_way = self._nobody_gives_way or not self._make_room(self._all, newcomer)
        if not self._nobody_gives_way:
            return None
        detail = "The server has no connection left for you at the moment; try again."
        return Unavailable("overloaded", detail, headers={"Retry-After": "1"})

    def dismiss(self, connection: Connection) -> None:
        """Forget a connection that is closed or about to be."""
        self._all.discard(connection)
        bucket = bucket_of(connection.address) if self._of_address else ""
        if bucket in self._of_address:
            self._of_address[bucket].discard(connection)
            if not self._of_address[bucket]:
                del self._of_address[bucket]

    def count_refusal(self, reason: str) -> None:
        """For the metrics, and once a minute for the log."""
        REFUSED.labels(reason).inc()
        self._refused[reason] = self._refused.get(reason, 0) + 1

    def check(self, now: float) -> None:
        """Look at every connection, once a second, so that none needs a timer of its own."""
        passed, self._checked = now - self._checked, now
        if passed > _DEAF_SECONDS:  # it was we who stood still: what was sent meanwhile is not read yet
            passed, self._heard_since = 0.0, now
        for connection in tuple(self._all):
            connection.check(now, passed, self._heard_since)
        self._nobody_gives_way = False
        OPEN.set(len(self._all))
        if self._refused and now - self._told > _TOLD_EVERY_SECONDS:
            self._log.warning("callers refused", connections=len(self._all), **self._refused)
            self._refused, self._told = {}, now

    def _make_room(self, among: Collection[Connection], newcomer: Connection) -> bool:
        """Turn out a sixteenth of them, so that a flood of callers costs one look for many. False when nobody can go.

        Of those who have not spoken and those who have nothing to say the greater crowd gives way, the longest waiting
        first: the attack is the crowd. When all are at work, it is those who are far behind the least rate.
        """
        crowds: dict[Phase, list[Connection]] = {phase: [] for phase in Phase}
        for one in among:
            if one is not newcomer:
                crowds[one.phase].append(one)
        places = len(among) // 16 + 1
        waiting = max(crowds[Phase.UNSPOKEN], crowds[Phase.IDLE], key=len)
        stalled = [one for one in crowds[Phase.BUSY] if one.pace.owes > _FAR_BEHIND_SECONDS]
        leaving = nsmallest(places, waiting, key=lambda one: one.since)
        leaving = leaving or nsmallest(places, stalled, key=lambda one: -one.pace.owes)
        for one in leaving:
            self.dismiss(one)
            one.hang_up("gave_way")
        return bool(leaving)
