"""Puts messages into customers' inboxes."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.journey.inbox.models import InboxMessage
from shared.db import Transaction, insert_ignore, table

INBOX = table(InboxMessage)


async def deliver(tx: Transaction, sends: Sequence[Mapping[str, Any]]) -> None:
    """One row for each send of the ledger, under the send's id."""
    rows = [
        {
            "id": send["id"],
            "customer_id": send["customer_id"],
            "journey_id": send["journey_id"],
            "run_id": send["run_id"],
            "subject": send["payload"]["subject"],
            "body": send["payload"]["body"],
            "created_at": send["created_at"],
        }
        for send in sends
    ]
    await insert_ignore(tx, INBOX, rows)
