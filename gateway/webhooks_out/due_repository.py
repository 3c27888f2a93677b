"""The SQL of when something is to be sent next."""

from datetime import datetime

from sqlalchemy import case, func, select

from gateway.webhooks_out.models import Delivery, Endpoint
from gateway.webhooks_out.repository import served
from shared.db import Transaction


async def next_due(tx: Transaction, now: datetime, *, leases: bool) -> datetime | None:
    """When something may be due for an endpoint that is served: an attempt, or the end of its pause, or its turn when it wants
    only so many a second; with `leases` also the end of one that a worker left behind, for which everything is read that was
    due by now.
    """
    pending = (Delivery.c.endpoint_id == Endpoint.c.id) & (Delivery.c.status == "pending")
    instants = [
        select(func.min(Delivery.c.next_attempt_at)).where(pending, Delivery.c.next_attempt_at > now).scalar_subquery(),
        case((Endpoint.c.paused_until > now, Endpoint.c.paused_until)),
        case((Endpoint.c.paced_until > now, Endpoint.c.paced_until)),
    ]
    if leases:
        left = (Delivery.c.next_attempt_at <= now) & (Delivery.c.lease_until >= now)
        instants.append(select(func.min(Delivery.c.lease_until)).where(pending, left).scalar_subquery())
    found = [await tx.scalar(select(func.min(instant)).where(served(now))) for instant in instants]
    return min((at for at in found if at is not None), default=None)
