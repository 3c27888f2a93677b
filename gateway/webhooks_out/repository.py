"""The SQL of outgoing webhooks."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, insert, or_, select, update

from gateway.keys.repository import has_key_in_force
from gateway.webhooks_out.lanes import Lane
from gateway.webhooks_out.models import Delivery, Endpoint, WebhookEvent
from shared.db import Transaction, UtcDateTime, claim_due, insert_ignore, one_of
from shared.web import Caller, Page, Paging, filtered, page_of

T = TypeVar("T")


class Listener(NamedTuple):
    """An endpoint with the patterns of what it wants to hear and the scopes that say what it may.

    Not `served` is one that is disabled, or whose owner holds no key any more: events are held for it.
    """

    id: str
    owner_id: str
    events: list[str]
    scopes: list[str]
    conditions: list[dict[str, Any]]
    payload: str
    served: bool


class Target(NamedTuple):
    """An endpoint as it is called."""

    id: str
    owner_id: str
    url: str
    scopes: list[str]
    secrets: list[dict[str, Any]]
    signing_keys: list[dict[str, Any]]
    headers: bytes | None
    max_in_flight: int | None
    rate_per_second: int | None
    standing: str
    failing_since: datetime | None


class _Body(NamedTuple):
    id: str
    body: bytes


# endpoints


def _visible(statement: Select[*tuple[Any, ...]], caller: Caller) -> Select[*tuple[Any, ...]]:
    """The wall between owners: the merchant's secret keys see all endpoints, every other key its own owner's."""
    statement = statement.where(Endpoint.c.status != "deleted")
    return statement if caller.sees_all else statement.where(Endpoint.c.owner_id == caller.owner_id)


async def find_endpoint(tx: Transaction, endpoint_id: str, caller: Caller, *, locked: bool = False) -> Endpoint | None:
    """The endpoint, if it exists and `caller` may know of it. `locked`: held until it is changed."""
    mine = _visible(select(Endpoint.table).where(Endpoint.c.id == endpoint_id), caller)
    return await tx.row(Endpoint, mine.with_for_update() if locked else mine)


async def page_of_endpoints(
    tx: Transaction, caller: Caller, status: str | None, paging: Paging, to_view: Callable[[Endpoint], T]
) -> Page[T]:
    """Endpoints that `caller` may know of, newest first; None asks for all."""
    statement = filtered(_visible(select(Endpoint.table), caller), {Endpoint.c.status: status})
    return await page_of(tx, Endpoint, statement, Endpoint.c.id, paging, to_view)


async def insert_endpoint(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Store a new endpoint."""
    await tx.run(insert(Endpoint.table).values(**row))


async def update_endpoint(tx: Transaction, endpoint_id: str, values: Mapping[str, Any]) -> None:
    """Change an endpoint that is not removed."""
    chosen = update(Endpoint.table).where(Endpoint.c.id == endpoint_id, Endpoint.c.status != "deleted")
    await tx.run(chosen.values(**values))


def served(now: datetime) -> ColumnElement[bool]:
    """That an endpoint is sent what it wants: it is enabled, and its owner holds a key."""
    return (Endpoint.c.status == "enabled") & has_key_in_force(Endpoint.c.owner_id, now)


async def listeners(tx: Transaction, now: datetime) -> list[Listener]:
    """All endpoints, whether they are served or events are held for them."""
    columns = (Endpoint.c[name] for name in Listener._fields if name != "served")
    return await tx.rows(Listener, select(*columns, served(now).label("served")).where(Endpoint.c.status != "deleted"))


async def disable(
    tx: Transaction, endpoint_id: str, reason: str, now: datetime, *, failing_before: datetime | None = None
) -> bool:
    """Disable an enabled endpoint and hold what waits for it. False when it was not enabled (any more), or began
    to fail only after `failing_before`.

    An attempt under way keeps its lease: should it succeed, nothing is left to replay.
    """
    chosen = update(Endpoint.table).where(Endpoint.c.id == endpoint_id, Endpoint.c.status == "enabled")
    if failing_before is not None:
        chosen = chosen.where(Endpoint.c.failing_since <= failing_before)
    if not await tx.run(chosen.values(status="disabled", disabled_reason=reason, changed_at=now)):
        return False
    await hold_waiting(tx, endpoint_id, now)
    return True


async def hold_waiting(tx: Transaction, endpoint_id: str, now: datetime) -> None:
    """What waits for an endpoint that is not served waits for a replay from now on."""
    unserved = exists(select(Endpoint.c.id).where(Endpoint.c.id == endpoint_id, ~served(now)))
    waiting = update(Delivery.table).where(Delivery.c.endpoint_id == endpoint_id, Delivery.c.status == "pending")
    await tx.run(waiting.where(unserved).values(status="held", next_attempt_at=None, finished_at=now))


async def give_up(tx: Transaction, endpoint_id: str, why: str, now: datetime) -> None:
    """Nothing more is sent of what waits for an endpoint."""
    unsent = one_of(Delivery.c.status, ("pending", "held"))
    waiting = update(Delivery.table).where(Delivery.c.endpoint_id == endpoint_id, unsent)
    ended = {"status": "failed", "last_error": why, "finished_at": now}
    await tx.run(waiting.values(**ended, next_attempt_at=None, lease=None, lease_until=None))


async def note_success(tx: Transaction, endpoint_id: str, standing: str) -> None:
    """An endpoint answered well, quickly or slowly."""
    mine = update(Endpoint.table).where(Endpoint.c.id == endpoint_id)
    troubled = or_(Endpoint.c.failing_since.is_not(None), Endpoint.c.paused_until.is_not(None))
    changed = or_(troubled, Endpoint.c.standing != standing)
    await tx.run(mine.where(changed).values(failing_since=None, paused_until=None, standing=standing))


async def note_failure(tx: Transaction, endpoint_id: str, pause: datetime | None, now: datetime) -> None:
    """Remember since when an endpoint has been failing, and what pause it asked for."""
    mine = update(Endpoint.table).where(Endpoint.c.id == endpoint_id)
    known = Endpoint.c.failing_since.is_not(None) & (Endpoint.c.standing == "unproven")
    since = func.coalesce(Endpoint.c.failing_since, bindparam("now", now, UtcDateTime))
    await tx.run(mine.where(~known).values(failing_since=since, standing="unproven"))
    if pause is not None:
        await tx.run(mine.values(paused_until=pause))


# deliveries


async def insert_event(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Keep the bytes of an event, once."""
    await insert_ignore(tx, WebhookEvent.table, [row])


async def insert_deliveries(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """One per endpoint and event, however often the event comes."""
    await insert_ignore(tx, Delivery.table, rows)


async def find_delivery(tx: Transaction, delivery_id: str, caller: Caller) -> Delivery | None:
    """The delivery, if `caller` may know of its endpoint."""
    mine = select(Delivery.table).join(Endpoint.table, Endpoint.c.id == Delivery.c.endpoint_id)
    return await tx.row(Delivery, _visible(mine.where(Delivery.c.id == delivery_id), caller))


async def page_of_deliveries(
    tx: Transaction,
    endpoint_id: str,
    status: str | None,
    event_type: str | None,
    paging: Paging,
    to_view: Callable[[Delivery], T],
) -> Page[T]:
    """An endpoint's deliveries, newest first; None asks for all."""
    wanted = {Delivery.c.endpoint_id: endpoint_id, Delivery.c.status: status, Delivery.c.event_type: event_type}
    return await page_of(tx, Delivery, filtered(select(Delivery.table), wanted), Delivery.c.id, paging, to_view)


async def replay(tx: Transaction, delivery_id: str, now: datetime) -> bool:
    """Make a delivery due at once, with its schedule begun anew. False while an attempt is under way."""
    chosen = update(Delivery.table).where(Delivery.c.id == delivery_id, _free(now))
    return await tx.run(chosen.values(**_again(now), lease=None, lease_until=None)) > 0


class Window(NamedTuple):
    """Deliveries of one endpoint and of some statuses, by when they were made. `up_to_now`: the end is part of it."""

    endpoint_id: str
    since: datetime
    until: datetime
    up_to_now: bool
    statuses: tuple[str, ...]


async def replay_some(tx: Transaction, window: Window, now: datetime, limit: int) -> int:
    """Make the oldest of a window due that were not replayed since its end. Answers how many."""
    made = Delivery.c.created_at
    chosen = (
        select(Delivery.c.id)
        .where(Delivery.c.endpoint_id == window.endpoint_id, one_of(Delivery.c.status, window.statuses))
        .where(made >= window.since, made <= window.until if window.up_to_now else made < window.until)
        .where(or_(Delivery.c.replayed_at.is_(None), Delivery.c.replayed_at < window.until))
        .order_by(made, Delivery.c.id)
        .limit(limit)
        .with_for_update()
    )
    ids = await tx.scalars(chosen)
    return await tx.run(update(Delivery.table).where(one_of(Delivery.c.id, ids)).values(**_again(now))) if ids else 0


def _again(now: datetime) -> dict[str, Any]:
    return {"status": "pending", "round": 0, "next_attempt_at": now, "replayed_at": now, "finished_at": None}


def _free(now: datetime) -> ColumnElement[bool]:
    """A lease that ran out is free again: its worker died between send and record."""
    return or_(Delivery.c.lease_until.is_(None), Delivery.c.lease_until < now)


def _due(now: datetime) -> ColumnElement[bool]:
    return (Delivery.c.status == "pending") & (Delivery.c.next_attempt_at <= now) & _free(now)


async def targets(tx: Transaction, lane: Lane, now: datetime, limit: int) -> list[Target]:
    """The next endpoints of a lane that something is due for, in their turn, with what is needed to call them."""
    # As a scalar it is looked up for one endpoint after the other. Joined, it might be every row that is due, and those
    # that fail have most of them.
    due = select(Delivery.c.id).where(Delivery.c.endpoint_id == Endpoint.c.id, _due(now)).limit(1).scalar_subquery()
    statement = (
        select(*(Endpoint.c[name] for name in Target._fields))
        .where(served(now), one_of(Endpoint.c.standing, lane.standings))
        .where(or_(Endpoint.c.paused_until.is_(None), Endpoint.c.paused_until <= now), _in_step(now))
        .where(~one_of(Endpoint.c.id, lane.busy_endpoints()), ~one_of(Endpoint.c.owner_id, lane.busy_owners()))
        .where(due.is_not(None))
        .order_by(Endpoint.c.id)
    )
    found = await tx.rows(Target, statement.where(Endpoint.c.id > lane.turn).limit(limit))
    if len(found) < limit and lane.turn:
        found += await tx.rows(Target, statement.where(Endpoint.c.id <= lane.turn).limit(limit - len(found)))
    return found


def _in_step(now: datetime) -> ColumnElement[bool]:
    return or_(Endpoint.c.paced_until.is_(None), Endpoint.c.paced_until <= now)


async def pace(tx: Transaction, endpoint_id: str, now: datetime, until: datetime) -> bool:
    """Take the turn of an endpoint that hears so many a second; the next is at `until`. False: another worker has it."""
    mine = update(Endpoint.table).where(Endpoint.c.id == endpoint_id, _in_step(now))
    return await tx.run(mine.values(paced_until=until)) > 0


async def claim(
    tx: Transaction, endpoint_id: str, now: datetime, limit: int, lease: str, until: datetime
) -> list[Delivery]:
    """Take due deliveries of one endpoint."""
    return await claim_due(
        tx,
        Delivery,
        where=_due(now) & (Delivery.c.endpoint_id == endpoint_id),
        order_by=Delivery.c.next_attempt_at,
        limit=limit,
        values={"lease": lease, "lease_until": until},
    )


async def bodies(tx: Transaction, event_ids: Sequence[str]) -> dict[str, bytes]:
    """What is sent, by event."""
    statement = select(WebhookEvent.c.id, WebhookEvent.c.body).where(one_of(WebhookEvent.c.id, event_ids))
    return {row.id: bytes(row.body) for row in await tx.rows(_Body, statement)}


async def settle(tx: Transaction, delivery_id: str, lease: str | None, values: Mapping[str, Any]) -> bool:
    """Record an attempt's end if this worker still holds the delivery: its lease may have run out, or been taken away.

    What was held meanwhile and is to be tried again stays held.
    """
    mine = update(Delivery.table).where(Delivery.c.id == delivery_id, Delivery.c.lease == lease)
    counted = {"attempts": Delivery.c.attempts + 1, "lease": None, "lease_until": None}
    if values["status"] != "pending":
        return await tx.run(mine.values(**counted, **values)) > 0
    if await tx.run(mine.where(Delivery.c.status != "held").values(**counted, **values)):
        return True
    kept = {name: value for name, value in values.items() if name in ("last_status", "last_error")}
    return await tx.run(mine.values(**counted, **kept)) > 0
