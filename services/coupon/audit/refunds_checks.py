"""The identities of refunds: never more than was paid, and all of it when all comes back."""

from typing import Any

from sqlalchemy import Select, Subquery, and_, case, or_, select

from services.coupon.audit.checkout_checks import or_zero, sums
from services.coupon.checkout.models import Checkout, CheckoutLine, DiscountShare
from services.coupon.pricing.cart import POINTS
from services.coupon.refunds.models import Refund, RefundLine, RefundShare
from shared.audit import Check

K, N, S = Checkout.c, CheckoutLine.c, DiscountShare.c
R, RL, RS = Refund.c, RefundLine.c, RefundShare.c


def _refunded() -> Subquery:
    return sums(Refund.table, [R.checkout_id], amount=R.amount, points=R.points)


def _refunds_within_paid() -> Select[Any]:
    rows = _refunded()
    return (
        select(K.id, K.status, K.total, rows.c.amount.label("refunded"))
        .join_from(Checkout.table, rows, rows.c.checkout_id == K.id)
        .where(or_(rows.c.amount > K.total, rows.c.points > K.points, K.status != "committed"))
    )


def _whole_refunds() -> Select[Any]:
    """When nothing of an order is left, all that was paid is back: money, points, and every offer's share."""
    rows, left = _refunded(), sums(CheckoutLine.table, [N.checkout_id], units=N.quantity - N.returned)
    taken = sums(DiscountShare.table, [S.checkout_id], amount=case((S.source == POINTS, 0), else_=S.amount))
    back = sums(RefundShare.table, [RS.checkout_id], amount=RS.amount)
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
                or_zero(taken.c.amount) != or_zero(back.c.amount),
            ),
        )
    )


def _refund_lines() -> Select[Any]:
    rows = sums(RefundLine.table, [RL.refund_id], amount=RL.amount, points=RL.points)
    return (
        select(R.id, R.checkout_id, R.amount, rows.c.amount.label("lines"))
        .join_from(Refund.table, rows, rows.c.refund_id == R.id, isouter=True)
        .where(or_(R.amount != or_zero(rows.c.amount), R.points != or_zero(rows.c.points)))
    )


def _refund_prices() -> Select[Any]:
    """What a line's units give back, to the customer and to those who paid the discounts, is their price."""
    back = sums(RefundShare.table, [RS.refund_id, RS.line_id], amount=RS.amount)
    line = and_(N.checkout_id == RL.checkout_id, N.line_id == RL.line_id)
    same = and_(back.c.refund_id == RL.refund_id, back.c.line_id == RL.line_id)
    return (
        select(RL.refund_id, RL.checkout_id, RL.line_id, RL.amount)
        .join_from(RefundLine.table, CheckoutLine.table, line)
        .join(back, same, isouter=True)
        .where(RL.amount + RL.points + or_zero(back.c.amount) != N.unit_price * RL.quantity)
    )


def _returned_units() -> Select[Any]:
    rows = sums(RefundLine.table, [RL.checkout_id, RL.line_id], units=RL.quantity)
    same = and_(rows.c.checkout_id == N.checkout_id, rows.c.line_id == N.line_id)
    return (
        select(N.checkout_id, N.line_id, N.returned, rows.c.units)
        .join_from(CheckoutLine.table, rows, same, isouter=True)
        .where(N.returned != or_zero(rows.c.units))
    )


REFUNDS_CHECKS = (
    Check("refunds_within_paid", "only paid orders are refunded, and no more than was paid", _refunds_within_paid()),
    Check("whole_refund_is_paid", "when nothing of an order is left, exactly what was paid is back", _whole_refunds()),
    Check("refund_lines", "a refund is the sum of its lines", _refund_lines()),
    Check("refund_prices", "what units give back to all payers is their price", _refund_prices()),
    Check("returned_units", "a line's returned units are those of its refunds", _returned_units()),
)
