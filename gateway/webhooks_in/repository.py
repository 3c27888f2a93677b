"""The SQL of incoming webhooks."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Select, bindparam, insert, select, update

from gateway.keys.repository import has_key_in_force
from gateway.webhooks_in.models import Received, Source
from shared.db import Transaction, insert_ignore
from shared.web import Caller, Page, Paging, filtered, page_of

T = TypeVar("T")


class PostedTo(NamedTuple):
    """A source as a delivery needs it."""

    id: str
    owner_id: str
    scheme: str
    secrets: list[dict[str, Any]]
    maps_to: dict[str, Any]
    status: str


# sources


def visible(caller: Caller) -> Select[*tuple[Any, ...]]:
    """The wall between owners: the merchant's secret keys see all sources, every other key its own owner's."""
    statement = select(Source.table).where(Source.c.status != "deleted")
    return statement if caller.sees_all else statement.where(Source.c.owner_id == caller.owner_id)


async def find_source(tx: Transaction, source_id: str, caller: Caller) -> Source | None:
    """The source, if it exists and `caller` may know of it."""
    return await tx.row(Source, visible(caller).where(Source.c.id == source_id))


async def lock_source(tx: Transaction, source_id: str, caller: Caller) -> Source | None:
    """The same, held until it is changed."""
    return await tx.row(Source, visible(caller).where(Source.c.id == source_id).with_for_update())


async def page_of_sources(
    tx: Transaction,
    caller: Caller,
    status: str | None,
    scheme: str | None,
    paging: Paging,
    to_view: Callable[[Source], T],
) -> Page[T]:
    """Sources that `caller` may know of, newest first; None asks for all."""
    statement = filtered(visible(caller), {Source.c.status: status, Source.c.scheme: scheme})
    return await page_of(tx, Source, statement, Source.c.id, paging, to_view)


async def find_posted_to(tx: Transaction, source_id: str, now: datetime) -> PostedTo | None:
    """The source behind a URL, for whoever posts there; None when nobody holds a key of its owner any more."""
    statement = select(*(Source.c[name] for name in PostedTo._fields))
    there = (Source.c.id == source_id) & (Source.c.status != "deleted")
    return await tx.row(PostedTo, statement.where(there, has_key_in_force(Source.c.owner_id, now)))


async def insert_source(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Store a new source."""
    await tx.run(insert(Source.table).values(**row))


async def update_source(tx: Transaction, source_id: str, values: Mapping[str, Any]) -> None:
    """Change a source that is not removed."""
    await tx.run(update(Source.table).where(Source.c.id == source_id, Source.c.status != "deleted").values(**values))


async def count_failures(tx: Transaction, source_id: str, count: int, at: datetime, why: str) -> None:
    """Add to the count of unproven deliveries."""
    counted = Source.c.signature_failures + count
    values = {"signature_failures": counted, "last_failure_at": at, "last_failure": why}
    await tx.run(update(Source.table).where(Source.c.id == source_id).values(**values))


# deliveries


async def page_of_received(
    tx: Transaction,
    source_id: str,
    outcome: str | None,
    order_id: str | None,
    paging: Paging,
    to_view: Callable[[Received], T],
) -> Page[T]:
    """What came from a source, newest first; None asks for all."""
    wanted = {Received.c.source_id: source_id, Received.c.outcome: outcome, Received.c.order_id: order_id}
    return await page_of(tx, Received, filtered(select(Received.table), wanted), Received.c.id, paging, to_view)


async def insert_received(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Write deliveries down with what they become. False for one that was accepted before: it is only counted.

    One that was ignored, refused or met a pause is decided anew: the mapping may have been mended since.
    """
    # In one order, so that two processes with the same deliveries never wait for each other in a circle.
    ordered = sorted(range(len(rows)), key=lambda index: (rows[index]["source_id"], rows[index]["delivery_id"]))
    new = {key for (key,) in await insert_ignore(tx, Received.table, [rows[index] for index in ordered])}
    fresh = [row["id"] in new for row in rows]
    for index in ordered:
        if not fresh[index]:
            fresh[index] = await _update_repeated(tx, rows[index])
    return fresh


async def _update_repeated(tx: Transaction, row: Mapping[str, Any]) -> bool:
    same = update(Received.table).where(
        Received.c.source_id == row["source_id"], Received.c.delivery_id == row["delivery_id"]
    )
    counted = same.values(times=Received.c.times + 1, last_at=row["last_at"])
    names = ("outcome", "code", "detail", "their_type", "event_type", "order_id", "body_hash")
    decided = counted.where(Received.c.outcome != "accepted").values({name: row[name] for name in names})
    if await tx.run(decided):
        return True
    await tx.run(counted)
    return False


_MESSAGE = (
    update(Received.table)
    .where(Received.c.source_id == bindparam("of_source"), Received.c.delivery_id == bindparam("of_delivery"))
    .values(message_id=bindparam("told_as"))
)


async def update_messages(tx: Transaction, told: Sequence[tuple[str, str, str]]) -> None:
    """Which message each delivery became: source, delivery, message."""
    if told:
        names = ("of_source", "of_delivery", "told_as")
        await tx.run(_MESSAGE, [dict(zip(names, one, strict=True)) for one in told])
