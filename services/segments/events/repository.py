"""The SQL of events."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from services.segments.events.models import StoredEvent
from services.segments.events.rules import Item
from services.segments.rule_language.measures import Facts
from shared.db import Transaction, insert_bulk, json_dumps, one_of


class Happened(NamedTuple):
    """An event as the measures see it."""

    uid: int
    name: str
    ts: int
    facts: Facts | None


class Activity(NamedTuple):
    """How many events somebody has, and when (µs) the last of them happened."""

    events: int
    last: int | None


class Stored(NamedTuple):
    """Message ids that are new, and the profiles that lost an event to them: what a shopper told gave way."""

    fresh: set[str]
    displaced: set[int]


class _Displaced(NamedTuple):
    message_id: str
    uid: int


_DISPLACE = (
    delete(StoredEvent.table)
    .where(
        ~StoredEvent.c.vouched,
        or_(one_of(StoredEvent.c.message_id, "message_ids"), one_of(StoredEvent.c.order_id, "order_ids")),
    )
    .returning(StoredEvent.c.message_id, StoredEvent.c.uid)
)
_HAPPENED = select(StoredEvent.c.uid, StoredEvent.c.name, StoredEvent.c.ts, StoredEvent.c.facts).where(
    one_of(StoredEvent.c.uid, "uids"), one_of(StoredEvent.c.name, "names")
)
_HAPPENED_SINCE = _HAPPENED.where(StoredEvent.c.ts >= bindparam("since"))


async def insert_events(tx: Transaction, items: Sequence[Item]) -> Stored:
    """Store events; a repeat of a message id or an order is left out, but what a shopper told gives way to the merchant.

    The row that gives way keeps its keys until this transaction ends, so nobody slips in between.
    """
    fresh = await _insert(tx, items)
    refused = [item for item in items if item.vouched and item.message_id not in fresh]
    if not refused:
        return Stored(fresh, set())
    keys = {
        "message_ids": [item.message_id for item in refused],
        "order_ids": [item.order_id for item in refused if item.order_id is not None],
    }
    gone = await tx.rows(_Displaced, _DISPLACE, keys)
    fresh -= {one.message_id for one in gone}
    if gone:
        fresh |= await _insert(tx, refused)
    return Stored(fresh, {one.uid for one in gone})


async def _insert(tx: Transaction, items: Sequence[Item]) -> set[str]:
    """Answers the message ids that are new. Sorted, so that two transactions never wait for each other."""
    rows = [_row(item) for item in sorted(items, key=lambda item: item.message_id)]
    fresh = await insert_bulk(tx, StoredEvent.table, rows, ignore=True, returning=["message_id"])
    return {message_id for (message_id,) in fresh}


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
        "vouched": item.vouched,
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


async def update_owners(tx: Transaction, joined: Mapping[int, int]) -> None:
    """The events of joined profiles belong to their users now."""
    for loser, winner in sorted(joined.items()):
        await tx.run(update(StoredEvent.table).where(StoredEvent.c.uid == loser).values(uid=winner))


async def find_happened(
    tx: Transaction, names: Collection[str], uids: Collection[int], since: int | None
) -> list[Happened]:
    """The events of these names and profiles from `since` (µs) on; all of them for None."""
    keys = {"uids": uids, "names": names}
    if since is None:
        return await tx.rows(Happened, _HAPPENED, keys)
    return await tx.rows(Happened, _HAPPENED_SINCE, {**keys, "since": since})


async def find_before(tx: Transaction, uid: int, before: tuple[int, int] | None, limit: int) -> list[StoredEvent]:
    """Somebody's events, newest first; those before (ts, id) where one is given."""
    chosen = select(StoredEvent.table).where(StoredEvent.c.uid == uid)
    if before is not None:
        ts, last = before
        chosen = chosen.where(or_(StoredEvent.c.ts < ts, and_(StoredEvent.c.ts == ts, StoredEvent.c.id < last)))
    chosen = chosen.order_by(StoredEvent.c.ts.desc(), StoredEvent.c.id.desc()).limit(limit)
    return await tx.rows(StoredEvent, chosen)


async def count(tx: Transaction, uid: int) -> Activity:
    """How active somebody is."""
    counted = select(func.count().label("events"), func.max(StoredEvent.c.ts).label("last"))
    return (await tx.rows(Activity, counted.where(StoredEvent.c.uid == uid)))[0]
