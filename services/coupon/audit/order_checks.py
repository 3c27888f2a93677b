"""The identities of orders: their lines, what was paid, and what refunds gave back."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, Table, and_, case, func, or_, select

from services.coupon.checkout.repository import CHECKOUT, LINE, SHARE
from services.coupon.pricing.cart import POINTS, SHIPPING
from services.coupon.refunds.repository import REFUND, REFUND_LINE, REFUND_SHARE

K, N, S = CHECKOUT.c, LINE.c, SHARE.c
R, RL, RS = REFUND.c, REFUND_LINE.c, REFUND_SHARE.c


def _sums(source: Table, keys: list[ColumnElement[Any]], **sums: ColumnElement[Any]) -> Subquery:
    """`sums` of the table's rows, by `keys`."""
    columns = [func.sum(column).label(name) for name, column in sums.items()]
    return select(*keys, *columns).select_from(source).group_by(*keys).subquery()


def _or_zero(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(column, 0)


def _line_shares() -> Select[Any]:
    """What a line lost is the sum of its shares, the offers' and the points'."""
    in_points = case((S.source == POINTS, S.amount), else_=0)
    rows = _sums(SHARE, [S.checkout_id, S.line_id], offers=S.amount - in_points, points=in_points)
    same = and_(rows.c.checkout_id == N.checkout_id, rows.c.line_id == N.line_id)
    return (
        select(N.checkout_id, N.line_id, N.discount, N.points)
        .join_from(LINE, rows, same, isouter=True)
        .where(or_(N.discount != _or_zero(rows.c.offers), N.points != _or_zero(rows.c.points)))
    )


def _order_totals() -> Select[Any]:
    goods = case((N.line_id == SHIPPING, 0), else_=N.discount)
    rows = _sums(
        LINE,
        [N.checkout_id],
        total=N.unit_price * N.quantity - N.discount - N.points,
        goods=goods,
        points=N.points,
    )
    return (
        select(K.id, K.total, K.discount, K.points)
        .join_from(CHECKOUT, rows, rows.c.checkout_id == K.id)
        .where(or_(K.total != rows.c.total, K.discount != rows.c.goods, K.points != rows.c.points))
    )


def _refunded() -> Subquery:
    return _sums(REFUND, [R.checkout_id], amount=R.amount, points=R.points)


def _refunds_within_paid() -> Select[Any]:
    rows = _refunded()
    return (
        select(K.id, K.status, K.total, rows.c.amount)
        .join_from(CHECKOUT, rows, rows.c.checkout_id == K.id)
        .where(or_(rows.c.amount > K.total, rows.c.points > K.points, K.status != "committed"))
    )


def _whole_refunds() -> Select[Any]:
    """When nothing of an order is left, all that was paid is back: money, points, and every offer's share."""
    rows, left = _refunded(), _sums(LINE, [N.checkout_id], units=N.quantity - N.returned)
    taken = _sums(SHARE, [S.checkout_id], amount=case((S.source == POINTS, 0), else_=S.amount))
    back = _sums(REFUND_SHARE, [RS.checkout_id], amount=RS.amount)
    return (
        select(K.id, K.total, rows.c.amount)
        .join_from(CHECKOUT, rows, rows.c.checkout_id == K.id)
        .join(left, left.c.checkout_id == K.id)
        .join(taken, taken.c.checkout_id == K.id, isouter=True)
        .join(back, back.c.checkout_id == K.id, isouter=True)
        .where(
            left.c.units == 0,
            or_(
                rows.c.amount != K.total,
                rows.c.points != K.points,
                _or_zero(taken.c.amount) != _or_zero(back.c.amount),
            ),
        )
    )


def _refund_lines() -> Select[Any]:
    rows = _sums(REFUND_LINE, [RL.refund_id], amount=RL.amount, points=RL.points)
    return (
        select(R.id, R.checkout_id, R.amount, rows.c.amount.label("lines"))
        .join_from(REFUND, rows, rows.c.refund_id == R.id, isouter=True)
        .where(or_(R.amount != _or_zero(rows.c.amount), R.points != _or_zero(rows.c.points)))
    )


def _refund_prices() -> Select[Any]:
    """What a line's units give back, to the customer and to those who paid the discounts, is their price."""
    back = _sums(REFUND_SHARE, [RS.refund_id, RS.line_id], amount=RS.amount)
    line = and_(N.checkout_id == RL.checkout_id, N.line_id == RL.line_id)
    same = and_(back.c.refund_id == RL.refund_id, back.c.line_id == RL.line_id)
    return (
        select(RL.refund_id, RL.checkout_id, RL.line_id, RL.amount)
        .join_from(REFUND_LINE, LINE, line)
        .join(back, same, isouter=True)
        .where(RL.amount + RL.points + _or_zero(back.c.amount) != N.unit_price * RL.quantity)
    )


def _returned_units() -> Select[Any]:
    rows = _sums(REFUND_LINE, [RL.checkout_id, RL.line_id], units=RL.quantity)
    same = and_(rows.c.checkout_id == N.checkout_id, rows.c.line_id == N.line_id)
    return (
        select(N.checkout_id, N.line_id, N.returned, rows.c.units)
        .join_from(LINE, rows, same, isouter=True)
        .where(N.returned != _or_zero(rows.c.units))
    )


ORDER_CHECKS: Mapping[str, tuple[Select[Any], str]] = {
    "lines_are_shares": (_line_shares(), "what an order's line lost is the sum of its shares"),
    "lines_are_totals": (_order_totals(), "an order's total, discount and points are the sums of its lines"),
    "refunds_within_paid": (_refunds_within_paid(), "only paid orders are refunded, and no more than was paid"),
    "whole_refund_is_paid": (_whole_refunds(), "when nothing of an order is left, exactly what was paid is back"),
    "refund_lines": (_refund_lines(), "a refund is the sum of its lines"),
    "refund_prices": (_refund_prices(), "what units give back to all payers is their price"),
    "returned_units": (_returned_units(), "a line's returned units are those of its refunds"),
}
"""Name → (the rows that break it, what holds)."""
