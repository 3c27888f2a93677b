"""The identities of the ledger as queries that answer the rows which break them."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, null, or_, select, union_all

from services.inventory.ledger.models import StockLevel, StockMovement
from services.inventory.ledger.rules import COUNTERS, ON_HAND
from services.inventory.reservations.models import ReservationLineRow, ReservationRow
from services.inventory.reservations.rules import PAID
from shared.audit import Check


def _on_hand() -> Select[Any]:
    total = sum((StockLevel.c[counter] for counter in ON_HAND[1:]), StockLevel.c[ON_HAND[0]])
    negative = or_(*(StockLevel.c[counter] < 0 for counter in COUNTERS))
    columns = [
        StockLevel.c.sku,
        StockLevel.c.location_id,
        StockLevel.c.on_hand,
        *(StockLevel.c[counter] for counter in COUNTERS),
    ]
    return select(*columns).where(or_(StockLevel.c.on_hand != total, negative))


def _ledger() -> Select[Any]:
    """Levels beside the replay of all movements; a movement without a level has no counters."""
    signed = union_all(
        *(
            select(
                StockMovement.c.sku,
                StockMovement.c.location_id,
                *(
                    func.sum(case((state == counter, StockMovement.c.quantity * sign), else_=0)).label(counter)
                    for counter in COUNTERS
                ),
            ).group_by(StockMovement.c.sku, StockMovement.c.location_id)
            for state, sign in ((StockMovement.c.to_state, 1), (StockMovement.c.from_state, -1))
        ),
        select(
            StockLevel.c.sku,
            StockLevel.c.location_id,
            *((-StockLevel.c[counter]).label(counter) for counter in COUNTERS),
        ),
    ).subquery()
    sums = [func.sum(signed.c[counter]) for counter in COUNTERS]
    known = (
        select(literal(1))
        .where(StockLevel.c.sku == signed.c.sku, StockLevel.c.location_id == signed.c.location_id)
        .exists()
    )
    columns = [total.label(counter) for counter, total in zip(COUNTERS, sums, strict=True)]
    return (
        select(signed.c.sku, signed.c.location_id, *columns)
        .group_by(signed.c.sku, signed.c.location_id)
        .having(or_(*(total != 0 for total in sums), func.max(case((known, 1), else_=0)) == 0))
    )


def _reservations() -> Select[Any]:
    """Units held and committed by level, minus the open units of reservation lines: all zero."""
    open_units = ReservationLineRow.c.quantity - ReservationLineRow.c.shipped - ReservationLineRow.c.released
    held: ColumnElement[Any] = case((ReservationRow.c.status == "held", open_units), else_=0)
    paid: ColumnElement[Any] = case((ReservationRow.c.status.in_(PAID), open_units), else_=0)
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
    open_units = ReservationLineRow.c.quantity - ReservationLineRow.c.shipped - ReservationLineRow.c.released
    status = ReservationRow.c.status
    wrong = or_(
        status.is_(null()),
        ReservationLineRow.c.line_no.is_(null()),
        and_(status.in_(("shipped", "released", "expired")), open_units != 0),
        and_(status.in_(("held", "confirmed")), open_units != ReservationLineRow.c.quantity),
        and_(status == "shipped", ReservationLineRow.c.released != 0),
        and_(status == "expired", ReservationLineRow.c.shipped != 0),
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


CHECKS: Final = (
    Check(
        "on_hand_is_the_sum",
        "on_hand = available + held + committed + safety + quality_control + damaged in every row, nothing below zero",
        _on_hand(),
    ),
    Check("levels_are_the_ledger", "the sum of all movements gives every level, state by state", _ledger()),
    Check(
        "reserved_is_promised",
        "held and committed are the open units of held and of paid reservations, location by location",
        _reservations(),
    ),
    Check(
        "lines_fit_their_state",
        "shipped, released and expired reservations have no open units; held and confirmed ones only open units",
        _states(),
    ),
)
