"""The room of rate limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from gateway.limits.period_counts import CARRY_SECONDS, PeriodCounts
from gateway.limits.periods import Calendar
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
from shared.zones import zone


class LimitsRoom(Room):
    """Offers `rates`, which counts requests, `replicas`, which knows how many gateways do so, and `periods`, which last."""

    def __init__(self, kit: Kit, settings: GatewaySettings) -> None:
        self.calendar = calendar = Calendar(zone(settings.time_zone))
        own, strangers = (MemoryLimiter(kit.clock, calendar) for _ in range(2))
        self._limiter = _shared(settings, own)
        self.rates = RateLimits(settings, self._limiter, strangers)
        self.replicas = Replicas(kit, (own, strangers), shared=settings.redis_url is not None)
        self.periods = PeriodCounts(kit, own, calendar)
        self.loops = [
            Loop("count replicas", self.replicas.count, BEAT_SECONDS, role=Role.API),
            Loop("carry counts of days", self.periods.carry, CARRY_SECONDS, wake=self.periods.wake, role=Role.API),
            Loop("prune counts of days", self.periods.prune, 3600.0, timed=True),
        ]
        opened = (self.replicas.running, self.periods.running) if settings.role.answers else ()
        self.resources = [self._open, *opened]

        if settings.redis_url is not None and settings.role.answers:
            self.looks = [Remembered(partial(_look, self._limiter)).read]

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._limiter.aclose()


async def _look(limiter: Limiter) -> Finding:
    if await limiter.answers():
        return Finding("limits", State.OK, "Redis answers")
    away = "Redis does not answer or takes no writes: each gateway counts its share of the rate limits by itself"
    return Finding("limits", State.DEGRADED, away)


def _shared(settings: GatewaySettings, understudy: MemoryLimiter) -> Limiter:
    """The limiter of all replicas where there is a Redis, else this process's own."""
    url = settings.redis_url
    if url is None:
        return understudy
    from gateway.limits.redis_store import RedisLimiter

    return RedisLimiter(url.get_secret_value(), understudy)
