"""Where the buckets live: in this process."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from gateway.limits.periods import Calendar
from gateway.limits.rules import Decision, charge, decide, passed, used_up
from gateway.policy import Policy
from shared.clock import Clock

_MOST_BUCKETS = 100_000


class Hit(NamedTuple):
    """That a request counts in a bucket. `crowd`: a bucket of an address or a customer, of whom there may be any number."""

    bucket: str
    policy: Policy
    crowd: bool = False


class Slot(NamedTuple):
    """Where a bucket's number is: `shelf[bucket]`, counted from `origin`. `ends_in`: seconds of its period that are left."""

    shelf: dict[str, float]
    bucket: str
    policy: Policy
    origin: float
    ends_in: float = 0.0


class Count(NamedTuple):
    """How much was counted in the bucket of a period. `ends_at`: seconds since 1970."""

    bucket: str
    calls: int
    ends_at: float


class Limiter(Protocol):
    """Counts requests against buckets. Never raises."""

    async def hit(self, hits: Sequence[Hit]) -> list[Decision]:
        """Count one request in all of them, or in none when one refuses it. A decision for each, in their order."""

    async def charge(self, hits: Sequence[Hit], cost: int) -> list[Decision]:
        """Count what was let through already and turned out to cost `cost` more."""

    async def answers(self) -> bool:
        """Whether what is shared can be asked."""

    async def aclose(self) -> None:
        """Close what is open."""


class MemoryLimiter:
    """Buckets of this process. Forgets the idle ones when there are many; those of crowds push no others out.

    `replicas` is how many processes count apart from each other: each allows its share of a policy. The buckets of periods are
    kept until those end; a loop carries what was counted in them to the database, and what others counted back.
    """

    def __init__(self, clock: Clock, calendar: Calendar) -> None:
        self._clock = clock
        self._calendar = calendar
        self._ahead = 0.0
        self._latest = 0.0
        self._arrivals: dict[str, float] = {}
        self._crowds: dict[str, float] = {}
        self._periods: dict[str, float] = {}
        self._ends: dict[str, float] = {}
        self._uncarried: dict[str, int] = {}
        self.replicas = 1
        self.on_count: Callable[[], None] = _nothing
        """Called when something was counted that has to be carried."""

    def now(self) -> float:
        """Seconds of the clock, except that they never go back: a clock that does would make every bucket a full one."""
        now = self._clock.now().timestamp() + self._ahead
        if now < self._latest:
            self._ahead += self._latest - now
            return self._latest
        self._latest = now
        return now

    async def hit(self, hits: Sequence[Hit]) -> list[Decision]:
        """Count one request in all of them, or in none when one refuses it."""
        return self.hit_now(hits)

    def hit_now(self, hits: Sequence[Hit]) -> list[Decision]:
        """The same without a coroutine, for the hot path."""
        now = self.now()
        if len(hits) == 1 and hits[0].policy.period is None:  # as nearly all: without the lists
            bucket, policy, crowd = hits[0]
            shelf = self._crowds if crowd else self._arrivals
            one = decide(policy.share(self.replicas), shelf.get(bucket, 0.0), now)
            shelf[bucket] = one.arrival
            if len(shelf) > _MOST_BUCKETS:
                _forget(shelf, now)
            return [one]
        places = [self.place(hit, now) for hit in hits]
        decisions = [
            decide(policy.share(self.replicas), shelf.get(bucket, 0.0), origin, 1, ends_in)
            for shelf, bucket, policy, origin, ends_in in places
        ]
        if not all(one.allowed for one in decisions):
            return [
                self._untouched(place, one) if one.allowed else one
                for place, one in zip(places, decisions, strict=True)
            ]
        self._keep(places, decisions, 1, now)
        return decisions

    async def charge(self, hits: Sequence[Hit], cost: int) -> list[Decision]:
        """Count what was let through already and turned out to cost `cost` more."""
        return self.charge_now(hits, cost)

    def charge_now(self, hits: Sequence[Hit], cost: int) -> list[Decision]:
        """The same without a coroutine."""
        now = self.now()
        places = [self.place(hit, now) for hit in hits]
        decisions = [
            charge(policy.share(self.replicas), shelf.get(bucket, 0.0), origin, cost, ends_in)
            for shelf, bucket, policy, origin, ends_in in places
        ]
        self._keep(places, decisions, cost, now)
        return decisions

    def place(self, hit: Hit, now: float) -> Slot:
        """Where the number of a bucket is."""
        bucket, policy, crowd = hit
        if policy.period is None:
            return Slot(self._crowds if crowd else self._arrivals, bucket, policy, now)
        span = self._calendar.span(policy.period, now)
        named = f"{bucket}@{span.label}"
        self._ends[named] = span.ends
        return Slot(self._periods, named, policy, 0.0, span.ends - now)

    def learn(self, places: Sequence[Slot], decisions: Sequence[Decision], counted: int, now: float) -> None:
        """Take over what another store says of buckets, and that it counted so much for this process."""
        self._keep(places, decisions, counted, now)

    def uncarried(self) -> list[Count]:
        """What was counted in periods' buckets and is not in the database; it is the asker's to carry from now on."""
        counts, self._uncarried = self._uncarried, {}
        return [Count(bucket, calls, self._ends[bucket]) for bucket, calls in sorted(counts.items())]

    def take_back(self, counts: Sequence[Count]) -> None:
        """They could not be carried."""
        for one in counts:
            self._ends[one.bucket] = one.ends_at
            self._uncarried[one.bucket] = self._uncarried.get(one.bucket, 0) + one.calls

    def take_up(self, totals: Sequence[Count]) -> None:
        """What all processes together have carried."""
        for bucket, total, ends_at in totals:
            self._ends[bucket] = ends_at
            here = total + self._uncarried.get(bucket, 0)
            self._periods[bucket] = max(self._periods.get(bucket, 0.0), float(here))
        now = self.now()
        for bucket in [one for one, ends in self._ends.items() if ends <= now and one not in self._uncarried]:
            del self._ends[bucket]
            self._periods.pop(bucket, None)

    def _untouched(self, place: Slot, decision: Decision) -> Decision:
        """A policy that would have let a request through that another one refused."""
        policy = decision.policy
        used = used_up(policy, place.shelf.get(place.bucket, 0.0), place.origin)
        return passed(policy, place.origin, used, place.ends_in)

    def _keep(self, places: Sequence[Slot], decisions: Sequence[Decision], counted: int, now: float) -> None:
        for (shelf, bucket, policy, _, _), decision in zip(places, decisions, strict=True):
            shelf[bucket] = decision.arrival
            if policy.period is not None and counted:
                self._uncarried[bucket] = self._uncarried.get(bucket, 0) + counted
                self.on_count()
            elif policy.period is None and len(shelf) > _MOST_BUCKETS:
                _forget(shelf, now)

    async def answers(self) -> bool:
        """Nothing is shared."""
        return True

    async def aclose(self) -> None:
        """Forget all buckets."""
        for shelf in (self._arrivals, self._crowds, self._periods):
            shelf.clear()


def _nothing() -> None:
    """Nobody carries."""


def _forget(shelf: dict[str, float], now: float) -> None:
    for bucket in [bucket for bucket, arrival in shelf.items() if arrival <= now]:
        del shelf[bucket]
    while len(shelf) > _MOST_BUCKETS // 2:  # all busy: the oldest start anew rather than fill the memory
        shelf.pop(next(iter(shelf)))
