"""The room of rate limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.limits.rate_limits import RateLimits
from gateway.limits.store import Limiter, MemoryLimiter, RedisLimiter
from gateway.settings import GatewaySettings
from shared.room import Room
from shared.service import Kit


class LimitsRoom(Room):
    """Offers `rates`: counts requests and failures. Failures are counted in this process even where Redis counts the rest."""

    def __init__(self, kit: Kit, settings: GatewaySettings) -> None:
        local = MemoryLimiter(kit.clock)
        url = settings.redis_url
        self._limiter: Limiter = RedisLimiter(url.get_secret_value(), kit.clock) if url else local
        self.rates = RateLimits(settings, self._limiter, local)
        self.resources = [self._open]

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._limiter.aclose()
