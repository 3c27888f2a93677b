"""The identities of orders: their lines, what was paid, and what refunds gave back."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, Table, and_, case, func, or_, select

from services.coupon.checkout.models import Checkout, CheckoutLine, DiscountShare
from services.coupon.pricing.cart import POINTS, SHIPPING
from services.coupon.refunds.models import Refund, RefundLine, RefundShare
from shared.audit import Check

K, N, S = Checkout.c, CheckoutLine.c, DiscountShare.c
R, RL, RS = Refund.c, RefundLine.c, RefundShare.c


def _sums(source: Table, keys: list[ColumnElement[Any]], **sums: ColumnElement[Any]) -> Subquery:
    """`sums` of the table's rows, by `keys`."""
    columns = [func.sum(column).label(name) for name, column in sums.items()]
    return select(*keys, *columns).select_from(source).group_by(*keys).subquery()


def _or_zero(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(column, 0)


def _line_shares() -> Select[Any]:
    """What a line lost is the sum of its shares, the offers' and the points'."""
    in_points = case((S.source == POINTS, S.amount), else_=0)
    rows = _sums(DiscountShare.table, [S.checkout_id, S.line_id], offers=S.amount - in_points, points=in_points)
    same = and_(rows.c.checkout_id == N.checkout_id, rows.c.line_id == N.line_id)
    return (
        select(N.checkout_id, N.line_id, N.discount, N.points)
        .join_from(CheckoutLine.table, rows, same, isouter=True)
        .where(or_(N.discount != _or_zero(rows.c.offers), N.points != _or_zero(rows.c.points)))
    )


def _order_totals() -> Select[Any]:
    goods = case((N.line_id == SHIPPING, 0), else_=N.discount)
    rows = _sums(
        CheckoutLine.table,
        [N.checkout_id],
        total=N.unit_price * N.quantity - N.discount - N.points,
        goods=goods,
        points=N.points,
    )
    return (
        select(K.id, K.total, K.discount, K.points)
        .join_from(Checkout.table, rows, rows.c.checkout_id == K.id)
        .where(or_(K.total != rows.c.total, K.discount != rows.c.goods, K.points != rows.c.points))
    )


def _refunded() -> Subquery:
    return _sums(Refund.table, [R.checkout_id], amount=R.amount, points=R.points)


def _refunds_within_paid() -> Select[Any]:
    rows = _refunded()
    return (
        select(K.id, K.status, K.total, rows.c.amount.label("refunded"))
        .join_from(Checkout.table, rows, rows.c.checkout_id == K.id)
        .where(or_(rows.c.amount > K.total, rows.c.points > K.points, K.status != "committed"))
    )


def _whole_refunds() -> Select[Any]:
    """When nothing of an order is left, all that was paid is back: money, points, and every offer's share."""
    rows, left = _refunded(), _sums(CheckoutLine.table, [N.checkout_id], units=N.quantity - N.returned)
    taken = _sums(DiscountShare.table, [S.checkout_id], amount=case((S.source == POINTS, 0), else_=S.amount))
    back = _sums(RefundShare.table, [RS.checkout_id], amount=RS.amount)
    return (
        select(K.id, K.total, rows.c.amount.label("refunded"))
        .join_from(Checkout.table, rows, rows.c.checkout_id == K.id)
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
    rows = _sums(RefundLine.table, [RL.refund_id], amount=RL.amount, points=RL.points)
    return (
        select(R.id, R.checkout_id, R.amount, rows.c.amount.label("lines"))
        .join_from(Refund.table, rows, rows.c.refund_id == R.id, isouter=True)
        .where(or_(R.amount != _or_zero(rows.c.amount), R.points != _or_zero(rows.c.points)))
    )


def _refund_prices() -> Select[Any]:
    """What a line's units give back, to the customer and to those who paid the discounts, is their price."""
    back = _sums(RefundShare.table, [RS.refund_id, RS.line_id], amount=RS.amount)
    line = and_(N.checkout_id == RL.checkout_id, N.line_id == RL.line_id)
    same = and_(back.c.refund_id == RL.refund_id, back.c.line_id == RL.line_id)
    return (
        select(RL.refund_id, RL.checkout_id, RL.line_id, RL.amount)
        .join_from(RefundLine.table, CheckoutLine.table, line)
        .join(back, same, isouter=True)
        .where(RL.amount + RL.points + _or_zero(back.c.amount) != N.unit_price * RL.quantity)
    )


def _returned_units() -> Select[Any]:
    rows = _sums(RefundLine.table, [RL.checkout_id, RL.line_id], units=RL.quantity)
    same = and_(rows.c.checkout_id == N.checkout_id, rows.c.line_id == N.line_id)
    return (
        select(N.checkout_id, N.line_id, N.returned, rows.c.units)
        .join_from(CheckoutLine.table, rows, same, isouter=True)
        .where(N.returned != _or_zero(rows.c.units))
    )


ORDER_CHECKS = (
    Check("lines_are_shares", "what an order's line lost is the sum of its shares", _line_shares()),
    Check("lines_are_totals", "an order's total, discount and points are the sums of its lines", _order_totals()),
    Check("refunds_within_paid", "only paid orders are refunded, and no more than was paid", _refunds_within_paid()),
    Check("whole_refund_is_paid", "when nothing of an order is left, exactly what was paid is back", _whole_refunds()),
    Check("refund_lines", "a refund is the sum of its lines", _refund_lines()),
    Check("refund_prices", "what units give back to all payers is their price", _refund_prices()),
    Check("returned_units", "a line's returned units are those of its refunds", _returned_units()),
)
