"""The SQL of reservations. Rows are locked by id, always before any stock level."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, delete, select

from services.inventory.ledger.repository import padded
from services.inventory.reservations.models import ReservationLineRow, ReservationRow
from services.inventory.reservations.rules import Line, Reservation
from shared.db import Transaction, insert_bulk, table, update_bulk

RESERVATION: Final = table(ReservationRow)
LINE: Final = table(ReservationLineRow)

COLUMNS: Final = (
    RESERVATION.c.id,
    RESERVATION.c.order_id,
    RESERVATION.c.channel,
    RESERVATION.c.status,
    RESERVATION.c.fingerprint,
    RESERVATION.c.ttl_seconds,
    RESERVATION.c.expires_at,
    RESERVATION.c.created_at,
    RESERVATION.c.updated_at,
    RESERVATION.c.extended,
    RESERVATION.c.reserved_again,
    RESERVATION.c.version,
)
_NAMES: Final = tuple(column.name for column in COLUMNS)
_IDS: Final = RESERVATION.c.id.in_(bindparam("ids", expanding=True))
_BY_ORDER: Final = select(*COLUMNS).where(RESERVATION.c.order_id.in_(bindparam("orders", expanding=True)))
_BY_ID: Final = select(*COLUMNS).where(_IDS).order_by(RESERVATION.c.id)
_LOCK: Final = _BY_ID.with_for_update()
_LINES: Final = (
    select(
        LINE.c.reservation_id,
        LINE.c.line_no,
        LINE.c.sku,
        LINE.c.location_id,
        LINE.c.quantity,
        LINE.c.pinned,
        LINE.c.shipped,
        LINE.c.released,
    )
    .where(LINE.c.reservation_id.in_(bindparam("ids", expanding=True)))
    .order_by(LINE.c.reservation_id, LINE.c.line_no)
)
_CHANGING: Final = ("status", "expires_at", "extended", "reserved_again", "version", "updated_at")


async def by_order(tx: Transaction, order_ids: Iterable[str]) -> dict[str, Reservation]:
    """The reservations of these orders, by order id."""
    orders = sorted(set(order_ids))
    found = await _load(tx, _BY_ORDER, {"orders": padded(orders)}) if orders else []
    return {reservation.order_id: reservation for reservation in found}


async def by_id(tx: Transaction, ids: Iterable[str]) -> dict[str, Reservation]:
    wanted = sorted(set(ids))
    found = await _load(tx, _BY_ID, {"ids": padded(wanted)}) if wanted else []
    return {reservation.id: reservation for reservation in found}


async def lock(tx: Transaction, ids: Iterable[str]) -> dict[str, Reservation]:
    """The reservations by id, locked in the order of their ids."""
    wanted = sorted(set(ids))
    found = await _load(tx, _LOCK, {"ids": padded(wanted)}) if wanted else []
    return {reservation.id: reservation for reservation in found}


def due(now: datetime) -> Select[*tuple[Any, ...]]:
    """Reservations whose time has run out, the longest overdue first."""
    held = RESERVATION.c.status == "held"
    return select(*COLUMNS).where(held, RESERVATION.c.expires_at <= now).order_by(RESERVATION.c.expires_at)


async def any_due(tx: Transaction, now: datetime) -> bool:
    return (await tx.execute(due(now).limit(1))).first() is not None


async def insert_new(tx: Transaction, reservations: Sequence[Reservation]) -> set[str]:
    """Write reservations, not their lines; answers the ids that were written, without those whose order has one already.

    In the order of order ids, so that two of these never wait for each other.
    """
    ordered = sorted(reservations, key=lambda reservation: reservation.order_id)
    rows = await insert_bulk(tx, RESERVATION, [_row(reservation) for reservation in ordered], ignore=True)
    return {row[0] for row in rows}


async def insert_lines(tx: Transaction, reservations: Iterable[Reservation]) -> None:
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
    await insert_bulk(tx, LINE, rows)


async def replace_lines(tx: Transaction, reservations: Sequence[Reservation]) -> None:
    """The lines of reservations that were placed anew; what they were before stands in the ledger."""
    await tx.execute(delete(LINE).where(LINE.c.reservation_id.in_([reservation.id for reservation in reservations])))
    await insert_lines(tx, reservations)


async def save(tx: Transaction, changed: Sequence[tuple[Reservation, int]]) -> None:
    """Write the state of locked reservations, each with the version that it had, and what became of their lines."""
    rows = [
        {"id": reservation.id, "was": was} | {name: getattr(reservation, name) for name in _CHANGING}
        for reservation, was in changed
    ]
    written = await update_bulk(
        tx,
        RESERVATION,
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
        LINE,
        lines,
        match={"reservation_id": "reservation_id", "line_no": "line_no"},
        values={"shipped": "given.shipped", "released": "given.released"},
    )


async def _load(tx: Transaction, statement: Select[Any], parameters: dict[str, Any]) -> list[Reservation]:
    return await loaded(tx, await tx.rows(ReservationRow, statement, parameters))


async def loaded(tx: Transaction, rows: Sequence[ReservationRow]) -> list[Reservation]:
    """The reservations of these rows, with their lines."""
    if not rows:
        return []
    lines: dict[str, list[Line]] = defaultdict(list)
    for row in await tx.execute(_LINES, {"ids": padded([row.id for row in rows])}):
        owner, *values = tuple[Any, ...](row)
        lines[owner].append(Line(*values))
    return [_reservation(row, lines[row.id]) for row in rows]


def _reservation(row: ReservationRow, lines: list[Line]) -> Reservation:
    return Reservation(**{name: getattr(row, name) for name in _NAMES}, lines=lines)


def _row(reservation: Reservation) -> dict[str, Any]:
    return {name: getattr(reservation, name) for name in _NAMES}
