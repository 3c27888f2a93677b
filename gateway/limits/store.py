"""Where the buckets live: in this process."""

from typing import Protocol

from gateway.limits.rules import Decision, charge, decide
from gateway.policy import Policy
from shared.clock import Clock

_MOST_BUCKETS = 100_000


class Limiter(Protocol):
    """Counts requests against buckets. Never raises."""

    async def hit(self, bucket: str, policy: Policy) -> Decision:
        """Count one request; the decision says whether it may go on."""

    async def charge(self, bucket: str, policy: Policy, cost: int) -> Decision:
        """Count what was let through already and turned out to cost `cost` more."""

    async def answers(self) -> bool:
        """Whether what is shared can be asked."""

    async def aclose(self) -> None:
        """Close what is open."""


class MemoryLimiter:
    """Buckets of this process. Forgets the idle ones when there are many.

    `replicas` is how many processes count apart from each other: each allows its share of a policy.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = 0.0
        self._latest = 0.0
        self._arrivals: dict[str, float] = {}
        self.replicas = 1

    def now(self) -> float:
        """Seconds of the clock, except that they never go back: a clock that does would make every bucket a full one."""
        now = self._clock.now().timestamp() + self._ahead
        if now < self._latest:
            self._ahead += self._latest - now
            return self._latest
        self._latest = now
        return now

    async def hit(self, bucket: str, policy: Policy) -> Decision:
        """Count one request."""
        return self.hit_now(bucket, policy)

    def hit_now(self, bucket: str, policy: Policy) -> Decision:
        """The same without a coroutine, for the hot path."""
        now = self.now()
        decision = decide(policy.share(self.replicas), self._arrivals.get(bucket, 0.0), now)
        self._keep(bucket, decision.arrival, now)
        return decision

    async def charge(self, bucket: str, policy: Policy, cost: int) -> Decision:
        """Count what was let through already and turned out to cost `cost` more."""
        return self.charge_now(bucket, policy, cost)

    def charge_now(self, bucket: str, policy: Policy, cost: int) -> Decision:
        """The same without a coroutine."""
        now = self.now()
        decision = charge(policy.share(self.replicas), self._arrivals.get(bucket, 0.0), now, cost)
        self._keep(bucket, decision.arrival, now)
        return decision

    def used(self, bucket: str, now: float) -> float:
        """Seconds of the bucket's window that are used up."""
        return max(self._arrivals.get(bucket, 0.0) - now, 0.0)

    def learn(self, bucket: str, arrival: float, now: float) -> None:
        """Take over what another store says of a bucket."""
        self._keep(bucket, arrival, now)

    def _keep(self, bucket: str, arrival: float, now: float) -> None:
        self._arrivals[bucket] = arrival
        if len(self._arrivals) > _MOST_BUCKETS:
            self._forget(now)

    def _forget(self, now: float) -> None:
        self._arrivals = {bucket: arrival for bucket, arrival in self._arrivals.items() if arrival > now}
        while len(self._arrivals) > _MOST_BUCKETS // 2:  # all busy: the oldest start anew rather than fill the memory
            self._arrivals.pop(next(iter(self._arrivals)))

    async def answers(self) -> bool:
        """Nothing is shared."""
        return True

    async def aclose(self) -> None:
        """Forget all buckets."""
        self._arrivals.clear()
