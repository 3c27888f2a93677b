"""The SQL of reservations. Rows are locked by id, always before any stock level."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, delete, exists, select, text

from services.inventory.reservations.models import ReservationLineRow, ReservationRow
from services.inventory.reservations.rules import OPEN, Line, Reservation, Status
from shared.db import Due, Prepared, Transaction, insert_bulk, insert_later, one_of, update_bulk
from shared.web import Caller, Page, Paging, filtered, page_of, visible

_NAMES: Final = tuple(ReservationRow.c.keys())
_IDS: Final = one_of(ReservationRow.c.id, "ids")
_BY_ORDER: Final = Prepared(
    select(ReservationRow.table)
    .where(one_of((ReservationRow.c.order_id, ReservationRow.c.owner_id), "orders"))
    .order_by(ReservationRow.c.id)
    .with_for_update()
)
_BY_ID: Final = select(ReservationRow.table).where(_IDS).order_by(ReservationRow.c.id)
_LOCK: Final = Prepared(_BY_ID.with_for_update())
_LINES: Final = Prepared(
    select(ReservationLineRow.table)
    .where(one_of(ReservationLineRow.c.reservation_id, "ids"))
    .order_by(ReservationLineRow.c.reservation_id, ReservationLineRow.c.line_no)
)
_CHANGING: Final = ("status", "expires_at", "extended", "reserved_again", "version", "updated_at")


OrderKey = tuple[str, str]
"""The id of an order, and its owner: each partner counts orders for themselves."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of a list of reservations; None asks for all."""

    order_id: str | None = None
    status: Status | None = None
    channel: str | None = None
    sku: str | None = None


class _Id(NamedTuple):
    id: str


async def lock_orders(tx: Transaction, orders: Iterable[OrderKey]) -> dict[OrderKey, Reservation]:
    """The last reservation of each of these orders, by order. All of an order's are locked, in the order of their ids: what
    one becomes is not changed while the next is made.
    """
    rows = await tx.rows(ReservationRow, _BY_ORDER, {"orders": sorted(set(orders))})
    last = {(row.order_id, row.owner_id): row for row in sorted(rows, key=lambda row: row.turn)}
    return {
        (reservation.order_id, reservation.owner_id): reservation
        for reservation in await loaded(tx, list(last.values()))
    }


async def by_id(tx: Transaction, ids: Iterable[str]) -> dict[str, Reservation]:
    """The reservations by id; those that are not there are left out."""
    wanted = sorted(set(ids))
    found = await _load(tx, _BY_ID, {"ids": wanted}) if wanted else []
    return {reservation.id: reservation for reservation in found}


async def lock(tx: Transaction, ids: Iterable[str]) -> dict[str, Reservation]:
    """The reservations by id, locked in the order of their ids."""
    wanted = sorted(set(ids))
    found = await _load(tx, _LOCK, {"ids": wanted}) if wanted else []
    return {reservation.id: reservation for reservation in found}


_HELD = select(ReservationRow.table).where(text("status = 'held'")).order_by(ReservationRow.c.expires_at)
_NEXT_END = _HELD.with_only_columns(ReservationRow.c.expires_at).limit(1)


def due(now: datetime) -> Due:
    """Reservations whose time has run out, the longest overdue first."""
    return Due(_HELD.where(ReservationRow.c.expires_at <= now), _NEXT_END, now)


async def any_due(tx: Transaction, now: datetime) -> bool:
    """Whether a held reservation's time has run out."""
    return await tx.scalar(due(now).rows.limit(1)) is not None


async def page_ids(tx: Transaction, paging: Paging, wanted: Wanted) -> Page[str]:
    """The ids of one page of reservations, newest first."""
    statement = filtered(
        select(ReservationRow.c.id),
        {
            ReservationRow.c.order_id: wanted.order_id,
            ReservationRow.c.status: wanted.status,
            ReservationRow.c.channel: wanted.channel,
        },
    )
    if wanted.sku is not None:
        owned = ReservationLineRow.c.reservation_id == ReservationRow.c.id
        statement = statement.where(exists().where(owned, ReservationLineRow.c.sku == wanted.sku))
    statement = visible(statement, ReservationRow.c.owner_id, paging.caller)
    return await page_of(tx, _Id, statement, ReservationRow.c.id, paging, lambda row: row.id)


async def open_at(tx: Transaction, caller: Caller, sku: str, location_id: str, limit: int) -> list[str]:
    """Ids of the caller's reservations that still hold units of the SKU at the location, oldest first."""
    chosen = (
        select(ReservationLineRow.c.reservation_id)
        .distinct()
        .join(ReservationRow.table, ReservationRow.c.id == ReservationLineRow.c.reservation_id)
        .where(ReservationLineRow.c.sku == sku, ReservationLineRow.c.location_id == location_id)
        .where(ReservationRow.c.status.in_(OPEN))
        .where(ReservationLineRow.c.quantity > ReservationLineRow.c.shipped + ReservationLineRow.c.released)
        .order_by(ReservationLineRow.c.reservation_id)
        .limit(limit)
    )
    return await tx.scalars(visible(chosen, ReservationRow.c.owner_id, caller))


async def insert_reservations(tx: Transaction, reservations: Sequence[Reservation]) -> set[str]:
    """Write reservations, not their lines; answers the ids that were written, without those whose order has one of that turn
    already.

    In the order of order ids, so that two of these never wait for each other.
    """
    ordered = sorted(reservations, key=lambda reservation: (reservation.order_id, reservation.owner_id))
    rows = await insert_bulk(tx, ReservationRow.table, [_row(reservation) for reservation in ordered], ignore=True)
    return {row[0] for row in rows}


def insert_lines(tx: Transaction, reservations: Iterable[Reservation]) -> None:
    """The lines of new reservations."""
    rows = [
        {
            "reservation_id": reservation.id,
            "line_no": line.line_no,
            "sku": line.sku,
            "location_id": line.location_id,
            "quantity": line.quantity,
            "pinned": line.pinned,
            "shipped": line.shipped,
            "released": line.released,
        }
        for reservation in reservations
        for line in reservation.lines
    ]
    insert_later(tx, ReservationLineRow.table, rows)


async def replace_lines(tx: Transaction, reservations: Sequence[Reservation]) -> None:
    """The lines of reservations that were placed anew; what they were before stands in the ledger."""
    ids = [reservation.id for reservation in reservations]
    await tx.run(delete(ReservationLineRow.table).where(one_of(ReservationLineRow.c.reservation_id, ids)))
    insert_lines(tx, reservations)


async def update_reservations(tx: Transaction, changed: Sequence[tuple[Reservation, int]]) -> None:
    """Write the state of locked reservations, each with the version that it had, and what became of their lines."""
    rows = [
        {"id": reservation.id, "was": was} | {name: getattr(reservation, name) for name in _CHANGING}
        for reservation, was in changed
    ]
    written = await update_bulk(
        tx,
        ReservationRow.table,
        rows,
        match={"id": "id", "version": "was"},
        values={name: f"given.{name}" for name in _CHANGING},
    )
    if written != len(rows):
        raise AssertionError("a reservation changed although it was locked")
    lines = [
        {
            "reservation_id": reservation.id,
            "line_no": line.line_no,
            "shipped": line.shipped,
            "released": line.released,
        }
        for reservation, _ in changed
        for line in reservation.lines
        if line.shipped or line.released
    ]
    await update_bulk(
        tx,
        ReservationLineRow.table,
        lines,
        match={"reservation_id": "reservation_id", "line_no": "line_no"},
        values={"shipped": "given.shipped", "released": "given.released"},
    )


async def _load(tx: Transaction, statement: Select[Any] | Prepared, parameters: dict[str, Any]) -> list[Reservation]:
    return await loaded(tx, await tx.rows(ReservationRow, statement, parameters))


async def loaded(tx: Transaction, rows: Sequence[ReservationRow]) -> list[Reservation]:
    """The reservations of these rows, with their lines."""
    if not rows:
        return []
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in await tx.rows(ReservationLineRow, _LINES, {"ids": [row.id for row in rows]}):
        lines[line.reservation_id].append(_line(line))
    return [_reservation(row, lines[row.id]) for row in rows]


def _reservation(row: ReservationRow, lines: list[Line]) -> Reservation:
    return Reservation(**{name: getattr(row, name) for name in _NAMES}, lines=lines)


def _line(row: ReservationLineRow) -> Line:
    return Line(
        line_no=row.line_no,
        sku=row.sku,
        location_id=row.location_id,
        quantity=row.quantity,
        pinned=row.pinned,
        shipped=row.shipped,
        released=row.released,
    )


def _row(reservation: Reservation) -> dict[str, Any]:
    return {name: getattr(reservation, name) for name in _NAMES}
