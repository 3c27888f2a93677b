"""What attempts brought, written down: those that end at about the same time share a transaction (ADR 0002)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gateway.audit_log.log import AuditLog
from gateway.metrics import WEBHOOKS_OUT_ATTEMPTS, WEBHOOKS_OUT_SECONDS
from gateway.settings import GatewaySettings
from gateway.webhooks_out import attempts_repository, repository
from gateway.webhooks_out.lanes import QUICK_SECONDS
from gateway.webhooks_out.models import Delivery
from gateway.webhooks_out.repository import Target
from shared.batching import GroupCommit
from shared.contracts import WebhookEndpointDisabled
from shared.db import Transaction
from shared.ids import new_id
from shared.observability.logging import get_logger
from shared.service import Kit
from shared.webhook_answers import Verdict


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What one attempt brought: a status and the beginning of the answer, or an error."""

    milliseconds: int
    status: int | None = None
    error: str | None = None
    answer: str | None = None
    retry_after: str | None = None
    head: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An attempt that is over, at the instant `at`."""

    endpoint: Target
    row: Delivery
    result: AttemptResult
    verdict: Verdict
    at: datetime

    @property
    def delivered(self) -> bool:
        """It was answered well."""
        return self.verdict.outcome == "delivered"

    @property
    def standing(self) -> Literal["quick", "slow"]:
        """How the endpoint answered."""
        return "quick" if self.result.milliseconds <= QUICK_SECONDS * 1000 else "slow"


class AttemptRecords:
    """Writes attempts down. Enter `group.running()` for as long as some may end."""

    def __init__(self, kit: Kit, settings: GatewaySettings, log: AuditLog) -> None:
        self._outbox = kit.outbox
        self._audit_log = log
        self._patience = timedelta(days=settings.webhooks_out_disable_days)
        self.group: GroupCommit[EndedAttempt, None] = GroupCommit("webhook attempts", kit.db, self._write_down)
        self._log = get_logger(part="webhooks_out")

    async def record(self, ended: EndedAttempt) -> None:
        """Durable when this returns. Raises what the database says."""
        await self.group.submit(ended)
        WEBHOOKS_OUT_ATTEMPTS.labels(ended.verdict.outcome).inc()
        WEBHOOKS_OUT_SECONDS.observe(ended.result.milliseconds / 1000)

    async def _write_down(self, tx: Transaction, requests: Sequence[EndedAttempt]) -> list[None]:
        # In one order everywhere, so that two workers never wait for each other's endpoints.
        some = sorted(requests, key=lambda one: one.endpoint.id)
        delivered: defaultdict[int | None, list[tuple[str, str | None]]] = defaultdict(list)
        for one in some:
            if one.delivered:
                delivered[one.result.status].append((one.row.id, one.row.lease))
            else:
                await repository.settle(tx, one.row.id, one.row.lease, _unsuccessful(one))
        for status, rows in delivered.items():
            await attempts_repository.settle_delivered(tx, rows, status, max(one.at for one in some))
        await attempts_repository.insert_attempts(tx, [_attempt(one) for one in some])
        noted: set[tuple[str, str]] = set()
        for one in some:
            if not one.delivered:
                noted -= {(one.endpoint.id, "quick"), (one.endpoint.id, "slow")}
                await self._note_failure(tx, one)
            elif (one.endpoint.id, one.standing) not in noted:
                noted.add((one.endpoint.id, one.standing))
                if one.endpoint.failing_since is not None or one.endpoint.standing != one.standing:
                    await repository.note_success(tx, one.endpoint.id, one.standing)
        return [None] * len(requests)

    async def _note_failure(self, tx: Transaction, one: EndedAttempt) -> None:
        endpoint, verdict, now = one.endpoint, one.verdict, one.at
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


def _unsuccessful(one: EndedAttempt) -> dict[str, object]:
    again = one.verdict.outcome == "retry"
    return {
        "status": "pending" if again else "failed",
        "round": one.row.round + 1,
        "next_attempt_at": one.verdict.retry_at,
        "last_status": one.result.status,
        "last_error": one.result.error,
        "finished_at": None if again else one.at,
    }


def _attempt(one: EndedAttempt) -> dict[str, object]:
    return {
        "id": new_id("wha"),
        "delivery_id": one.row.id,
        "number": one.row.attempts + 1,
        "at": one.at,
        "status": one.result.status,
        "milliseconds": one.result.milliseconds,
        "error": one.result.error,
        "answer": one.result.answer,
        "head": one.result.head,
    }
