"""The identities of refunds: never more than was paid, and all of it when all comes back."""

from typing import Any

from sqlalchemy import Select, Subquery, Table, and_, case, exists, or_, select, union_all

from services.coupon.audit.checkout_checks import or_zero, sums
from services.coupon.cash_back.models import CashBackPromise
from services.coupon.checkout.models import Checkout, CheckoutCoupon, CheckoutLine, CheckoutPromotion, DiscountShare
from services.coupon.pricing.cart import POINTS, SHIPPING
from services.coupon.refunds.models import Refund, RefundLine, RefundShare
from shared.audit import Check

K, N, S = Checkout.c, CheckoutLine.c, DiscountShare.c
R, RL, RS, B = Refund.c, RefundLine.c, RefundShare.c, CashBackPromise.c


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
    """When nothing of an order is left, all that was paid is back: money, points, and all that the offers took off."""
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


def _payers() -> Select[Any]:
    """No payer gets more back than they gave: of each offer, all refunds together give back at most what it took off."""
    back = sums(RefundShare.table, [RS.checkout_id, RS.source], amount=RS.amount)
    taken = sums(DiscountShare.table, [S.checkout_id, S.source], amount=S.amount)
    same = and_(taken.c.checkout_id == back.c.checkout_id, taken.c.source == back.c.source)
    return (
        select(back.c.checkout_id, back.c.source, back.c.amount, taken.c.amount.label("taken"))
        .join_from(back, taken, same, isouter=True)
        .where(back.c.amount > or_zero(taken.c.amount))
    )


def _given_back(uses: Table, source: str) -> Select[Any]:
    """Offers of `uses` that came back though something is kept: goods of the order, or what the offer itself gave.

    That is a gift, the shipping fee if it paid of it, or cash-back.
    """
    checkout_id, offer, state = uses.c.checkout_id, uses.c[source], uses.c.state
    kept = (N.checkout_id == checkout_id, N.returned < N.quantity)
    goods = exists().where(*kept, or_(N.kind == "goods", N.source == offer))
    paid = (S.checkout_id == checkout_id, S.source == offer, S.line_id == SHIPPING)
    fee = exists().where(*kept, N.line_id == SHIPPING, *paid)
    given = exists().where(B.checkout_id == checkout_id, B.source == offer, B.status == "issued")
    return select(checkout_id, offer.label("offer"), state).where(state == "returned", or_(goods, fee, given))


REFUNDS_CHECKS = (
    Check("refunds_within_paid", "only paid orders are refunded, and no more than was paid", _refunds_within_paid()),
    Check("whole_refund_is_paid", "when nothing of an order is left, exactly what was paid is back", _whole_refunds()),
    Check("refund_lines", "a refund is the sum of its lines", _refund_lines()),
    Check("refund_prices", "what units give back to all payers is their price", _refund_prices()),
    Check("refund_payers", "nobody who paid a discount gets more back than they paid", _payers()),
    Check(
        "offers_come_back_last",
        "an offer comes back when nothing is kept of the goods and of what it gave",
        union_all(_given_back(CheckoutCoupon.table, "coupon_id"), _given_back(CheckoutPromotion.table, "promotion_id")),
    ),
    Check("returned_units", "a line's returned units are those of its refunds", _returned_units()),
)
