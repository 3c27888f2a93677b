"""The refusals of reservations: what is wrong, and what to do about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.web import Conflict, Gone, NotFound

ShortUnits = Mapping[str, str | int | None]
"""A line that asks for more than is open: `sku`, `location_id`, `requested`, `open`."""


def no_reservation(reservation_id: str) -> NotFound:
    """The id is nobody's."""
    return NotFound(
        "not_found",
        f"There is no reservation {reservation_id[:60]}. Find it with GET /v1/reservations?order_id=…",
    )


def wrong_state(reservation_id: str, status: str, detail: str) -> Conflict:
    """The step does not fit what became of the reservation."""
    return Conflict("reservation_state", detail, reservation_id=reservation_id, reservation_status=status)


def stock_gone(reservation_id: str, expires_at: datetime) -> Gone:
    """The time has run out, and the stock went to others."""
    return _expired(
        reservation_id, expires_at, "and its stock is no longer there. Refund the order, or reserve other goods."
    )


def time_over(reservation_id: str, expires_at: datetime) -> Gone:
    """The time has run out: it can't be made longer any more."""
    return _expired(reservation_id, expires_at, "already. Confirm it: its stock is taken again if it is still there.")


def _expired(reservation_id: str, expires_at: datetime, so: str) -> Gone:
    return Gone(
        "reservation_expired",
        f"The time of this reservation has run out {so}",
        reservation_id=reservation_id,
        expires_at=expires_at.isoformat(),
    )


def extended_before(reservation_id: str, expires_at: datetime) -> Conflict:
    """Once is all."""
    return Conflict(
        "already_extended",
        "This reservation has been extended once already. Confirm it before expires_at, or reserve again.",
        reservation_id=reservation_id,
        expires_at=expires_at.isoformat(),
    )


def confirmed_otherwise(reservation_id: str, status: str) -> Conflict:
    """Paid before, for other quantities."""
    return Conflict(
        "confirmed_otherwise",
        "This reservation was confirmed before, for other quantities than these lines say. Read it; then release what is too "
        "much, or reserve what is missing under an order_id of its own.",
        reservation_id=reservation_id,
        reservation_status=status,
    )


def too_many(reservation_id: str, verb: str, short: Sequence[ShortUnits]) -> Conflict:
    """`ship_exceeds_reserved`, `release_exceeds_reserved`, `confirm_exceeds_reserved`: lines above what is open."""
    return Conflict(
        f"{verb}_exceeds_reserved",
        "The lines ask for more units than this reservation still holds. Lower the quantities to `open`, or leave `lines` "
        "out for everything.",
        reservation_id=reservation_id,
        lines=short,
    )


def reserved_otherwise(reservation_id: str) -> Conflict:
    """The order has a reservation that lives, and asks for another."""
    return Conflict(
        "order_already_reserved",
        "This order_id has a reservation with other lines, channel or ttl_seconds. Release it, then reserve again, or send the "
        "first request unchanged.",
        reservation_id=reservation_id,
    )


def shipped_before(reservation_id: str) -> Conflict:
    """The order's goods have left; a repeat that comes this late must not send them twice."""
    return Conflict(
        "order_already_shipped",
        "What this order_id reserved has been shipped. For more goods use an order_id of their own.",
        reservation_id=reservation_id,
    )
