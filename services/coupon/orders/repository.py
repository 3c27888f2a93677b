"""The SQL of the order system's messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from services.coupon.orders.models import OrderMessage
from services.coupon.orders.schemas import OrderMessageView
from shared.db import Database, Transaction, prune
from shared.web import Page, Paging, filtered, page_of

_ALL = select(OrderMessage.table)


async def insert_message(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Write down a message and what became of it."""
    await tx.run(insert(OrderMessage.table), row)


async def forget_unmatched(db: Database, before: datetime) -> bool:
    """Delete some of those that matched no checkout and came before. True: more may wait."""
    return await prune(
        db, OrderMessage.table, (OrderMessage.c.outcome == "unmatched") & (OrderMessage.c.received_at < before)
    )


async def find(tx: Transaction, message_id: str) -> OrderMessage | None:
    """One message, or None."""
    return await tx.row(OrderMessage, _ALL.where(OrderMessage.c.id == message_id))


async def page(
    tx: Transaction, paging: Paging, order_id: str | None, name: str | None, outcome: str | None
) -> Page[OrderMessageView]:
    """Newest first."""
    wanted = {OrderMessage.c.order_id: order_id, OrderMessage.c.name: name, OrderMessage.c.outcome: outcome}
    chosen = filtered(_ALL, wanted)
    return await page_of(tx, OrderMessage, chosen, OrderMessage.c.id, paging, OrderMessageView.model_validate)
