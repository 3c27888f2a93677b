"""The identities of reservations as queries that answer the rows which break them."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, null, or_, select, union_all

from services.inventory.ledger.models import StockLevel, StockMovement
from services.inventory.reservations.models import ReservationLineRow, ReservationRow
from services.inventory.reservations.rules import OPEN, PAID
from shared.audit import Check

_OPEN_UNITS: Final = ReservationLineRow.c.quantity - ReservationLineRow.c.shipped - ReservationLineRow.c.released


def _reservations() -> Select[Any]:
    """Units held and committed by level, minus the open units of reservation lines: all zero."""
    held: ColumnElement[Any] = case((ReservationRow.c.status == "held", _OPEN_UNITS), else_=0)
    paid: ColumnElement[Any] = case((ReservationRow.c.status.in_(PAID), _OPEN_UNITS), else_=0)
    both = union_all(
        select(
            StockLevel.c.sku,
            StockLevel.c.location_id,
            StockLevel.c.held.label("held"),
            StockLevel.c.committed.label("committed"),
        ),
        select(
            ReservationLineRow.c.sku,
            ReservationLineRow.c.location_id,
            (-held).label("held"),
            (-paid).label("committed"),
        ).join(ReservationRow.table, ReservationRow.c.id == ReservationLineRow.c.reservation_id),
    ).subquery()
    sums = (func.sum(both.c.held), func.sum(both.c.committed))
    return (
        select(both.c.sku, both.c.location_id, sums[0].label("held"), sums[1].label("committed"))
        .group_by(both.c.sku, both.c.location_id)
        .having(or_(sums[0] != 0, sums[1] != 0))
    )


def _states() -> Select[Any]:
    """Lines whose units do not fit the state of their reservation, lines without one, reservations without lines."""
    status = ReservationRow.c.status
    wrong = or_(
        status.is_(null()),
        ReservationLineRow.c.line_no.is_(null()),
        and_(status.in_(("shipped", "released")), _OPEN_UNITS != 0),
        and_(status.in_(("held", "confirmed", "expired")), ReservationLineRow.c.shipped != 0),
    )
    return (
        select(
            func.coalesce(ReservationLineRow.c.reservation_id, ReservationRow.c.id).label("reservation_id"),
            status.label("status"),
            ReservationLineRow.c.line_no,
            ReservationLineRow.c.sku,
            ReservationLineRow.c.quantity,
            ReservationLineRow.c.shipped,
            ReservationLineRow.c.released,
        )
        .select_from(
            ReservationLineRow.table.join(
                ReservationRow.table, ReservationRow.c.id == ReservationLineRow.c.reservation_id, full=True
            )
        )
        .where(wrong)
    )


def _ledger() -> Select[Any]:
    """For every reservation, SKU and location: what its movements took, hold, committed and shipped, minus what its lines say.

    Zero, but that a reservation which took stock again may have taken more than its lines say, and may have moved elsewhere.
    """
    moved = StockMovement.c.quantity

    def went(source: str, target: str) -> ColumnElement[Any]:
        path = and_(StockMovement.c.from_state == source, StockMovement.c.to_state == target)
        return case((path, moved), else_=0)

    def net(state: str) -> ColumnElement[Any]:
        return case((StockMovement.c.to_state == state, moved), (StockMovement.c.from_state == state, -moved), else_=0)

    promised = ("held", "committed")
    movements = select(
        StockMovement.c.reservation_id,
        StockMovement.c.sku,
        StockMovement.c.location_id,
        went("available", "held").label("taken"),
        net("held").label("held"),
        net("committed").label("committed"),
        went("committed", "outside").label("shipped"),
    ).where(or_(StockMovement.c.from_state.in_(promised), StockMovement.c.to_state.in_(promised)))
    status = ReservationRow.c.status
    lines = select(
        ReservationLineRow.c.reservation_id,
        ReservationLineRow.c.sku,
        ReservationLineRow.c.location_id,
        -ReservationLineRow.c.quantity,
        case((status == "held", -_OPEN_UNITS), else_=0),
        case((status.in_(PAID), -_OPEN_UNITS), else_=0),
        -ReservationLineRow.c.shipped,
    ).join(ReservationRow.table, ReservationRow.c.id == ReservationLineRow.c.reservation_id)
    both = union_all(movements, lines).subquery()
    key = (both.c.reservation_id, both.c.sku, both.c.location_id)
    figures = ("taken", "held", "committed", "shipped")
    sums = select(*key, *(func.sum(both.c[name]).label(name) for name in figures)).group_by(*key).subquery()
    again = func.coalesce(ReservationRow.c.reserved_again, literal(False))
    return (
        select(*sums.c)
        .select_from(sums.outerjoin(ReservationRow.table, ReservationRow.c.id == sums.c.reservation_id))
        .where(
            or_(
                sums.c.held != 0,
                sums.c.committed != 0,
                sums.c.shipped != 0,
                sums.c.taken < 0,
                and_(sums.c.taken > 0, ~again),
            )
        )
    )


def _one_of_an_order() -> Select[Any]:
    """Orders with two reservations that were not released, and reservations that say they hold what they do not."""
    named = (ReservationRow.c.order_id, ReservationRow.c.owner_id)
    twice = (
        select(*named, func.max(ReservationRow.c.id).label("reservation_id"), func.count().label("reservations"))
        .where(ReservationRow.c.status != "released")
        .group_by(*named)
        .having(func.count() > 1)
    )
    empty = (
        select(*named, ReservationRow.c.id, literal(1))
        .join(ReservationLineRow.table, ReservationLineRow.c.reservation_id == ReservationRow.c.id)
        .where(ReservationRow.c.status.in_((*OPEN, "expired")))
        .group_by(*named, ReservationRow.c.id)
        .having(func.sum(_OPEN_UNITS) == 0)
    )
    return select(union_all(twice, empty).subquery())


RESERVATION_CHECKS: Final = (
    Check(
        "reserved_is_promised",
        "held and committed are the open units of held and of paid reservations, location by location",
        _reservations(),
    ),
    Check(
        "lines_fit_their_state",
        "shipped and released reservations have no open units; held, confirmed and expired ones shipped nothing",
        _states(),
    ),
    Check(
        "lines_are_the_ledger",
        "the movements of a reservation are what its lines say: taken, held, committed and shipped, place by place",
        _ledger(),
    ),
    Check(
        "orders_reserve_once",
        "an order has one reservation at most that was not released, and one that is open holds something",
        _one_of_an_order(),
    ),
)
