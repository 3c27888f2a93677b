"""Reading reservations."""

from typing import Any

from sqlalchemy import exists, select

from services.inventory.reservations import repository
from services.inventory.reservations.rendering import fields
from services.inventory.reservations.repository import COLUMNS, LINE, RESERVATION
from services.inventory.reservations.rules import OPEN, Reservation, Status
from services.inventory.reservations.schemas import ReservationView
from services.inventory.reservations.settling import no_reservation
from shared.db import Database, Transaction
from shared.web import Page, Paging, fetch_page, filtered


class Reservations:
    """The reading side."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(self, reservation_id: str) -> ReservationView:
        """Raises NotFound."""
        async with self._db.read() as tx:
            found = (await repository.by_id(tx, [reservation_id])).get(reservation_id)
        if found is None:
            raise no_reservation(reservation_id)
        return view(found)

    async def page(
        self, paging: Paging, order_id: str | None, status: Status | None, channel: str | None, sku: str | None
    ) -> Page[ReservationView]:
        """Reservations, newest first."""
        wanted = {RESERVATION.c.order_id: order_id, RESERVATION.c.status: status, RESERVATION.c.channel: channel}
        statement = filtered(select(*COLUMNS), wanted)
        if sku is not None:
            statement = statement.where(exists().where(LINE.c.reservation_id == RESERVATION.c.id, LINE.c.sku == sku))
        async with self._db.read() as tx:
            page: Page[str] = await fetch_page(tx, statement, RESERVATION.c.id, paging, _id)
            found = await repository.by_id(tx, page.data)
        return Page[ReservationView](
            data=[view(found[id_]) for id_ in page.data], has_more=page.has_more, next_cursor=page.next_cursor
        )


async def open_at(tx: Transaction, sku: str, location_id: str) -> list[str]:
    """The first hundred reservations that still hold units of the SKU at the location, oldest first."""
    rows = await tx.execute(
        select(LINE.c.reservation_id)
        .distinct()
        .join(RESERVATION, RESERVATION.c.id == LINE.c.reservation_id)
        .where(LINE.c.sku == sku, LINE.c.location_id == location_id, RESERVATION.c.status.in_(OPEN))
        .where(LINE.c.quantity > LINE.c.shipped + LINE.c.released)
        .order_by(LINE.c.reservation_id)
        .limit(100)
    )
    return list(rows.scalars())


def view(reservation: Reservation) -> ReservationView:
    return ReservationView.model_validate(fields(reservation))


def _id(row: Any) -> str:
    found: str = row.id
    return found
