"""The life of a reservation: pure, on values in memory; the caller locks, stores and tells.

    held ── confirm ──> confirmed ── ship ──> partially_shipped ── ship ──> shipped
     │                      └──── release ────────────┴──> released   (what was not shipped goes back)
     ├── release ──> released
     └── expire ───> expired ── confirm, if the stock is still there ──> held again, then confirmed

Each function takes the reservation to its next state and answers the movements that this means, or raises the problem and changes
nothing. A transition that has happened already answers no movements: twice is the same as once. Every transition raises
``version``, and the version is part of each movement's unique key, so the database refuses a transition that is made twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.inventory.ledger.rules import Movement, State
from services.inventory.reservations.placement import Placed
from shared.web import Conflict, Gone

Status = Literal["held", "confirmed", "partially_shipped", "shipped", "released", "expired"]

STATUSES: Final[tuple[Status, ...]] = ("held", "confirmed", "partially_shipped", "shipped", "released", "expired")
PAID: Final[tuple[Status, ...]] = ("confirmed", "partially_shipped")
OPEN: Final[tuple[Status, ...]] = ("held", *PAID)

TTL_DEFAULT: Final = 900
TTL_MAX: Final = 14_400
"""Seconds: four hours, as long as the longest hold that marketplaces allow."""


@dataclass(slots=True)
class Line:
    """Units of one SKU at one location; open units are neither shipped nor released. ``pinned``: the caller named the place."""

    line_no: int
    sku: str
    location_id: str
    quantity: int
    pinned: bool
    shipped: int = 0
    released: int = 0

    @property
    def open(self) -> int:
        """Units that are still set aside."""
        return self.quantity - self.shipped - self.released


@dataclass(slots=True)
class Reservation:
    """Stock set aside for one order. ``reserved_again``: confirmed after its time had run out, the stock was still there."""

    id: str
    owner_id: str
    order_id: str
    channel: str
    status: Status
    fingerprint: str
    ttl_seconds: int
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    lines: list[Line]
    extended: bool = False
    reserved_again: bool = False
    version: int = 1

    def overdue(self, now: datetime) -> bool:
        """Held, and its time has run out: at ``expires_at`` sharp it has."""
        return self.status == "held" and self.expires_at <= now


def lines_of(places: Sequence[Placed]) -> list[Line]:
    """The lines of a reservation, numbered from 1, in the order of (sku, location)."""
    ordered = sorted(places, key=lambda place: (place.sku, place.location_id, not place.pinned))
    return [
        Line(number, place.sku, place.location_id, place.quantity, place.pinned)
        for number, place in enumerate(ordered, start=1)
    ]


def hold(reservation: Reservation) -> list[Movement]:
    """The movements of a fresh reservation: every line becomes held."""
    return _movements(
        reservation, "available", "held", "reserved", {line.line_no: line.quantity for line in reservation.lines}
    )


def hold_again(reservation: Reservation, places: Sequence[Placed], now: datetime) -> list[Movement]:
    """An expired reservation takes stock again, at the places found for it; its next step is to be confirmed."""
    if reservation.status != "expired":
        raise Conflict("reservation_state", f"Reservation {reservation.id} is {reservation.status}, not expired.")
    _advance(reservation, "held", now)
    reservation.lines = lines_of(places)
    reservation.reserved_again = True
    return hold(reservation)


def confirm(reservation: Reservation, now: datetime) -> list[Movement]:
    """The order is paid. A reservation whose time ran out but that nobody has swept still has its stock, and is confirmed."""
    if reservation.status in ("confirmed", "partially_shipped", "shipped"):
        return []
    if reservation.status == "expired":
        raise expired(reservation)
    if reservation.status == "released":
        raise Conflict(
            "reservation_state",
            "This reservation was released. Reserve again under a new order_id.",
            reservation_id=reservation.id,
            reservation_status=reservation.status,
        )
    if reservation.overdue(now):
        reservation.reserved_again = True
    _advance(reservation, "confirmed", now)
    return _movements(reservation, "held", "committed", "confirmed", _open(reservation))


def release(reservation: Reservation, now: datetime) -> list[Movement]:
    """The order is cancelled: what has not been shipped becomes available again."""
    if reservation.status in ("released", "expired"):
        return []
    if reservation.status == "shipped":
        raise Conflict(
            "reservation_state",
            "Everything of this reservation has been shipped, so nothing can be released. Take the goods back as a return.",
            reservation_id=reservation.id,
            reservation_status=reservation.status,
        )
    source: State = "held" if reservation.status == "held" else "committed"
    return _give_back(reservation, source, "released", now)


def expire(reservation: Reservation, now: datetime) -> list[Movement]:
    """The time has run out: the stock becomes available again. Does nothing unless the reservation is held and overdue."""
    return _give_back(reservation, "held", "expired", now) if reservation.overdue(now) else []


def extend(reservation: Reservation, ttl_seconds: int, now: datetime) -> None:
    """Hold until ``ttl_seconds`` from now, never shorter than before; once."""
    if reservation.status == "expired" or reservation.overdue(now):
        raise Gone(
            "reservation_expired",
            "The time of this reservation has run out. Confirm it: its stock is taken again if it is still there.",
            reservation_id=reservation.id,
            expires_at=reservation.expires_at.isoformat(),
        )
    if reservation.status != "held":
        raise Conflict(
            "reservation_state",
            f"Only a held reservation can be extended; this one is {reservation.status}.",
            reservation_id=reservation.id,
            reservation_status=reservation.status,
        )
    if reservation.extended:
        raise Conflict(
            "already_extended",
            "This reservation has been extended once already. Confirm it before expires_at, or reserve again.",
            reservation_id=reservation.id,
            expires_at=reservation.expires_at.isoformat(),
        )
    reservation.expires_at = max(reservation.expires_at, now + timedelta(seconds=ttl_seconds))
    reservation.extended = True
    _advance(reservation, "held", now)


def ship(
    reservation: Reservation, wanted: Mapping[tuple[str, str | None], int] | None, now: datetime
) -> list[Movement]:
    """Goods leave: the units of ``wanted`` by (sku, location or None = any line of it), or everything that is open."""
    if reservation.status == "shipped" and wanted is None:
        return []
    if reservation.status not in (*PAID, "shipped"):
        raise Conflict(
            "reservation_state",
            f"Only a confirmed reservation can be shipped; this one is {reservation.status}.",
            reservation_id=reservation.id,
            reservation_status=reservation.status,
        )
    units = _open(reservation) if wanted is None else _units_to_ship(reservation, wanted)
    for line in reservation.lines:
        line.shipped += units.get(line.line_no, 0)
    whole = all(line.open == 0 for line in reservation.lines)
    _advance(reservation, "shipped" if whole else "partially_shipped", now)
    return _movements(reservation, "committed", "outside", "shipped", units)


def expired(reservation: Reservation) -> Gone:
    """The problem of a reservation whose time has run out and whose stock is gone."""
    return Gone(
        "reservation_expired",
        "The time of this reservation has run out and its stock is no longer there. Refund the order, or reserve other goods.",
        reservation_id=reservation.id,
        expires_at=reservation.expires_at.isoformat(),
    )


def _units_to_ship(reservation: Reservation, wanted: Mapping[tuple[str, str | None], int]) -> dict[int, int]:
    """Units by line number; lines that name a location are served first, so that they find their units."""
    units: dict[int, int] = {}
    short: list[dict[str, str | int | None]] = []
    for (sku, place), quantity in sorted(wanted.items(), key=lambda item: item[0][1] is None):
        missing = quantity
        for line in reservation.lines:
            if line.sku == sku and place in (None, line.location_id):
                part = min(missing, line.open - units.get(line.line_no, 0))
                if part > 0:
                    units[line.line_no] = units.get(line.line_no, 0) + part
                    missing -= part
        if missing:
            short.append({"sku": sku, "location_id": place, "requested": quantity, "open": quantity - missing})
    if short:
        raise Conflict(
            "ship_exceeds_reserved",
            "More is to be shipped than is confirmed and not shipped yet. Lower the quantities to `open`, or leave `lines` out.",
            reservation_id=reservation.id,
            lines=short,
        )
    return units


def _open(reservation: Reservation) -> dict[int, int]:
    return {line.line_no: line.open for line in reservation.lines if line.open}


def _give_back(
    reservation: Reservation, source: State, status: Literal["released", "expired"], now: datetime
) -> list[Movement]:
    units = _open(reservation)
    for line in reservation.lines:
        line.released += units.get(line.line_no, 0)
    _advance(reservation, status, now)
    return _movements(reservation, source, "available", status, units)


def _advance(reservation: Reservation, status: Status, now: datetime) -> None:
    reservation.status = status
    reservation.version += 1
    reservation.updated_at = now


def _movements(
    reservation: Reservation, source: State, target: State, reason: str, units: Mapping[int, int]
) -> list[Movement]:
    prefix = f"{reservation.id}:{reservation.version}:"
    return [
        Movement(
            line.sku,
            line.location_id,
            source,
            target,
            units[line.line_no],
            reason,
            prefix + str(line.line_no),
            reservation.id,
            owner_id=reservation.owner_id,
        )
        for line in reservation.lines
        if line.line_no in units
    ]
