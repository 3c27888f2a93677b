"""The SQL of attempts on record, many at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from gateway.webhooks_out.models import Attempt, Delivery
from shared.db import Transaction, one_of


async def settle_delivered(
    tx: Transaction, claimed: Sequence[tuple[str, str | None]], status: int | None, now: datetime
) -> None:
    """Deliveries, each with the lease it was claimed under, that were answered with `status`, a good one.

    One whose lease has run out, or been taken away, is left to whoever holds it now.
    """
    mine = update(Delivery.table).where(
        one_of(Delivery.c.id, [one for one, _ in claimed]), one_of((Delivery.c.id, Delivery.c.lease), claimed)
    )
    values = {"status": "delivered", "next_attempt_at": None, "last_status": status, "last_error": None}
    counted = {"attempts": Delivery.c.attempts + 1, "round": Delivery.c.round + 1, "lease": None, "lease_until": None}
    await tx.run(mine.values(**values, **counted, finished_at=now))


async def insert_attempts(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append what tries brought."""
    await tx.run(insert(Attempt.table).values([dict(row) for row in rows]))


async def attempts(tx: Transaction, delivery_id: str) -> list[Attempt]:
    """The last fifty of a delivery, newest first."""
    statement = select(Attempt.table).where(Attempt.c.delivery_id == delivery_id)
    return await tx.rows(Attempt, statement.order_by(Attempt.c.id.desc()).limit(50))
