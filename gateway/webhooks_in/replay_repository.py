"""The SQL of bodies that are kept, and of their replay."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import or_, select, update

from gateway.webhooks_in.models import KeptBody, Received, Source
from gateway.webhooks_in.repository import visible
from shared.db import Transaction, upsert
from shared.web import Caller


class Kept(NamedTuple):
    """A received message with what it told."""

    id: str
    source_id: str
    delivery_id: str
    body: bytes


class ReceivedWindow(NamedTuple):
    """Messages of a source that came from `since` on and before `until`, and were not replayed since `until`."""

    source_id: str
    since: datetime
    until: datetime
    outcomes: Sequence[str]


_WITH_BODY = (
    select(Received.c.id, Received.c.source_id, Received.c.delivery_id, KeptBody.c.body)
    .join(
        KeptBody.table,
        (KeptBody.c.source_id == Received.c.source_id) & (KeptBody.c.delivery_id == Received.c.delivery_id),
    )
    .with_for_update(of=Received.table)
)


async def keep_bodies(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what was told, in place of what the same delivery told before."""
    last = {(row["source_id"], row["delivery_id"]): row for row in rows}
    key = ("source_id", "delivery_id")
    await upsert(tx, KeptBody.table, [last[one] for one in sorted(last)], key, ("body", "kept_at"))


async def find_received(tx: Transaction, received_id: str, caller: Caller) -> Received | None:
    """One received message, of a source that `caller` may know of."""
    sources = visible(caller).with_only_columns(Source.c.id)
    return await tx.row(
        Received, select(Received.table).where(Received.c.id == received_id, Received.c.source_id.in_(sources))
    )


async def find_body(tx: Transaction, source_id: str, delivery_id: str) -> bytes | None:
    """What it told, sealed, while that is kept."""
    found: bytes | None = await tx.scalar(
        select(KeptBody.c.body).where(KeptBody.c.source_id == source_id, KeptBody.c.delivery_id == delivery_id)
    )
    return found


async def lock_kept(tx: Transaction, received_id: str) -> Kept | None:
    """One message with its body, held until it is decided anew."""
    return await tx.row(Kept, _WITH_BODY.where(Received.c.id == received_id))


async def lock_window(tx: Transaction, window: ReceivedWindow, most: int) -> list[Kept]:
    """The oldest of a window, held until they are decided anew."""
    fresh = or_(Received.c.replayed_at.is_(None), Received.c.replayed_at < window.until)
    statement = _WITH_BODY.where(
        Received.c.source_id == window.source_id,
        Received.c.received_at >= window.since,
        Received.c.received_at < window.until,
        Received.c.outcome.in_(window.outcomes),
        fresh,
    )
    return await tx.rows(Kept, statement.order_by(Received.c.id).limit(most))


async def update_received(tx: Transaction, received_id: str, values: Mapping[str, Any]) -> None:
    """What became of a message that was decided anew."""
    await tx.run(update(Received.table).where(Received.c.id == received_id).values(**values))


async def touch_replayed(tx: Transaction, received_ids: Sequence[str], at: datetime) -> None:
    """That a window took them, whatever became of them."""
    await tx.run(update(Received.table).where(Received.c.id.in_(received_ids)).values(replayed_at=at))
