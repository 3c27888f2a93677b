"""Sends what is due. At least once: a worker killed between send and record leaves a lease that runs out.

No endpoint waits for another: each has its own cap on what is in flight, and a failing one is tried one at a time.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from gateway.audit_log.log import AuditLog
from gateway.settings import GatewaySettings
from gateway.webhooks_out import repository
from gateway.webhooks_out.delivering import Delivering
from gateway.webhooks_out.models import Delivery
from gateway.webhooks_out.repository import Target
from shared.http import EgressClient
from shared.ids import new_id
from shared.service import Kit

_STOP_SECONDS = 5.0


class DeliveryWorker:
    """The loop body is `tick`; `idle()` waits for what is in flight; `running()` holds it open."""

    def __init__(self, kit: Kit, settings: GatewaySettings, egress: EgressClient, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._egress = egress
        self._delivering = Delivering(kit, settings, egress, log)
        self._settings = settings
        self.wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight: Counter[str] = Counter()
        self._claiming = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Lets what is in flight end for a few seconds when the service stops."""
        async with self._egress:
            try:
                yield
            finally:
                if self._tasks:
                    await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
                for task in self._tasks:
                    task.cancel()
                await self.idle()

    async def idle(self) -> None:
        """Wait until nothing is in flight."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def tick(self) -> bool:
        """Claim what is due and start sending it. False: the end of an attempt wakes the loop again."""
        async with self._claiming:
            room = self._settings.webhooks_out_in_flight - len(self._tasks)
            if room <= 0:
                return False
            now = self._clock.now()
            async with self._db.read() as tx:
                working = await repository.targets_with_work(tx, now, room + len(self._in_flight))
            if working:
                await self._claim(working, room)
        return False

    async def _claim(self, working: Sequence[Target], room: int) -> None:
        now, lease = self._clock.now(), new_id("lse")
        until = now + timedelta(seconds=self._settings.webhooks_out_lease_seconds)
        claimed: list[tuple[Target, Delivery]] = []
        async with self._db.write() as tx:
            for endpoint in working:
                most = self._settings.webhooks_out_per_endpoint if endpoint.failing_since is None else 1
                free = min(most - self._in_flight[endpoint.id], room - len(claimed))
                if free > 0:
                    rows = await repository.claim(tx, endpoint.id, now, free, lease, until)
                    claimed += [(endpoint, row) for row in rows]
            bodies = await repository.bodies(tx, sorted({row.event_id for _, row in claimed}))
        for endpoint, row in claimed:
            self._start(endpoint, row, bodies[row.event_id])

    def _start(self, endpoint: Target, row: Delivery, body: bytes) -> None:
        task = asyncio.create_task(self._delivering.deliver(endpoint, row, body), name=f"webhook {row.id}")
        self._tasks.add(task)
        self._in_flight[endpoint.id] += 1

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            self._in_flight[endpoint.id] -= 1
            if self._in_flight[endpoint.id] <= 0:
                del self._in_flight[endpoint.id]
            self.wake.set()

        task.add_done_callback(ended)

    async def prune(self) -> bool:
        """Forget finished deliveries after their time."""
        before = self._clock.now() - timedelta(days=self._settings.webhooks_out_keep_days)
        return await repository.prune_finished(self._db, before)
