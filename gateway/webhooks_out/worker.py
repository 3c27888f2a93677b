"""Sends what is due. At least once: a worker killed between send and record leaves a lease that runs out.

No endpoint waits for another: `lanes.py` says who is called next.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from gateway.audit_log.log import AuditLog
from gateway.settings import GatewaySettings
from gateway.webhooks_out import due_repository, prune_repository, repository
from gateway.webhooks_out.delivering import Delivering
from gateway.webhooks_out.filters import thinned
from gateway.webhooks_out.lanes import Lane, lanes, most_attempts
from gateway.webhooks_out.models import Delivery
from gateway.webhooks_out.records import AttemptRecords
from gateway.webhooks_out.repository import Target
from shared.db import Transaction, seconds_until
from shared.http import EgressClient
from shared.ids import new_id
from shared.service import Kit

if sys.platform != "win32":
    import resource

_STOP_SECONDS = 5.0
_AT_ONCE = 200


class DeliveryWorker:
    """The loop body is `tick`; `idle()` waits for what is in flight; `running()` holds it open."""

    def __init__(self, kit: Kit, settings: GatewaySettings, egress: EgressClient, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._egress = egress
        self._recording = AttemptRecords(kit, settings, log)
        self._delivering = Delivering(kit, settings, egress, self._recording)
        self._settings = settings
        self.wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes = lanes(
            min(settings.webhooks_out_in_flight, most_attempts(_open_files())), settings.webhooks_out_per_endpoint
        )
        self._claiming = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Lets what is in flight end for a few seconds when the service stops."""
        async with self._egress, self._recording.group.running():
            try:
                yield
            finally:
                if self._tasks:
                    await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
                for task in self._tasks:
                    task.cancel()
                await self.idle()

    @property
    def busy(self) -> bool:
        """Something is in flight."""
        return bool(self._tasks)

    async def idle(self) -> None:
        """Wait until nothing is in flight."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def tick(self) -> bool | float | None:
        """Claim what is due and start sending it. True: more may wait; else the seconds until something may be due. The end of
        an attempt wakes the loop as well.
        """
        async with self._claiming:
            filled = [await self._fill(lane) for lane in self._lanes]
        return any(filled) or await self._until_next()

    async def _until_next(self) -> float | None:
        now = self._clock.now()
        async with self._db.read() as tx:
            return seconds_until(await due_repository.next_due(tx, now, leases=not self.busy), now)

    async def _fill(self, lane: Lane) -> bool:
        """Some attempts only: a burst of thousands would keep everything else in the process waiting."""
        most = min(lane.room, _AT_ONCE)
        if most <= 0:
            return False
        now = self._clock.now()
        async with self._db.read() as tx:
            working = await repository.targets(tx, lane, now, most)
        if not working:
            return False
        return await self._claim(lane, working, most) == most or len(working) == most

    async def _claim(self, lane: Lane, working: Sequence[Target], most: int) -> int:
        now, lease = self._clock.now(), new_id("lse")
        until = now + timedelta(seconds=self._settings.webhooks_out_lease_seconds)
        claimed: list[tuple[Target, Delivery]] = []
        try:
            async with self._db.write() as tx:
                for endpoint in working:
                    wanted = min(lane.room_for(endpoint), max(1, most // len(working)), most - len(claimed))
                    wanted = await self._in_step(tx, endpoint, wanted, now)
                    rows = await repository.claim(tx, endpoint.id, now, wanted, lease, until) if wanted else []
                    claimed += [(endpoint, row) for row in rows]
                    for _ in rows:
                        lane.begin(endpoint)
                bodies = await repository.bodies(tx, sorted({row.event_id for _, row in claimed}))
        except BaseException:
            for endpoint, _ in claimed:
                lane.end(endpoint)
            raise
        for endpoint, row in claimed:
            self._start(lane, endpoint, row, bodies[row.event_id])
        lane.turn = working[-1].id
        return len(claimed)

    async def _in_step(self, tx: Transaction, endpoint: Target, wanted: int, now: datetime) -> int:
        """How many of them an endpoint may get now that wants only so many a second: about a tenth of a second's."""
        rate = endpoint.rate_per_second
        if rate is None or not wanted:
            return wanted
        wanted = min(wanted, max(1, rate // 10))
        return wanted if await repository.pace(tx, endpoint.id, now, now + timedelta(seconds=wanted / rate)) else 0

    def _start(self, lane: Lane, endpoint: Target, row: Delivery, body: bytes) -> None:
        body = thinned(body) if row.thin else body
        task = asyncio.create_task(self._delivering.deliver(endpoint, row, body), name=f"webhook {row.id}")
        self._tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            lane.end(endpoint)
            self.wake.set()

        task.add_done_callback(ended)

    async def prune(self) -> bool:
        """Forget finished and held deliveries after their time, and of those that are held the most.

        What still waits for an owner without a key is held from then on.
        """
        now = self._clock.now()
        before = now - timedelta(days=self._settings.webhooks_out_keep_days)
        more = await prune_repository.prune_finished(self._db, before)
        async with self._db.read() as tx:
            unserved = [row.id for row in await repository.listeners(tx, now) if not row.served]
        for endpoint_id in unserved:
            async with self._db.write() as tx:
                await repository.hold_waiting(tx, endpoint_id, now)
            more |= await prune_repository.prune_held(self._db, endpoint_id, self._settings.webhooks_out_held_most)
        return more


def _open_files() -> int:
    """How many files and connections the process may have open."""
    if sys.platform == "win32":
        return 8192
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
