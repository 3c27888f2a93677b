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
_SHARES = 10
_DEAF_SECONDS = 3
_LOOK_AGAIN_SECONDS = 0.05
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

    @property
    def waits_for_caller(self) -> bool:
        """A body is on its way in, or an answer on its way out."""
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
        self.draining = False
        """The process is about to end: each answer ends its connection."""
        self._all: set[Connection] = self.connections  # type: ignore[assignment] # uvicorn names its own classes
        self._of_address: defaultdict[str, set[Connection]] = defaultdict(set)
        self._look_again = 0.0
        self._checked = self._heard_since = self._begun = self._passed = 0.0
        self._round: list[list[Connection]] = []
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
        if newcomer.since >= self._look_again:
            if self._make_room(self._all, newcomer):
                return None
            self._look_again = newcomer.since + _LOOK_AGAIN_SECONDS
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
        """Ten times a second, once while nobody is there: look at a tenth of them, so that no connection needs a timer."""
        if now - self._checked > _DEAF_SECONDS:
            self._heard_since = now  # it was we who stood still: what was sent meanwhile is not read yet
        self._checked = now
        if not self._round or not self._all:
            self._begin_round(now)
        for connection in self._round.pop():
            if connection in self._all:
                connection.check(now, self._passed, self._heard_since)

    def _begin_round(self, now: float) -> None:
        everybody = list(self._all)
        self._round = [everybody[first::_SHARES] for first in range(_SHARES)]
        self._passed = 0.0 if self._heard_since > self._begun else now - self._begun
        self._begun = now
        OPEN.set(len(everybody))
        if self._refused and now - self._told > _TOLD_EVERY_SECONDS:
            self._log.warning("callers refused", connections=len(everybody), **self._refused)
            self._refused, self._told = {}, now

    def _make_room(self, among: Collection[Connection], newcomer: Connection) -> bool:
        """Turn out a sixteenth of them, so that a flood of callers costs one look for many. False when nobody can go.

        Of those who have not spoken and those who have nothing to say the greater crowd gives way, the longest waiting
        first: the attack is the crowd. When all are at work it is those who draw it out: far behind the least rate, or
        sending or reading for longer than a head may take, fast enough as they are.
        """
        crowds: dict[Phase, list[Connection]] = {phase: [] for phase in Phase}
        for one in among:
            if one is not newcomer:
                crowds[one.phase].append(one)
        places = len(among) // 16 + 1
        waiting = max(crowds[Phase.UNSPOKEN], crowds[Phase.IDLE], key=len)
        leaving = nsmallest(places, waiting, key=lambda one: one.since)
        if not leaving:
            late = newcomer.since - self.limits.head_seconds
            drawn_out = [one for one in crowds[Phase.BUSY] if one.waits_for_caller and one.since < late]
            drawn_out = [one for one in crowds[Phase.BUSY] if one.pace.owes > _FAR_BEHIND_SECONDS] or drawn_out
            leaving = nsmallest(places, drawn_out, key=lambda one: (-one.pace.owes, one.since))
        for one in leaving:
            self.dismiss(one)
            one.hang_up("gave_way")
        return bool(leaving)
