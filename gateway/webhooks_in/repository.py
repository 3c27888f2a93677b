"""The SQL of incoming webhooks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from gateway.webhooks_in.models import Received, Source
from shared.db import Transaction, insert_ignore, table
from shared.web import Caller

SOURCES, RECEIVED = table(Source), table(Received)
_PRUNE_BATCH = 1000


# sources


def visible(statement: Any, caller: Caller) -> Any:
    """The wall between owners: the merchant's secret keys see all sources, every other key its own owner's."""
    statement = statement.where(SOURCES.c.status != "deleted")
    return statement if caller.kind == "secret" else statement.where(SOURCES.c.owner_id == caller.owner_id)


async def source(tx: Transaction, source_id: str, caller: Caller) -> Row[Any] | None:
    statement = visible(select(SOURCES).where(SOURCES.c.id == source_id), caller)
    return (await tx.execute(statement)).one_or_none()


async def posted_to(tx: Transaction, source_id: str) -> Row[Any] | None:
    """The source behind a URL, for whoever posts there."""
    columns = (SOURCES.c.id, SOURCES.c.scheme, SOURCES.c.secrets, SOURCES.c.maps_to, SOURCES.c.status)
    statement = select(*columns).where(SOURCES.c.id == source_id, SOURCES.c.status != "deleted")
    return (await tx.execute(statement)).one_or_none()


async def add_source(tx: Transaction, row: Mapping[str, Any]) -> None:
    await tx.execute(insert(SOURCES).values(**row))


async def change_source(tx: Transaction, source_id: str, values: Mapping[str, Any]) -> None:
    await tx.execute(update(SOURCES).where(SOURCES.c.id == source_id, SOURCES.c.status != "deleted").values(**values))


async def swap_secrets(
    tx: Transaction, source_id: str, seen_at: datetime, secrets: list[dict[str, Any]], now: datetime
) -> bool:
    """Replace the secrets unless the source was changed since `seen_at`."""
    chosen = update(SOURCES).where(
        SOURCES.c.id == source_id, SOURCES.c.changed_at == seen_at, SOURCES.c.status != "deleted"
    )
    return (await tx.execute(chosen.values(secrets=secrets, changed_at=now))).rowcount > 0


async def note_failures(tx: Transaction, source_id: str, count: int, at: datetime, why: str) -> None:
    """Add to the count of unproven deliveries."""
    counted = SOURCES.c.signature_failures + count
    values = {"signature_failures": counted, "last_failure_at": at, "last_failure": why}
    await tx.execute(update(SOURCES).where(SOURCES.c.id == source_id).values(**values))


# deliveries


async def record(tx: Transaction, row: Mapping[str, Any]) -> bool:
    """Write a delivery down with what it becomes. False when it was accepted before: then it is only counted.

    One that was ignored, refused or met a pause is decided anew: the mapping may have been mended since.
    """
    if await insert_ignore(tx, RECEIVED, [row]):
        return True
    same = (RECEIVED.c.source_id == row["source_id"]) & (RECEIVED.c.delivery_id == row["delivery_id"])
    again = {"times": RECEIVED.c.times + 1, "last_at": row["last_at"]}
    decided = {name: row[name] for name in ("outcome", "code", "detail", "their_type", "event_type", "order_id")}
    undecided = update(RECEIVED).where(same, RECEIVED.c.outcome != "accepted")
    if (await tx.execute(undecided.values(**again, **decided, body_hash=row["body_hash"]))).rowcount:
        return True
    await tx.execute(update(RECEIVED).where(same).values(**again))
    return False


async def note_message(tx: Transaction, source_id: str, delivery_id: str, message_id: str) -> None:
    same = (RECEIVED.c.source_id == source_id) & (RECEIVED.c.delivery_id == delivery_id)
    await tx.execute(update(RECEIVED).where(same).values(message_id=message_id))


async def prune(tx: Transaction, before: datetime) -> bool:
    """Forget deliveries that have not come since `before`. True when there may be more."""
    chosen = select(RECEIVED.c.id).where(RECEIVED.c.last_at < before).limit(_PRUNE_BATCH)
    ids = [row.id for row in await tx.execute(chosen)]
    await tx.execute(delete(RECEIVED).where(RECEIVED.c.id.in_(ids)))
    return len(ids) == _PRUNE_BATCH
