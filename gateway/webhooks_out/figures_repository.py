"""The SQL of what is counted of outgoing webhooks when Prometheus asks: never a look at every delivery."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, func, or_, select

from gateway.webhooks_out.models import Delivery, Endpoint
from gateway.webhooks_out.repository import served
from shared.db import Transaction

MOST_LOOKED_AT = 1_000


class Pressing(NamedTuple):
    """When the first attempt of all should have been made, and the age of the oldest event that waits for one."""

    due_at: datetime | None
    oldest_at: datetime | None


async def pressing(tx: Transaction, now: datetime) -> Pressing:
    """Of MOST_LOOKED_AT endpoints that are served and have not asked for a pause: two looks into an index for each."""
    mine = (Delivery.c.endpoint_id == Endpoint.c.id, Delivery.c.status == "pending")
    due = select(func.min(Delivery.c.next_attempt_at)).where(*mine).scalar_subquery()
    oldest = select(func.min(Delivery.c.created_at)).where(*mine).scalar_subquery()
    awake = or_(Endpoint.c.paused_until.is_(None), Endpoint.c.paused_until <= now)
    looked_at = select(due.label("due_at"), oldest.label("oldest_at")).where(served(now), awake)
    each = looked_at.limit(MOST_LOOKED_AT).subquery()
    found = await tx.row(
        Pressing, select(func.min(each.c.due_at).label("due_at"), func.min(each.c.oldest_at).label("oldest_at"))
    )
    return found or Pressing(None, None)


class _Counted(NamedTuple):
    state: str
    number: int


async def count_states(tx: Transaction) -> dict[str, int]:
    """How many endpoints are well, failing and disabled."""
    state = case(
        (Endpoint.c.status == "disabled", "disabled"), (Endpoint.c.failing_since.is_not(None), "failing"), else_="well"
    )
    counted = select(state.label("state"), func.count().label("number")).where(Endpoint.c.status != "deleted")
    rows = await tx.rows(_Counted, counted.group_by(state))
    return {"well": 0, "failing": 0, "disabled": 0} | {row.state: row.number for row in rows}
