"""Where the buckets live for all replicas: in Redis, with this process as its understudy."""

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.limits.rules import Decision, passed, refused
from gateway.limits.store import MemoryLimiter
from gateway.metrics import LIMIT_STORE_FAILURES
from gateway.policy import Policy
from shared.observability.errors import summary
from shared.observability.logging import get_logger
from shared.observability.outages import Outage

_REDIS_SECONDS = 0.05
_PAUSE_SECONDS = 1.0
_LOOK_SECONDS = 0.5

# The same algorithm as `rules.decide` and `rules.charge`, on Redis's own clock, so that replicas with other clocks agree.
# `known` is what the replica knows to be used up: a Redis that lost its memory, or was away, goes on from there.
_SCRIPT = """
local spacing, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local known, charged = tonumber(ARGV[4]), ARGV[5] == '1'
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local arrival = tonumber(redis.call('GET', KEYS[1]) or 0)
local used = math.min(math.max(arrival - now, known, 0), 2 * window)
local after = used + cost * spacing
if charged then
  after = math.min(after, 2 * window)
elseif after > window + spacing / 1000000 then
  return {0, tostring(used)}
end
redis.call('SET', KEYS[1], string.format('%.6f', now + after), 'PX', math.ceil(after * 1000) + 1000)
return {1, tostring(after)}
"""


class RedisLimiter:
    """Buckets shared by all replicas. While Redis is away, or slower than 50 ms, each replica goes on by itself.

    It goes on from what Redis said last, since it remembers every answer; and Redis goes on from what it then counted.
    """

    def __init__(self, url: str, understudy: MemoryLimiter, prefix: str = "quanyu:limit:") -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=1.0)
        self._understudy = understudy
        self._prefix = prefix
        self._away_until = 0.0
        self._outage = Outage(get_logger(part="limits"), "Redis")

    async def hit(self, bucket: str, policy: Policy) -> Decision:
        """Count one request for all replicas, or here while Redis is away."""
        return await self._ask(bucket, policy, 1, charged=False) or self._understudy.hit_now(bucket, policy)

    async def charge(self, bucket: str, policy: Policy, cost: int) -> Decision:
        """Count what was let through already and turned out to cost `cost` more."""
        return await self._ask(bucket, policy, cost, charged=True) or self._understudy.charge_now(bucket, policy, cost)

    async def _ask(self, bucket: str, policy: Policy, cost: int, *, charged: bool) -> Decision | None:
        """What Redis says; None while it is away."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            return None
        # Read before Redis is asked, so that what is remembered is never more than what Redis knows.
        now = self._understudy.now()
        known = f"{self._understudy.used(bucket, now):.6f}"
        arguments = (str(policy.spacing), str(policy.window), str(cost), known, str(int(charged)))
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                # redis-py types every command as "awaitable or not"; the asyncio client always gives an awaitable.
                call = self._redis.eval(_SCRIPT, 1, self._prefix + bucket, *arguments)
                allowed, used = await cast(Awaitable[list[Any]], call)
        except (RedisError, OSError, TimeoutError) as error:
            LIMIT_STORE_FAILURES.inc()
            if loop.time() >= self._away_until:  # once for all that asked at the same time
                self._outage.failed(summary(error))
            self._away_until = loop.time() + _PAUSE_SECONDS
            return None
        if loop.time() >= self._away_until:  # not one that was asked before others found it away
            self._outage.worked()
        decision = passed(policy, now, float(used)) if allowed else refused(policy, now, float(used), cost)
        self._understudy.learn(bucket, decision.arrival, now)
        return decision

    async def answers(self) -> bool:
        """Ask Redis itself: without requests nobody else notices that it is away."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._redis.ping()
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        await self._redis.aclose()
