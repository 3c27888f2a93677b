"""The life of a reservation: pure, on values in memory; the caller locks, stores and tells.

    held ── confirm ──> confirmed ── ship ──> partially_shipped ── ship ──> shipped
     │                      └──── release ────────────┴──> released   (what was not shipped goes back)
     ├── release ──> released
     └── expire ───> expired ── confirm, if the stock is still there ──> held again, then confirmed
                        └────── release, or the order reserves anew ──> released   (for ever)

A part of the units may be released at any time: the state stays until nothing is open any more. A part may be confirmed: the
rest is released in the same step. The lines of an expired reservation keep their open units, though nothing is held for them:
they are what a late confirm takes again.

Each function takes the reservation to its next state and answers the movements that this means, or raises the problem and changes
nothing. A transition that has happened already answers no movements: twice is the same as once. Every transition raises
``version``, and the version is part of each movement's unique key, so the database refuses a transition that is made twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.inventory.ledger.rules import Movement, State
from services.inventory.reservations import problems
from services.inventory.reservations.placement import Demand, Placed, demand
from shared.web import Conflict

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
        """Units that are still set aside, or, of an expired reservation, that a late confirm would take again."""
        return self.quantity - self.shipped - self.released


@dataclass(slots=True)
class Reservation:
    """Stock set aside for one order. ``reserved_again``: confirmed after its time had run out, the stock was still there.
    ``turn``: an order may reserve anew once what it had is released; this is its first, second … reservation.
    """

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
    turn: int = 1

    def overdue(self, now: datetime) -> bool:
        """Held, and its time has run out: at ``expires_at`` sharp it has."""
        return self.status == "held" and self.expires_at <= now

    def lives(self, now: datetime) -> bool:
        """It holds units, or held them until they were shipped: its order reserves nothing beside it."""
        return self.status not in ("released", "expired") and not self.overdue(now)


def lines_of(places: Sequence[Placed]) -> list[Line]:
    """The lines of a reservation, numbered from 1, in the order of (sku, location)."""
    ordered = sorted(places, key=lambda place: (place.sku, place.location_id, not place.pinned))
    return [
        Line(number, place.sku, place.location_id, place.quantity, place.pinned)
        for number, place in enumerate(ordered, start=1)
    ]


def hold(reservation: Reservation) -> list[Movement]:
    """The movements of a fresh reservation: every open unit becomes held."""
    return _movements(reservation, "available", "held", "reserved", _open(reservation))


def wanted_again(reservation: Reservation, wanted: Demand | None) -> dict[int, int]:
    """The units, by line number, that a late confirm of an expired reservation takes again: ``wanted``, or all open ones."""
    return _chosen(reservation, wanted, _open(reservation), "confirm")


def demand_of(reservation: Reservation, units: Mapping[int, int]) -> Demand:
    """Where these units may be taken: at the place of their line when the caller named it, else anywhere."""
    chosen = [line for line in reservation.lines if line.line_no in units]
    return demand((line.sku, line.location_id if line.pinned else None, units[line.line_no]) for line in chosen)


def hold_again(
    reservation: Reservation, places: Sequence[Placed], units: Mapping[int, int], now: datetime
) -> list[Movement]:
    """An expired reservation takes ``units`` again, at the places found for them, and lets go of its other units; its next
    step is to be confirmed.
    """
    if reservation.status != "expired":
        raise _wrong_state(reservation, f"Reservation {reservation.id} is {reservation.status}, not expired.")
    past = [(line, line.quantity - units.get(line.line_no, 0)) for line in reservation.lines]
    taken = lines_of(places)
    ended = [
        Line(number, line.sku, line.location_id, left, line.pinned, released=left)
        for number, (line, left) in enumerate([one for one in past if one[1]], start=len(taken) + 1)
    ]
    reservation.lines = taken + ended
    reservation.reserved_again = True
    _advance(reservation, "held", now)
    return hold(reservation)


def confirm(reservation: Reservation, wanted: Demand | None, now: datetime) -> list[Movement]:
    """The order is paid: the units of ``wanted`` by (sku, location or None = any line of it), the others are released at once;
    or everything. A reservation whose time ran out but that nobody has swept still has its stock, and is confirmed.
    """
    if reservation.status in (*PAID, "shipped"):
        if wanted is not None and not _confirmed_so(reservation, wanted):
            raise problems.confirmed_otherwise(reservation.id, reservation.status)
        return []
    if reservation.status == "expired":
        raise problems.stock_gone(reservation.id, reservation.expires_at)
    if reservation.status == "released":
        raise _wrong_state(
            reservation,
            "This reservation was released, and holds nothing any more. Reserve again for the order, then confirm what "
            "that call answers.",
        )
    paid = _chosen(reservation, wanted, _open(reservation), "confirm")
    unpaid = {number: units - paid.get(number, 0) for number, units in _open(reservation).items()}
    unpaid = {number: units for number, units in unpaid.items() if units}
    if reservation.overdue(now):
        reservation.reserved_again = True
    _let_go(reservation, unpaid)
    _advance(reservation, "confirmed", now)
    return [
        *_movements(reservation, "held", "committed", "confirmed", paid),
        *_movements(reservation, "held", "available", "released", unpaid),
    ]


def release(reservation: Reservation, wanted: Demand | None, now: datetime) -> list[Movement]:
    """The order, or a part of it, is cancelled: ``wanted``, or all that has not been shipped, becomes available again.

    Of an expired reservation nothing is held; what is released can't be taken again by a late confirm.
    """
    if reservation.status == "released" and wanted is None:
        return []
    if reservation.status == "shipped":
        raise _wrong_state(
            reservation,
            "Everything of this reservation has been shipped, so nothing can be released. Take the goods back as a return.",
        )
    units = _chosen(reservation, wanted, _open(reservation), "release")
    before = reservation.status
    _let_go(reservation, units)
    _advance(reservation, before if _open(reservation) else "released", now)
    if before == "expired":
        return []
    return _movements(reservation, "held" if before == "held" else "committed", "available", "released", units)


def expire(reservation: Reservation, now: datetime) -> list[Movement]:
    """The time has run out: the stock becomes available again. Does nothing unless the reservation is held and overdue."""
    if not reservation.overdue(now):
        return []
    _advance(reservation, "expired", now)
    return _movements(reservation, "held", "available", "expired", _open(reservation))


def extend(reservation: Reservation, ttl_seconds: int, now: datetime) -> None:
    """Hold until ``ttl_seconds`` from now, never shorter than before; once."""
    if reservation.status == "expired" or reservation.overdue(now):
        raise problems.time_over(reservation.id, reservation.expires_at)
    if reservation.status != "held":
        raise _wrong_state(reservation, f"Only a held reservation can be extended; this one is {reservation.status}.")
    if reservation.extended:
        raise problems.extended_before(reservation.id, reservation.expires_at)
    reservation.expires_at = max(reservation.expires_at, now + timedelta(seconds=ttl_seconds))
    reservation.extended = True
    _advance(reservation, "held", now)


def ship(reservation: Reservation, wanted: Demand | None, now: datetime) -> list[Movement]:
    """Goods leave: the units of ``wanted`` by (sku, location or None = any line of it), or everything that is open."""
    if reservation.status == "shipped" and wanted is None:
        return []
    if reservation.status not in (*PAID, "shipped"):
        raise _wrong_state(
            reservation, f"Only a confirmed reservation can be shipped; this one is {reservation.status}."
        )
    units = _chosen(reservation, wanted, _open(reservation), "ship")
    for line in reservation.lines:
        line.shipped += units.get(line.line_no, 0)
    _advance(reservation, "partially_shipped" if _open(reservation) else "shipped", now)
    return _movements(reservation, "committed", "outside", "shipped", units)


def _chosen(reservation: Reservation, wanted: Demand | None, units: Mapping[int, int], verb: str) -> dict[int, int]:
    """The units of ``wanted`` by line number, out of ``units``, or all of these.

    Raises Conflict (`…_exceeds_reserved` with every short line).
    """
    if wanted is None:
        return dict(units)
    chosen, short = _matched(reservation, wanted, units)
    if short:
        raise problems.too_many(reservation.id, verb, short)
    return chosen


def _matched(
    reservation: Reservation, wanted: Demand, units: Mapping[int, int]
) -> tuple[dict[int, int], list[problems.ShortUnits]]:
    """The units of ``wanted`` by line number, out of ``units``, and what is short. Demands that name a location are served
    first, so that they find theirs.
    """
    chosen: dict[int, int] = {}
    short: list[problems.ShortUnits] = []
    for (sku, place), quantity in sorted(wanted.items(), key=lambda item: item[0][1] is None):
        missing = quantity
        for line in reservation.lines:
            if line.sku == sku and place in (None, line.location_id):
                part = min(missing, units.get(line.line_no, 0) - chosen.get(line.line_no, 0))
                if part > 0:
                    chosen[line.line_no] = chosen.get(line.line_no, 0) + part
                    missing -= part
        if missing:
            short.append({"sku": sku, "location_id": place, "requested": quantity, "open": quantity - missing})
    return chosen, short


def _confirmed_so(reservation: Reservation, wanted: Demand) -> bool:
    """Whether a paid reservation was confirmed with exactly these units, and none of them was released since."""
    kept = {line.line_no: line.quantity - line.released for line in reservation.lines if line.quantity > line.released}
    return _matched(reservation, wanted, kept) == (kept, [])


def _open(reservation: Reservation) -> dict[int, int]:
    return {line.line_no: line.open for line in reservation.lines if line.open}


def _let_go(reservation: Reservation, units: Mapping[int, int]) -> None:
    for line in reservation.lines:
        line.released += units.get(line.line_no, 0)


def _wrong_state(reservation: Reservation, detail: str) -> Conflict:
    return problems.wrong_state(reservation.id, reservation.status, detail)


def _advance(reservation: Reservation, status: Status, now: datetime) -> None:
    reservation.status = status
    reservation.version += 1
    reservation.updated_at = now


def _movements(
    reservation: Reservation, source: State, target: State, reason: str, units: Mapping[int, int]
) -> list[Movement]:
    """One movement for each line; a line may move twice in one step, for different reasons."""
    prefix = f"{reservation.id}:{reservation.version}:{reason}:"
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
