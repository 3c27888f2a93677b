"""One attempt: sent, judged, recorded. Whatever comes of it is an attempt on record, so that none is repeated for ever."""

import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from gateway import rotation
from gateway.audit_log.log import AuditLog
from gateway.metrics import WEBHOOKS_OUT_ATTEMPTS, WEBHOOKS_OUT_SECONDS
from gateway.settings import GatewaySettings
from gateway.webhooks_out import repository
from gateway.webhooks_out.lanes import QUICK_SECONDS
from gateway.webhooks_out.models import Delivery
from gateway.webhooks_out.repository import Target
from gateway.webhooks_out.rules import may_hear
from shared.contracts import WebhookEndpointDisabled
from shared.db import Transaction
from shared.http import EgressClient, EgressError
from shared.ids import new_id
from shared.observability.logging import get_logger
from shared.service import Kit
from shared.webhook_answers import Retries, Verdict, judge
from shared.webhooks import signed_headers

_ANSWER_KEPT = 1000


@dataclass(frozen=True, slots=True)
class _Result:
    """What one attempt brought: a status and the beginning of the answer, or an error."""

    milliseconds: int
    status: int | None = None
    error: str | None = None
    answer: str | None = None
    retry_after: str | None = None


class Delivering:
    """Makes the attempt of a delivery that was claimed."""

    def __init__(self, kit: Kit, settings: GatewaySettings, egress: EgressClient, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._egress = egress
        self._outbox = kit.outbox
        self._audit_log = log
        self._patience = timedelta(days=settings.webhooks_out_disable_days)
        self._retries = Retries(settings.webhooks_out_schedule_seconds, settings.webhooks_out_jitter)
        self._chance = random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._log = get_logger(part="webhooks_out")

    async def deliver(self, endpoint: Target, row: Delivery, body: bytes) -> None:
        """Send, and write down what came of it."""
        if not may_hear(endpoint.scopes, row.event_type):
            return await self._withhold(row)
        started = time.perf_counter()
        try:
            result = await self._send(endpoint, row, body)
            await self._record(endpoint, row, result, self._judged(row, result))
            return
        except Exception as error:
            self._log.exception("webhook attempt ended unexpectedly", delivery_id=row.id)
            kind = type(error).__name__
        result = _Result(_since(started), error=f"The attempt ended in a way that is unexpected: {kind}.")
        try:
            await self._record(endpoint, row, result, self._judged(row, result))
        except Exception as error:
            # The lease runs out and the same id is sent again: late and twice is better than never.
            self._log.warning("webhook attempt not recorded", delivery_id=row.id, error=type(error).__name__)

    async def _withhold(self, row: Delivery) -> None:
        """Not sent: since it was made, somebody with a lesser key has turned the endpoint elsewhere."""
        why = f"The endpoint's scopes do not cover {row.event_type} any more."
        values = {"status": "failed", "next_attempt_at": None, "last_error": why, "finished_at": self._clock.now()}
        async with self._db.write() as tx:
            await repository.settle(tx, row.id, row.lease, values)

    async def _send(self, endpoint: Target, row: Delivery, body: bytes) -> _Result:
        now, started = self._clock.now(), time.perf_counter()
        headers = {"content-type": "application/json", "user-agent": "Quanyu-Webhooks/1"}
        headers |= signed_headers(rotation.live(endpoint.secrets, now), row.event_id, now, body)
        try:
            reply = await self._egress.post(endpoint.url, headers=headers, content=body)
        except EgressError as failure:
            return _Result(_since(started), error=failure.reason)
        answer = reply.body[:_ANSWER_KEPT].decode("utf-8", "replace").replace("\x00", "")
        return _Result(_since(started), reply.status, None, answer, reply.headers.get("retry-after"))

    def _judged(self, row: Delivery, result: _Result) -> Verdict:
        return judge(
            result.status,
            result.retry_after,
            done=row.round + 1,
            retries=self._retries,
            chance=self._chance.random(),
            now=self._clock.now(),
        )

    async def _record(self, endpoint: Target, row: Delivery, result: _Result, verdict: Verdict) -> None:
        async with self._db.write() as tx:
            await self._write_down(tx, endpoint, row, result, verdict)
        WEBHOOKS_OUT_ATTEMPTS.labels(verdict.outcome).inc()
        WEBHOOKS_OUT_SECONDS.observe(result.milliseconds / 1000)

    async def _write_down(
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
        if verdict.outcome == "delivered":
            standing = "quick" if result.milliseconds <= QUICK_SECONDS * 1000 else "slow"
            if endpoint.failing_since is not None or endpoint.standing != standing:
                await repository.note_success(tx, endpoint.id, standing)
            return
        await repository.note_failure(tx, endpoint.id, verdict.retry_at if verdict.pause else None, now)
        if verdict.outcome == "gone":
            if await repository.disable(tx, endpoint.id, "gone", now):
                await self._tell(tx, endpoint, "gone")
        # Asked of the row: since the attempt began the endpoint may have answered, or been enabled anew.
        elif await repository.disable(tx, endpoint.id, "failing", now, failing_before=now - self._patience):
            await self._tell(tx, endpoint, "failing")

    async def _tell(self, tx: Transaction, endpoint: Target, reason: Literal["gone", "failing"]) -> None:
        """That an endpoint is disabled: in the audit log, in ours, and to its owner's other endpoints."""
        event = WebhookEndpointDisabled(
            endpoint_id=endpoint.id, owner_id=endpoint.owner_id, reason=reason, failing_since=endpoint.failing_since
        )
        await self._outbox.publish(tx, [event])
        await self._audit_log.record(
            tx, None, "webhook_endpoint.disable", endpoint.id, endpoint.owner_id, reason=reason
        )
        self._log.warning("webhook endpoint disabled", endpoint_id=endpoint.id, reason=reason)


def _since(started: float) -> int:
    return int((time.perf_counter() - started) * 1000)
