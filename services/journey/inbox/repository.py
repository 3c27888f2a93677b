"""The SQL of customers' inboxes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import and_, select, update

from services.journey.inbox.models import InboxMessage
from shared.db import Transaction, insert_ignore
from shared.web import Page, Paging, page_of

V = TypeVar("V")


async def page(
    tx: Transaction, customer_id: str, unread: bool | None, paging: Paging, to_view: Callable[[InboxMessage], V]
) -> Page[V]:
    """A customer's messages, newest first; only the unread, or only the read ones, when asked."""
    statement = select(InboxMessage.table).where(InboxMessage.c.customer_id == customer_id)
    if unread is not None:
        read_at = InboxMessage.c.read_at
        statement = statement.where(read_at.is_(None) if unread else read_at.is_not(None))
    return await page_of(tx, InboxMessage, statement, InboxMessage.c.id, paging, to_view)


async def insert_messages(tx: Transaction, messages: Sequence[Mapping[str, Any]]) -> None:
    """One for each message of the ledger, under the same id."""
    rows = [
        {
            "id": message["id"],
            "customer_id": message["customer_id"],
            "journey_id": message["journey_id"],
            "run_id": message["run_id"],
            "subject": message["payload"]["subject"],
            "body": message["payload"]["body"],
            "created_at": message["created_at"],
        }
        for message in messages
    ]
    await insert_ignore(tx, InboxMessage.table, rows)


async def mark_read(tx: Transaction, customer_id: str, message_id: str, now: datetime) -> InboxMessage | None:
    """The message, read now if it was not read before; None when the customer has no such message."""
    mine = and_(InboxMessage.c.id == message_id, InboxMessage.c.customer_id == customer_id)
    await tx.run(update(InboxMessage.table).where(mine, InboxMessage.c.read_at.is_(None)).values(read_at=now))
    return await tx.row(InboxMessage, select(InboxMessage.table).where(mine))
