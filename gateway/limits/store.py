"""Where the buckets live: in this process, or in Redis for all replicas, with this process as its understudy."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.limits.rules import Decision, decide
from gateway.metrics import LIMIT_STORE_FAILURES
from gateway.policy import Policy
from shared.clock import Clock
from shared.observability.logging import get_logger

_MOST_BUCKETS = 100_000
_REDIS_SECONDS = 0.05
_PAUSE_SECONDS = 1.0

# The same algorithm as `rules.decide`, on Redis's own clock, so that replicas with other clocks agree.
_SCRIPT = """
local spacing, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local arrival = tonumber(redis.call('GET', KEYS[1]) or 0)
local begin = math.min(math.max(arrival, now), now + window)
local after = begin + cost * spacing
if after - now > window + spacing / 1000000 then
  return {0, tostring(begin - now)}
end
redis.call('SET', KEYS[1], string.format('%.6f', after), 'PX', math.ceil((after - now) * 1000) + 1000)
return {1, tostring(after - now)}
"""


class Limiter(Protocol):
    """Counts a request against a bucket and tells whether it may go on. Never raises."""

    async def hit(self, bucket: str, policy: Policy, cost: int = 1) -> Decision:
        """Count one request; the decision says whether it may go on."""

    async def aclose(self) -> None:
        """Close what is open."""


class MemoryLimiter:
    """Buckets of this process. Forgets the idle ones when there are many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._arrivals: dict[str, float] = {}

    async def hit(self, bucket: str, policy: Policy, cost: int = 1) -> Decision:
        """Count one request."""
        return self.hit_now(bucket, policy, cost)

    def hit_now(self, bucket: str, policy: Policy, cost: int = 1) -> Decision:
        """The same without a coroutine, for the hot path."""
        now = self._clock.now().timestamp()
        decision = decide(policy, self._arrivals.get(bucket, 0.0), now, cost)
        self._arrivals[bucket] = decision.arrival
        if len(self._arrivals) > _MOST_BUCKETS:
            self._forget(now)
        return decision

    def exhausted(self, bucket: str, policy: Policy) -> Decision | None:
        """The refusal that a request would meet, without counting one; None when it would pass."""
        decision = decide(policy, self._arrivals.get(bucket, 0.0), self._clock.now().timestamp())
        return None if decision.allowed else decision

    def _forget(self, now: float) -> None:
        self._arrivals = {bucket: arrival for bucket, arrival in self._arrivals.items() if arrival > now}
        while len(self._arrivals) > _MOST_BUCKETS // 2:  # all busy: the oldest start anew rather than fill the memory
            self._arrivals.pop(next(iter(self._arrivals)))

    async def aclose(self) -> None:
        """Forget all buckets."""
        self._arrivals.clear()


class RedisLimiter:
    """Buckets shared by all replicas. While Redis is away, or slower than 50 ms, each replica limits for itself."""

    def __init__(self, url: str, clock: Clock, prefix: str = "quanyu:limit:") -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=1.0)
        self._local = MemoryLimiter(clock)
        self._prefix = prefix
        self._away_until = 0.0
        self._log = get_logger(part="limits")

    async def hit(self, bucket: str, policy: Policy, cost: int = 1) -> Decision:
        """Count one request for all replicas, or here while Redis is away."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            return self._local.hit_now(bucket, policy, cost)
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                answer = await self._ask(bucket, policy, cost)
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = loop.time() + _PAUSE_SECONDS
            LIMIT_STORE_FAILURES.inc()
            self._log.warning("shared limits unavailable, limiting locally", error=type(error).__name__)
            return self._local.hit_now(bucket, policy, cost)
        return _from_redis(policy, bool(answer[0]), float(answer[1]), cost)

    async def _ask(self, bucket: str, policy: Policy, cost: int) -> list[Any]:
        # redis-py types every command as "awaitable or not"; the asyncio client always gives an awaitable.
        call = cast(
            Awaitable[list[Any]],
            self._redis.eval(_SCRIPT, 1, self._prefix + bucket, str(policy.spacing), str(policy.window), str(cost)),
        )
        return await call

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        await self._redis.aclose()


def _from_redis(policy: Policy, allowed: bool, used: float, cost: int) -> Decision:
    remaining = max(0, int((policy.window - used) / policy.spacing + 1e-6))
    wait = 0.0 if allowed else max(used + cost * policy.spacing - policy.window, 0.0)
    return Decision(allowed, 0.0, remaining, used, wait)
