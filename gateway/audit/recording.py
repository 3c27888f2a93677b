"""Writes the audit log, in the transaction of what it tells."""

from typing import Any

from sqlalchemy import insert

from gateway.audit.models import AuditEntry
from shared.clock import Clock
from shared.db import Transaction, table
from shared.ids import new_id
from shared.observability.context import current_cause
from shared.web import Caller

AUDIT = table(AuditEntry)


class Auditor:
    """`record(tx, caller, "key.revoke", key_id)`; `detail` never holds a secret."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def record(
        self,
        tx: Transaction,
        caller: Caller | None,
        action: str,
        object_id: str,
        owner_id: str | None = None,
        **detail: Any,
    ) -> None:
        """`owner_id` is who may see the entry, the caller's owner unless given."""
        row = {
            "id": new_id("aud"),
            "at": self._clock.now(),
            "actor_key_id": caller.key_id if caller else None,
            "owner_id": owner_id or (caller.owner_id if caller else None),
            "action": action,
            "object_id": object_id,
            "request_id": current_cause.get().correlation_id,
            "detail": detail,
        }
        await tx.execute(insert(AUDIT).values(**row))
