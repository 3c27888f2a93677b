"""A reservation as it is shown: the bytes of an answer (built once, inside the batch) and the lines of a message."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

import orjson

from services.inventory.ledger.rules import Movement
from services.inventory.reservations.rules import Line, Reservation
from shared.contracts.inventory import ReservationEvent, ReservedLine

E = TypeVar("E", bound=ReservationEvent)


def fields(reservation: Reservation) -> dict[str, Any]:
    """The public shape (schemas.ReservationView) as plain values."""
    return {
        "id": reservation.id,
        "order_id": reservation.order_id,
        "channel": reservation.channel,
        "status": reservation.status,
        "lines": [
            {
                "sku": line.sku,
                "quantity": line.quantity,
                "location_id": line.location_id,
                "shipped": line.shipped,
                "released": line.released,
            }
            for line in reservation.lines
        ],
        "ttl_seconds": reservation.ttl_seconds,
        "expires_at": running_out(reservation),
        "extended": reservation.extended,
        "reserved_again": reservation.reserved_again,
        "version": reservation.version,
        "created_at": reservation.created_at,
        "updated_at": reservation.updated_at,
    }


def render(reservation: Reservation) -> bytes:
    """The answer's body."""
    return orjson.dumps(fields(reservation), option=orjson.OPT_UTC_Z)


def running_out(reservation: Reservation) -> datetime | None:
    """When the time runs out, or ran out; None for a paid order, whose stock never does."""
    return reservation.expires_at if reservation.status in ("held", "expired") else None


def event(kind: type[E], reservation: Reservation, moved: Iterable[Line | Movement]) -> E:
    """A message about what was moved of a reservation."""
    lines = tuple(ReservedLine(sku=line.sku, quantity=line.quantity, location_id=line.location_id) for line in moved)
    return kind(
        reservation_id=reservation.id,
        order_id=reservation.order_id,
        channel=reservation.channel,
        lines=lines,
        expires_at=reservation.expires_at if reservation.status == "held" else None,
    )
