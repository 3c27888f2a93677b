"""Where the buckets live for all replicas: in Redis, with this process as its understudy."""

import asyncio
import hashlib
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from math import ceil
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, NoScriptError, RedisError

from gateway.limits.rules import Decision, passed, refused, used_up
from gateway.limits.store import Hit, MemoryLimiter, Slot
from gateway.metrics import LIMIT_STORE_FAILURES
from shared.observability.errors import summary
from shared.observability.logging import get_logger
from shared.observability.outages import Outage

_REDIS_SECONDS = 0.05
_PAUSE_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_LINGER_SECONDS = 3600.0  # replicas whose clocks differ end a day at different moments

# The same algorithm as `rules.decide` and `rules.charge`, on Redis's own clock, so that replicas with other clocks agree.
# `known` is what the replica knows to be used up: a Redis that lost its memory, or was away, goes on from there.
# `life` is 0, or the milliseconds that the bucket of a period is kept. All buckets of a request are counted, or none.
_SCRIPT = """
local cost, charged = tonumber(ARGV[1]), ARGV[2] == '1'
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local stored = redis.call('MGET', unpack(KEYS))
local before, after, answer, refused = {}, {}, {}, false
for i = 1, #KEYS do
  local spacing, depth = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
  local known, life = tonumber(ARGV[4 * i + 1]), tonumber(ARGV[4 * i + 2])
  local used = math.max(tonumber(stored[i] or 0) - (life > 0 and 0 or now), known, 0)
  local most = life > 0 and math.huge or 2 * depth
  before[i] = math.min(used, most)
  after[i] = before[i] + cost * spacing
  answer[i] = 1
  if charged then
    after[i] = math.min(after[i], most)
  elseif after[i] > depth + spacing / 1000000 then
    answer[i] = 0
    refused = true
  end
end
for i = 1, #KEYS do
  local used = after[i]
  if refused then
    used = before[i]
  else
    local life = tonumber(ARGV[4 * i + 2])
    if life > 0 then
      redis.call('SET', KEYS[i], string.format('%.0f', used), 'PX', life)
    else
      redis.call('SET', KEYS[i], string.format('%.6f', now + used), 'PX', math.ceil(used * 1000) + 1000)
    end
  end
  answer[#KEYS + i] = string.format('%.6f', used)
end
return answer
"""
_DIGEST = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


class RedisLimiter:
    """Buckets shared by all replicas, in one round trip for all those of a request.

    While Redis is away, full, without a writable master or slower than 50 ms, each replica goes on by itself: from what Redis
    said last, since it remembers every answer; and Redis goes on from what it then counted.
    """

    def __init__(self, url: str, understudy: MemoryLimiter, prefix: str = "quanyu:limit:") -> None:
        # `asyncio.timeout` cancels once, and in Python 3.11 `wait_for`, which the client uses, may swallow that; the socket's own
        # timeout ends what then waits.
        self._redis = Redis.from_url(
            url,
            socket_timeout=_REDIS_SECONDS,
            socket_connect_timeout=_LOOK_SECONDS,
            retry=Retry(NoBackoff(), 1, (ConnectionError,)),
        )
        self._understudy = understudy
        self._prefix = prefix
        self._away_until = 0.0
        self._outage = Outage(get_logger(part="limits"), "Redis")

    async def hit(self, hits: Sequence[Hit]) -> list[Decision]:
        """Count one request for all replicas, or here while Redis is away."""
        return await self._ask(hits, 1, charged=False) or self._understudy.hit_now(hits)

    async def charge(self, hits: Sequence[Hit], cost: int) -> list[Decision]:
        """Count what was let through already and turned out to cost `cost` more."""
        return await self._ask(hits, cost, charged=True) or self._understudy.charge_now(hits, cost)

    async def _ask(self, hits: Sequence[Hit], cost: int, *, charged: bool) -> list[Decision] | None:
        """What Redis says; None while it is away."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            return None
        # Read before Redis is asked, so that what is remembered is never more than what Redis knows.
        now = self._understudy.now()
        places = [self._understudy.place(hit, now) for hit in hits]
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                answer = await self._run(
                    [self._prefix + one.bucket for one in places], _arguments(places, cost, charged)
                )
        except (RedisError, OSError, TimeoutError) as error:
            LIMIT_STORE_FAILURES.inc()
            if loop.time() >= self._away_until:  # once for all that asked at the same time
                self._outage.failed(summary(error))
                self._away_until = loop.time() + _PAUSE_SECONDS
                await self._leave()
            return None
        if loop.time() >= self._away_until:  # not one that was asked before others found it away
            self._outage.worked()
        decisions = []
        for place, allowed, used in zip(places, answer, map(float, answer[len(places) :]), strict=False):
            told = (place.policy, place.origin, used)
            ends_in = place.ends_in
            decisions.append(passed(*told, ends_in) if allowed else refused(*told, cost, ends_in))
        counted = cost if all(one.allowed for one in decisions) else 0
        self._understudy.learn(places, decisions, counted, now)
        return decisions

    async def _run(self, keys: list[str], arguments: list[str | int]) -> list[Any]:
        """The script by its digest; whole for a Redis that does not know it (any more)."""
        # redis-py types every command as "awaitable or not"; the asyncio client always gives an awaitable.
        try:
            return await cast(Awaitable[list[Any]], self._redis.evalsha(_DIGEST, len(keys), *keys, *arguments))
        except NoScriptError:
            return await cast(Awaitable[list[Any]], self._redis.eval(_SCRIPT, len(keys), *keys, *arguments))

    async def _leave(self) -> None:
        """What one connection is, the idle ones are too: silent, or still with a master that is a replica now."""
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(_REDIS_SECONDS):
                await self._redis.connection_pool.disconnect(inuse_connections=False)

    async def answers(self) -> bool:
        """Ask Redis itself to write: without requests nobody else notices that it is away, full or a replica."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._redis.set(f"{self._prefix}look", 1, px=1000)
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        await self._redis.aclose()


def _arguments(places: Sequence[Slot], cost: int, charged: bool) -> list[str | int]:
    arguments: list[str | int] = [cost, int(charged)]
    for shelf, bucket, policy, origin, ends_in in places:
        known = used_up(policy, shelf.get(bucket, 0.0), origin)
        life = ceil((ends_in + _LINGER_SECONDS) * 1000) if policy.period else 0
        arguments += [repr(policy.spacing), repr(policy.depth), f"{known:.6f}", life]
    return arguments
