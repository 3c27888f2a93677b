"""The SQL of the audit log."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import insert, select

from gateway.audit_log.models import AuditEntry
from shared.db import Transaction
from shared.web import Page, Paging, filtered, page_of

T = TypeVar("T")


async def insert_entry(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Append one entry."""
    await tx.run(insert(AuditEntry.table).values(**row))


async def page(
    tx: Transaction,
    owner_id: str | None,
    object_id: str | None,
    action: str | None,
    paging: Paging,
    to_view: Callable[[AuditEntry], T],
) -> Page[T]:
    """Entries, newest first; None asks for all."""
    wanted = {AuditEntry.c.owner_id: owner_id, AuditEntry.c.object_id: object_id, AuditEntry.c.action: action}
    statement = filtered(select(AuditEntry.table), wanted)
    return await page_of(tx, AuditEntry, statement, AuditEntry.c.id, paging, to_view)
