"""The SQL of events and dead letters."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import insert, update

from services.segments.sets import insert_new
from services.segments.tracking.models import RejectedEvent, StoredEvent
from services.segments.tracking.rules import Item
from shared.db import Transaction, json_dumps, table

event = table(StoredEvent)
rejected_event = table(RejectedEvent)


async def store(tx: Transaction, items: Sequence[Item]) -> set[str]:
    """Insert events; answers the message ids that are new. Sorted, so that two transactions never wait for each other."""
    rows = [_row(item) for item in sorted(items, key=lambda item: item.message_id)]
    return await insert_new(tx, event, rows, event.c.message_id)


def _row(item: Item) -> dict[str, Any]:
    return {
        "message_id": item.message_id,
        "uid": item.uid,
        "type": item.type,
        "name": item.name,
        "user_id": item.user_id,
        "anonymous_id": item.anonymous_id,
        "order_id": item.order_id,
        "ts": item.ts,
        "received_at": item.received_at,
        "history": item.history,
        "properties": _json(item.properties),
        "traits": _json(item.traits) if item.traits else None,
        "context": _json(item.context) if item.context else None,
        "facts": item.facts or None,
    }


def _json(value: dict[str, Any]) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a whole number beyond 64 bits, which only imports can bring
        return json_dumps(value)


async def move_events(tx: Transaction, joined: Mapping[int, int]) -> None:
    """The events of joined profiles belong to their users now."""
    for loser, winner in sorted(joined.items()):
        await tx.execute(update(event).where(event.c.uid == loser).values(uid=winner))


async def bury(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep rejected items with their reasons."""
    if rows:
        await tx.execute(insert(rejected_event), list(rows))
