"""The SQL of forgetting deliveries and events."""

from datetime import datetime

from sqlalchemy import exists, select

from gateway.webhooks_out.models import Delivery, WebhookEvent
from shared.db import Database, prune


async def prune_held(db: Database, endpoint_id: str, most: int) -> bool:
    """Forget some of the oldest deliveries that are held for an endpoint beyond `most`. True: more may wait."""
    held = (Delivery.c.endpoint_id == endpoint_id) & (Delivery.c.status == "held")
    beyond = select(Delivery.c.created_at).where(held).order_by(Delivery.c.created_at.desc()).offset(most).limit(1)
    async with db.read() as tx:
        newest = await tx.scalars(beyond)
    return bool(newest) and await prune(db, Delivery.table, held & (Delivery.c.created_at <= newest[0]))


async def prune_finished(db: Database, before: datetime) -> bool:
    """Forget some finished deliveries, with their attempts, and events that nothing refers to. True: more may wait."""
    unused = ~exists(select(Delivery.c.id).where(Delivery.c.event_id == WebhookEvent.c.id))
    more = await prune(db, Delivery.table, (Delivery.c.status != "pending") & (Delivery.c.finished_at < before))
    return await prune(db, WebhookEvent.table, (WebhookEvent.c.created_at < before) & unused) or more
