"""Who may be called next, so that nobody waits for others' silence.

Endpoints that answered well and soon have a lane of their own: new ones, slow ones and failing ones can be as many and as silent
as they like. In each lane the endpoints have their turn one after the other, and an owner has at most three quarters of what is
not others': the next owner always finds room, and three quarters of that.
"""

from collections import Counter
from typing import Protocol

QUICK_SECONDS = 1.0
"""An endpoint that answers well within this time is a quick one."""
_QUICK_SHARE = 0.75
_OWNER_SHARE = 3


class Callee(Protocol):
    """What is asked of an endpoint here."""

    @property
    def id(self) -> str:
        """Which one."""

    @property
    def owner_id(self) -> str:
        """Whose."""

    @property
    def standing(self) -> str:
        """How it answered last: `quick`, `slow`, or `unproven` when it failed or was never called."""

    @property
    def max_in_flight(self) -> int | None:
        """How many at once it wants at most; None: as many as the setting says."""


class Lane:
    """The attempts under way to endpoints of some standings. `turn` is the endpoint that was called last."""

    def __init__(self, standings: tuple[str, ...], capacity: int, per_endpoint: int) -> None:
        self.standings = standings
        self.turn = ""
        self._capacity = capacity
        self._per_endpoint = per_endpoint
        self._endpoints: Counter[str] = Counter()
        self._full: set[str] = set()
        self._owners: Counter[str] = Counter()

    @property
    def room(self) -> int:
        """How many attempts more."""
        return self._capacity - self._owners.total()

    def room_for(self, endpoint: Callee) -> int:
        """How many more to this endpoint: one at a time until it has proved that it answers."""
        owner = (_OWNER_SHARE * self.room - self._owners[endpoint.owner_id] + _OWNER_SHARE) // (_OWNER_SHARE + 1)
        return max(0, min(self._most(endpoint) - self._endpoints[endpoint.id], owner, self.room))

    def busy_endpoints(self) -> list[str]:
        """Those with as many attempts as they may have."""
        return list(self._full)

    def busy_owners(self) -> list[str]:
        """Those that have their share."""
        return [owner_id for owner_id, many in self._owners.items() if many >= _OWNER_SHARE * self.room]

    def begin(self, endpoint: Callee) -> None:
        """An attempt starts."""
        self._endpoints[endpoint.id] += 1
        self._owners[endpoint.owner_id] += 1
        if self._endpoints[endpoint.id] >= self._most(endpoint):
            self._full.add(endpoint.id)

    def end(self, endpoint: Callee) -> None:
        """An attempt is over."""
        self._full.discard(endpoint.id)
        for counter, key in ((self._endpoints, endpoint.id), (self._owners, endpoint.owner_id)):
            counter[key] -= 1
            if not counter[key]:
                del counter[key]

    def _most(self, endpoint: Callee) -> int:
        return 1 if endpoint.standing == "unproven" else endpoint.max_in_flight or self._per_endpoint


def most_attempts(descriptors: int) -> int:
    """How many attempts at once a process may make that may open so many files; the public door leaves them to us."""
    return max(100, descriptors // 16)


def lanes(capacity: int, per_endpoint: int) -> tuple[Lane, Lane]:
    """The lane of quick endpoints, and that of all others; together they have `capacity`."""
    quick = max(1, int(capacity * _QUICK_SHARE))
    return Lane(("quick",), quick, per_endpoint), Lane(("slow", "unproven"), max(1, capacity - quick), per_endpoint)
