"""The room of rate limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from gateway.limits.rate_limits import RateLimits
from gateway.limits.replicas import BEAT_SECONDS, Replicas
from gateway.limits.store import Limiter, MemoryLimiter
from gateway.settings import GatewaySettings
from shared.loops import Loop
from shared.readiness import Finding, State
from shared.remembered import Remembered
from shared.roles import Role
from shared.room import Room
from shared.service import Kit


class LimitsRoom(Room):
    """Offers `rates`, which counts requests, and `replicas`, which knows how many gateways do so."""

    def __init__(self, kit: Kit, settings: GatewaySettings) -> None:
        keys, addresses, strangers = (MemoryLimiter(kit.clock) for _ in range(3))
        self._limiters = [_shared(settings, understudy) for understudy in (keys, addresses)]
        self.rates = RateLimits(settings, self._limiters[0], self._limiters[1], strangers)
        self.replicas = Replicas(kit, (keys, addresses, strangers), shared=settings.redis_url is not None)
        self.loops = [Loop("count replicas", self.replicas.count, BEAT_SECONDS, role=Role.API)]
        self.resources = [self._open, *([self.replicas.running] if settings.role.answers else ())]

        if settings.redis_url is not None and settings.role.answers:
            self.looks = [Remembered(partial(_look, self._limiters[0])).read]

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for limiter in self._limiters:
                await limiter.aclose()


async def _look(limiter: Limiter) -> Finding:
    if await limiter.answers():
        return Finding("limits", State.OK, "Redis answers")
    away = "Redis does not answer: each gateway counts its share of the rate limits by itself"
    return Finding("limits", State.DEGRADED, away)


def _shared(settings: GatewaySettings, understudy: MemoryLimiter) -> Limiter:
    """The limiter of all replicas where there is a Redis, else this process's own."""
    url = settings.redis_url
    if url is None:
        return understudy
    from gateway.limits.redis_store import RedisLimiter

    return RedisLimiter(url.get_secret_value(), understudy)
