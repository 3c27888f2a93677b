"""The SQL of outgoing webhooks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, exists, func, insert, or_, select, update

from gateway.webhooks_out.models import Attempt, Delivery, Endpoint, WebhookEvent
from shared.db import Transaction, claim_due, insert_ignore, table
from shared.web import Caller

ENDPOINTS, EVENTS = table(Endpoint), table(WebhookEvent)
DELIVERIES, ATTEMPTS = table(Delivery), table(Attempt)
_PRUNE_BATCH = 1000


# endpoints


def visible(statement: Any, caller: Caller) -> Any:
    """The wall between owners: the merchant's secret keys see all endpoints, every other key its own owner's."""
    statement = statement.where(ENDPOINTS.c.status != "deleted")
    return statement if caller.kind == "secret" else statement.where(ENDPOINTS.c.owner_id == caller.owner_id)


async def endpoint(tx: Transaction, endpoint_id: str, caller: Caller) -> Row[Any] | None:
    statement = visible(select(ENDPOINTS).where(ENDPOINTS.c.id == endpoint_id), caller)
    return (await tx.execute(statement)).one_or_none()


async def add_endpoint(tx: Transaction, row: Mapping[str, Any]) -> None:
    await tx.execute(insert(ENDPOINTS).values(**row))


async def change_endpoint(tx: Transaction, endpoint_id: str, values: Mapping[str, Any]) -> bool:
    chosen = update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint_id, ENDPOINTS.c.status != "deleted")
    return (await tx.execute(chosen.values(**values))).rowcount > 0


async def swap_secrets(
    tx: Transaction, endpoint_id: str, seen_at: datetime, secrets: Sequence[Mapping[str, Any]], now: datetime
) -> bool:
    """Replace the secrets unless the endpoint was changed since `seen_at`."""
    chosen = update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint_id, ENDPOINTS.c.changed_at == seen_at)
    return (await tx.execute(chosen.values(secrets=list(secrets), changed_at=now))).rowcount > 0


async def listening(tx: Transaction) -> Sequence[Row[Any]]:
    """The enabled endpoints with their patterns."""
    statement = select(ENDPOINTS.c.id, ENDPOINTS.c.events).where(ENDPOINTS.c.status == "enabled")
    return (await tx.execute(statement)).all()


async def disable(tx: Transaction, endpoint_id: str, reason: str, now: datetime) -> bool:
    """Disable an enabled endpoint and give up what waits for it. False when it was not enabled (any more)."""
    chosen = update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint_id, ENDPOINTS.c.status == "enabled")
    values = {"status": "disabled", "disabled_reason": reason, "changed_at": now}
    if not (await tx.execute(chosen.values(**values))).rowcount:
        return False
    await give_up(tx, endpoint_id, f"endpoint disabled: {reason}", now)
    return True


async def give_up(tx: Transaction, endpoint_id: str, why: str, now: datetime) -> None:
    waiting = (DELIVERIES.c.endpoint_id == endpoint_id) & (DELIVERIES.c.status == "pending")
    await tx.execute(
        update(DELIVERIES)
        .where(waiting)
        .values(status="failed", last_error=why, next_attempt_at=None, lease=None, lease_until=None, finished_at=now)
    )


async def note_health(tx: Transaction, endpoint_id: str, *, well: bool, pause: datetime | None, now: datetime) -> None:
    """Remember since when an endpoint has been failing, and what pause it asked for."""
    mine = update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint_id)
    if well:
        troubled = or_(ENDPOINTS.c.failing_since.is_not(None), ENDPOINTS.c.paused_until.is_not(None))
        await tx.execute(mine.where(troubled).values(failing_since=None, paused_until=None))
        return
    await tx.execute(mine.where(ENDPOINTS.c.failing_since.is_(None)).values(failing_since=now))
    if pause is not None:
        await tx.execute(mine.values(paused_until=pause))


# deliveries


async def add_event(tx: Transaction, row: Mapping[str, Any]) -> None:
    await insert_ignore(tx, EVENTS, [row])


async def add_deliveries(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> int:
    """One per endpoint and event, however often the event comes; answers how many were new."""
    return len(await insert_ignore(tx, DELIVERIES, rows))


async def delivery(tx: Transaction, delivery_id: str, caller: Caller) -> Row[Any] | None:
    mine = select(DELIVERIES).join(ENDPOINTS, ENDPOINTS.c.id == DELIVERIES.c.endpoint_id)
    return (await tx.execute(visible(mine.where(DELIVERIES.c.id == delivery_id), caller))).one_or_none()


async def payload(tx: Transaction, event_id: str) -> bytes:
    return bytes(await tx.scalar(select(EVENTS.c.body).where(EVENTS.c.id == event_id)))


async def attempts(tx: Transaction, delivery_id: str) -> Sequence[Row[Any]]:
    statement = select(ATTEMPTS).where(ATTEMPTS.c.delivery_id == delivery_id).order_by(ATTEMPTS.c.id.desc()).limit(50)
    return (await tx.execute(statement)).all()


async def replay(tx: Transaction, delivery_id: str, now: datetime) -> bool:
    """Make a delivery due at once, with its schedule begun anew. False while an attempt is under way."""
    free = or_(DELIVERIES.c.lease_until.is_(None), DELIVERIES.c.lease_until < now)
    chosen = update(DELIVERIES).where(DELIVERIES.c.id == delivery_id, free)
    values = {"status": "pending", "round": 0, "next_attempt_at": now, "lease": None, "lease_until": None}
    return (await tx.execute(chosen.values(**values, finished_at=None))).rowcount > 0


def _due(now: datetime) -> Any:
    free = or_(DELIVERIES.c.lease_until.is_(None), DELIVERIES.c.lease_until < now)
    return (DELIVERIES.c.status == "pending") & (DELIVERIES.c.next_attempt_at <= now) & free


async def endpoints_with_work(tx: Transaction, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Endpoints that something is due for, longest waiting first, with what is needed to call them."""
    waiting = func.min(DELIVERIES.c.next_attempt_at).label("since")
    due = select(DELIVERIES.c.endpoint_id, waiting).where(_due(now)).group_by(DELIVERIES.c.endpoint_id).subquery()
    columns = (ENDPOINTS.c.id, ENDPOINTS.c.owner_id, ENDPOINTS.c.url, ENDPOINTS.c.secrets, ENDPOINTS.c.failing_since)
    awake = or_(ENDPOINTS.c.paused_until.is_(None), ENDPOINTS.c.paused_until <= now)
    statement = (
        select(*columns)
        .join(due, due.c.endpoint_id == ENDPOINTS.c.id)
        .where(ENDPOINTS.c.status == "enabled", awake)
        .order_by(due.c.since)
        .limit(limit)
    )
    return (await tx.execute(statement)).all()


async def claim(
    tx: Transaction, endpoint_id: str, now: datetime, limit: int, lease: str, until: datetime
) -> list[Delivery]:
    """Take due deliveries of one endpoint. A lease that ran out is free again: its worker died between send and record."""
    return await claim_due(
        tx,
        Delivery,
        where=_due(now) & (DELIVERIES.c.endpoint_id == endpoint_id),
        order_by=DELIVERIES.c.next_attempt_at,
        limit=limit,
        values={"lease": lease, "lease_until": until},
    )


async def bodies(tx: Transaction, event_ids: Sequence[str]) -> dict[str, bytes]:
    statement = select(EVENTS.c.id, EVENTS.c.body).where(EVENTS.c.id.in_(event_ids))
    return {row.id: bytes(row.body) for row in await tx.execute(statement)}


async def settle(tx: Transaction, delivery_id: str, lease: str, values: Mapping[str, Any]) -> bool:
    """Record an attempt's end if this worker still holds the delivery: its lease may have run out, or been taken away."""
    chosen = update(DELIVERIES).where(DELIVERIES.c.id == delivery_id, DELIVERIES.c.lease == lease)
    counted = {"attempts": DELIVERIES.c.attempts + 1, "lease": None, "lease_until": None}
    return (await tx.execute(chosen.values(**counted, **values))).rowcount > 0


async def add_attempt(tx: Transaction, row: Mapping[str, Any]) -> None:
    await tx.execute(insert(ATTEMPTS).values(**row))


async def prune(tx: Transaction, before: datetime) -> bool:
    """Forget finished deliveries and events that nothing refers to. True when there may be more."""
    old = (DELIVERIES.c.status != "pending") & (DELIVERIES.c.finished_at < before)
    chosen = select(DELIVERIES.c.id).where(old).limit(_PRUNE_BATCH)
    ids = [row.id for row in await tx.execute(chosen)]
    await tx.execute(delete(ATTEMPTS).where(ATTEMPTS.c.delivery_id.in_(ids)))
    await tx.execute(delete(DELIVERIES).where(DELIVERIES.c.id.in_(ids)))
    unused = ~exists(select(DELIVERIES.c.id).where(DELIVERIES.c.event_id == EVENTS.c.id))
    await tx.execute(delete(EVENTS).where(EVENTS.c.created_at < before, unused))
    return len(ids) == _PRUNE_BATCH
