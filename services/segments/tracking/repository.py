"""The SQL of dead letters."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select

from services.segments.tracking.models import RejectedEvent
from services.segments.tracking.schemas import RejectView
from shared.db import Transaction
from shared.web import Page, Paging, filtered, page_of, visible


async def insert_rejected(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep rejected items with their reasons."""
    if rows:
        await tx.run(insert(RejectedEvent.table), list(rows))


async def page(tx: Transaction, paging: Paging, code: str | None, message_id: str | None) -> Page[RejectView]:
    """Newest first."""
    wanted = {RejectedEvent.c.code: code, RejectedEvent.c.message_id: message_id}
    chosen = visible(filtered(select(RejectedEvent.table), wanted), RejectedEvent.c.owner_id, paging.caller)
    return await page_of(tx, RejectedEvent, chosen, RejectedEvent.c.id, paging, RejectView.model_validate)
