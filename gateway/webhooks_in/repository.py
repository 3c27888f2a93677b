"""The SQL of incoming webhooks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

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


async def record(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Write deliveries down with what they become. False for one that was accepted before: it is only counted.

    One that was ignored, refused or met a pause is decided anew: the mapping may have been mended since.
    """
    # In one order, so that two processes with the same deliveries never wait for each other in a circle.
    ordered = sorted(range(len(rows)), key=lambda index: (rows[index]["source_id"], rows[index]["delivery_id"]))
    new = {key for (key,) in await insert_ignore(tx, RECEIVED, [rows[index] for index in ordered])}
    fresh = [row["id"] in new for row in rows]
    for index in ordered:
        if not fresh[index]:
            fresh[index] = await _again(tx, rows[index])
    return fresh


async def _again(tx: Transaction, row: Mapping[str, Any]) -> bool:
    same = (RECEIVED.c.source_id == row["source_id"]) & (RECEIVED.c.delivery_id == row["delivery_id"])
    counted = {"times": RECEIVED.c.times + 1, "last_at": row["last_at"]}
    decided = {name: row[name] for name in ("outcome", "code", "detail", "their_type", "event_type", "order_id")}
    undecided = update(RECEIVED).where(same, RECEIVED.c.outcome != "accepted")
    if (await tx.execute(undecided.values(**counted, **decided, body_hash=row["body_hash"]))).rowcount:
        return True
    await tx.execute(update(RECEIVED).where(same).values(**counted))
    return False


_NOTE_MESSAGE = (
    update(RECEIVED)
    .where(RECEIVED.c.source_id == bindparam("of_source"), RECEIVED.c.delivery_id == bindparam("of_delivery"))
    .values(message_id=bindparam("told_as"))
)


async def note_messages(tx: Transaction, told: Sequence[tuple[str, str, str]]) -> None:
    """Which message each delivery became: source, delivery, message."""
    if told:
        names = ("of_source", "of_delivery", "told_as")
        await tx.execute(_NOTE_MESSAGE, [dict(zip(names, one, strict=True)) for one in told])


async def prune(tx: Transaction, before: datetime) -> bool:
    """Forget deliveries that have not come since `before`. True when there may be more."""
    chosen = select(RECEIVED.c.id).where(RECEIVED.c.last_at < before).limit(_PRUNE_BATCH)
    ids = [row.id for row in await tx.execute(chosen)]
    await tx.execute(delete(RECEIVED).where(RECEIVED.c.id.in_(ids)))
    return len(ids) == _PRUNE_BATCH
