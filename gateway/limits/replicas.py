"""How many gateways share the limits: each says in the common database that it is there.

Without Redis every replica counts by itself, and so allows only its share of each limit; so does the understudy of a Redis
that is away. A replica that was killed counts for twenty seconds more, during which the others are stricter than need be.
One that is alone says nothing more, so that an idle suite writes nothing; the first word of another wakes it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from gateway.limits import repository
from gateway.limits.store import MemoryLimiter
from gateway.metrics import REPLICAS
from shared.db import is_outage
from shared.ids import new_id
from shared.observability.logging import get_logger
from shared.service import Kit

BEAT_SECONDS = 5.0
_ALIVE = timedelta(seconds=20)


class Replicas:
    """`count` is the body of a loop: it tells the limiters how many replicas there are. Hold `running()` open meanwhile."""

    def __init__(self, kit: Kit, limiters: Sequence[MemoryLimiter], *, shared: bool) -> None:
        """`shared`: Redis counts for all, so that there is nothing to divide while it is there."""
        self._db = kit.db
        self._clock = kit.clock
        self._limiters = limiters
        self._shared = shared
        self._id = new_id("gwy")
        self._count = 0
        self._log = get_logger(part="limits")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """This replica is counted by the others, until it ends in peace."""
        await self.count()
        try:
            yield
        finally:
            try:
                async with self._db.write() as tx:
                    await repository.delete_replica(tx, self._id)
            except Exception as error:
                if not is_outage(error):
                    raise
                self._log.info("could not say goodbye; the others notice it soon", error=type(error).__name__)

    async def count(self) -> float | None:
        """Say that this replica is there, and look how many there are. Answers when to do so again; None while it is alone."""
        now = self._clock.now()
        async with self._db.read() as tx:
            if self._count == 1 and await repository.is_alone(tx, self._id):
                return None
        async with self._db.write() as tx:
            await repository.note_seen(tx, self._id, now)
            await repository.delete_replicas(tx, now - _ALIVE)
            count = await repository.count_replicas(tx)
        REPLICAS.set(count)
        for limiter in self._limiters:
            limiter.replicas = count
        if count != self._count and (self._shared or self._count or count > 1):  # to begin alone is nothing to tell
            self._tell(count)
        self._count = count
        return None if count == 1 else BEAT_SECONDS

    def _tell(self, count: int) -> None:
        if self._shared:
            self._log.info("rate limits are counted in Redis", replicas=count)
        elif count == 1:
            self._log.info("rate limits are counted in this process, the only gateway on its database")
        else:
            self._log.warning(
                "rate limits are divided: several gateways share no Redis, so each allows its share of every limit; "
                "set QUANYU_REDIS_URL to count together",
                replicas=count,
            )
