"""Writes the audit log, in the transaction of what it tells, and shows it."""

from typing import Any

from gateway.audit_log import repository
from gateway.audit_log.schemas import AuditView
from shared.db import Transaction
from shared.ids import new_id
from shared.observability.context import current_cause
from shared.service import Kit
from shared.web import Caller, Page, Paging


class AuditLog:
    """`record(tx, caller, "key.revoke", key_id)`; `detail` never holds a secret."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db
        self._clock = kit.clock

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
        await repository.insert_entry(tx, row)

    async def page(self, caller: Caller, paging: Paging, object_id: str | None, action: str | None) -> Page[AuditView]:
        """The merchant's secret keys see all entries, every other key its own owner's."""
        owner_id = None if caller.sees_all else caller.owner_id
        async with self._db.read() as tx:
            return await repository.page(tx, owner_id, object_id, action, paging, AuditView.model_validate)
