"""The identities of orders that hold coupons: locks, shares, lines and totals."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, Table, and_, case, func, or_, select

from services.coupon.checkout.models import Checkout, CheckoutCoupon, CheckoutLine, DiscountShare
from services.coupon.pricing.cart import POINTS, SHIPPING
from services.coupon.wallet.models import Coupon
from shared.audit import Check

C, K, L, N, S = Coupon.c, Checkout.c, CheckoutCoupon.c, CheckoutLine.c, DiscountShare.c


def sums(source: Table, keys: list[ColumnElement[Any]], **totals: ColumnElement[Any]) -> Subquery:
    """These `totals` of the table's rows, by `keys`."""
    columns = [func.sum(column).label(name) for name, column in totals.items()]
    return select(*keys, *columns).select_from(source).group_by(*keys).subquery()


def or_zero(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Nothing to add up counts as zero."""
    return func.coalesce(column, 0)


def _order_shares() -> Select[Any]:
    of_goods = (S.source != POINTS, S.line_id != SHIPPING)
    rows = select(S.checkout_id, func.sum(S.amount).label("n")).where(*of_goods).group_by(S.checkout_id).subquery()
    shared = func.coalesce(rows.c.n, 0)
    return (
        select(K.id, K.discount, shared.label("shares"))
        .join_from(Checkout.table, rows, rows.c.checkout_id == K.id, isouter=True)
        .where(K.discount != shared)
    )


def _coupon_shares() -> Select[Any]:
    rows = select(S.checkout_id, S.source, func.sum(S.amount).label("n")).group_by(S.checkout_id, S.source).subquery()
    shared = func.coalesce(rows.c.n, 0)
    same = and_(rows.c.checkout_id == L.checkout_id, rows.c.source == L.coupon_id)
    return (
        select(L.checkout_id, L.coupon_id, L.amount, shared.label("shares"))
        .join_from(CheckoutCoupon.table, rows, same, isouter=True)
        .where(L.amount != shared)
    )


def _one_live_lock() -> Select[Any]:
    live = select(L.coupon_id, func.count().label("n")).where(L.state == "live").group_by(L.coupon_id).subquery()
    return select(live.c.coupon_id, live.c.n.label("locks")).where(live.c.n > 1)


def _locks_agree() -> Select[Any]:
    """A coupon is locked exactly when a locked checkout holds it with the current token."""
    live = select(L.coupon_id, L.checkout_id, L.token).where(L.state == "live").subquery()
    same = and_(live.c.coupon_id == C.id, live.c.checkout_id == C.checkout_id, live.c.token == C.lock_token)
    return (
        select(C.id, C.status, C.checkout_id)
        .join_from(Coupon.table, live, live.c.coupon_id == C.id, isouter=True)
        .join(Checkout.table, K.id == live.c.checkout_id, isouter=True)
        .where(
            or_(
                and_(C.status == "locked", or_(live.c.coupon_id.is_(None), ~same, K.status != "locked")),
                and_(C.status != "locked", live.c.coupon_id.is_not(None)),
            )
        )
    )


def _line_shares() -> Select[Any]:
    """What a line lost is the sum of its shares, the offers' and the points'."""
    in_points = case((S.source == POINTS, S.amount), else_=0)
    rows = sums(DiscountShare.table, [S.checkout_id, S.line_id], offers=S.amount - in_points, points=in_points)
    same = and_(rows.c.checkout_id == N.checkout_id, rows.c.line_id == N.line_id)
    return (
        select(N.checkout_id, N.line_id, N.discount, N.points)
        .join_from(CheckoutLine.table, rows, same, isouter=True)
        .where(or_(N.discount != or_zero(rows.c.offers), N.points != or_zero(rows.c.points)))
    )


def _order_totals() -> Select[Any]:
    goods = case((N.line_id == SHIPPING, 0), else_=N.discount)
    rows = sums(
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


CHECKOUT_CHECKS = (
    Check("one_live_lock", "no coupon has two live locks", _one_live_lock()),
    Check(
        "locks_agree",
        "a coupon is locked exactly while a locked checkout holds it by the current token",
        _locks_agree(),
    ),
    Check("shares_are_discount", "the shares of a checkout sum up to its discount", _order_shares()),
    Check("shares_are_amounts", "the shares of a coupon sum up to its amount", _coupon_shares()),
    Check("lines_are_shares", "what an order's line lost is the sum of its shares", _line_shares()),
    Check("lines_are_totals", "an order's total, discount and points are the sums of its lines", _order_totals()),
)
