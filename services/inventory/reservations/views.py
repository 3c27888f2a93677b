"""How a reservation is shown: the bytes of an answer (built once, inside the batch), and messages about it."""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import orjson

from services.inventory.ledger.rules import Movement
from services.inventory.reservations.rules import Line, Reservation
from services.inventory.reservations.schemas import ReservationView
from shared.contracts.inventory import ReservationEvent, ReservedLine

E = TypeVar("E", bound=ReservationEvent)


class Reply(NamedTuple):
    """An answer's body; ``replayed``: it is that of an earlier call, and nothing was done."""

    body: bytes
    replayed: bool = False


def _fields(reservation: Reservation) -> dict[str, Any]:
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
                "released": _released(reservation, line),
            }
            for line in reservation.lines
        ],
        "ttl_seconds": reservation.ttl_seconds,
        "expires_at": reservation.expires_at if reservation.status in ("held", "expired") else None,
        "extended": reservation.extended,
        "reserved_again": reservation.reserved_again,
        "version": reservation.version,
        "created_at": reservation.created_at,
        "updated_at": reservation.updated_at,
    }


def _released(reservation: Reservation, line: Line) -> int:
    """Given back: also what went back because the time ran out, of which a late confirm may take again."""
    return line.quantity - line.shipped if reservation.status == "expired" else line.released


def reservation_json(reservation: Reservation) -> bytes:
    """The answer's body."""
    return orjson.dumps(_fields(reservation), option=orjson.OPT_UTC_Z)


def reservation_view(reservation: Reservation) -> ReservationView:
    """As `reservation_json`, for lists and single reads."""
    return ReservationView.model_validate(_fields(reservation))


def event(kind: type[E], reservation: Reservation, moved: Iterable[Line | Movement]) -> E:
    """A message about what was moved of a reservation."""
    lines = tuple(ReservedLine(sku=line.sku, quantity=line.quantity, location_id=line.location_id) for line in moved)
    return kind(
        owner_id=reservation.owner_id,
        reservation_id=reservation.id,
        order_id=reservation.order_id,
        channel=reservation.channel,
        lines=lines,
        status=reservation.status,
        expires_at=reservation.expires_at if reservation.status == "held" else None,
    )
