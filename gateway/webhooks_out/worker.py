"""Sends what is due. At least once: a worker killed between send and record leaves a lease that runs out.

No endpoint waits for another: each has its own cap on what is in flight, and a failing one is tried one at a time.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from gateway import rotation
from gateway.audit_log.log import AuditLog
from gateway.metrics import WEBHOOKS_OUT_ATTEMPTS, WEBHOOKS_OUT_SECONDS
from gateway.settings import GatewaySettings
from gateway.webhooks_out import repository
from gateway.webhooks_out.models import Delivery
from gateway.webhooks_out.repository import Target
from shared.db import Transaction
from shared.http import EgressClient, EgressError
from shared.ids import new_id
from shared.observability.logging import get_logger
from shared.service import Kit
from shared.webhook_answers import Retries, Verdict, judge
from shared.webhooks import signed_headers

_ANSWER_KEPT = 1000
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Result:
    """What one attempt brought: a status and the beginning of the answer, or an error."""

    status: int | None
    error: str | None
    answer: str | None
    retry_after: str | None
    milliseconds: int


class DeliveryWorker:
    """The loop body is `tick`; `idle()` waits for what is in flight; `running()` holds it open."""

    def __init__(self, kit: Kit, settings: GatewaySettings, egress: EgressClient, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._egress = egress
        self._audit_log = log
        self._settings = settings
        self._retries = Retries(settings.webhooks_out_schedule_seconds, settings.webhooks_out_jitter)
        self.wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight: Counter[str] = Counter()
        self._claiming = asyncio.Lock()
        self._chance = random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._log = get_logger(part="webhooks_out")

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
        task = asyncio.create_task(self._deliver(endpoint, row, body), name=f"webhook {row.id}")
        self._tasks.add(task)
        self._in_flight[endpoint.id] += 1

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            self._in_flight[endpoint.id] -= 1
            if self._in_flight[endpoint.id] <= 0:
                del self._in_flight[endpoint.id]
            self.wake.set()

        task.add_done_callback(ended)

    async def _deliver(self, endpoint: Target, row: Delivery, body: bytes) -> None:
        result = await self._send(endpoint, row, body)
        verdict = judge(
            result.status,
            result.retry_after,
            done=row.round + 1,
            retries=self._retries,
            chance=self._chance.random(),
            now=self._clock.now(),
        )
        WEBHOOKS_OUT_ATTEMPTS.labels(verdict.outcome).inc()
        WEBHOOKS_OUT_SECONDS.observe(result.milliseconds / 1000)
        try:
            async with self._db.write() as tx:
                await self._record(tx, endpoint, row, result, verdict)
        except Exception as error:
            # The lease runs out and the same id is sent again: late and twice is better than never.
            self._log.warning("webhook attempt not recorded", delivery_id=row.id, error=type(error).__name__)

    async def _send(self, endpoint: Target, row: Delivery, body: bytes) -> _Result:
        now, started = self._clock.now(), time.perf_counter()
        headers = {"content-type": "application/json", "user-agent": "Quanyu-Webhooks/1"}
        headers |= signed_headers(rotation.live(endpoint.secrets, now), row.event_id, now, body)
        status = error = answer = retry_after = None
        try:
            reply = await self._egress.post(endpoint.url, headers=headers, content=body)
            status, retry_after = reply.status, reply.headers.get("retry-after")
            answer = reply.body[:_ANSWER_KEPT].decode("utf-8", "replace").replace("\x00", "")
        except EgressError as failure:
            error = failure.reason
        return _Result(status, error, answer, retry_after, int((time.perf_counter() - started) * 1000))

    async def _record(
        self, tx: Transaction, endpoint: Target, row: Delivery, result: _Result, verdict: Verdict
    ) -> None:
        now = self._clock.now()
        finished = verdict.outcome != "retry"
        values = {
            "status": {"delivered": "delivered", "retry": "pending"}.get(verdict.outcome, "failed"),
            "round": row.round + 1,
            "next_attempt_at": verdict.retry_at,
            "last_status": result.status,
            "last_error": result.error,
            "finished_at": now if finished else None,
        }
        await repository.settle(tx, row.id, row.lease, values)
        attempt = {
            "id": new_id("wha"),
            "delivery_id": row.id,
            "number": row.attempts + 1,
            "at": now,
            "status": result.status,
            "milliseconds": result.milliseconds,
            "error": result.error,
            "answer": result.answer,
        }
        await repository.insert_attempt(tx, attempt)
        well = verdict.outcome == "delivered"
        if well and endpoint.failing_since is None:
            return
        pause = verdict.retry_at if verdict.pause else None
        await repository.update_health(tx, endpoint.id, well=well, pause=pause, now=now)
        reason = self._reason_to_disable(endpoint, verdict)
        if reason is not None and await repository.disable(tx, endpoint.id, reason, now):
            await self._audit_log.record(
                tx, None, "webhook_endpoint.disable", endpoint.id, endpoint.owner_id, reason=reason
            )
            self._log.warning("webhook endpoint disabled", endpoint_id=endpoint.id, reason=reason)

    def _reason_to_disable(self, endpoint: Target, verdict: Verdict) -> str | None:
        if verdict.outcome == "gone":
            return "gone"
        if verdict.outcome == "delivered" or endpoint.failing_since is None:
            return None
        patience = timedelta(days=self._settings.webhooks_out_disable_days)
        return "failing" if self._clock.now() - endpoint.failing_since >= patience else None

    async def prune(self) -> bool:
        """Forget finished deliveries after their time."""
        before = self._clock.now() - timedelta(days=self._settings.webhooks_out_keep_days)
        return await repository.prune_finished(self._db, before)
