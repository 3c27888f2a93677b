"""The identities of cash-back: promised by a use, given once, as a coupon of that worth."""

from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select

from services.coupon.cash_back.models import CashBackPromise
from services.coupon.checkout.models import Checkout, CheckoutCoupon, CheckoutPromotion
from services.coupon.wallet.models import Coupon
from shared.audit import Check

B, K, C, L, U = CashBackPromise.c, Checkout.c, Coupon.c, CheckoutCoupon.c, CheckoutPromotion.c


def _promises() -> Select[Any]:
    """Each promise is what a coupon's lock or a promotion's use says."""
    lock = and_(L.checkout_id == B.checkout_id, L.coupon_id == B.source)
    use = and_(U.checkout_id == B.checkout_id, U.promotion_id == B.source)
    said = func.coalesce(L.cash_back, U.cash_back, 0)
    return (
        select(B.id, B.checkout_id, B.promised, said.label("said"))
        .join_from(CashBackPromise.table, CheckoutCoupon.table, lock, isouter=True)
        .join(CheckoutPromotion.table, use, isouter=True)
        .where(B.promised != said)
    )


def _states() -> Select[Any]:
    """Open and paid orders are promised something; only paid ones get it; those that were given up are not."""
    wanted = case(
        (B.status == "promised", K.status.in_(("locked", "committed"))),
        (B.status.in_(("due", "issued")), K.status == "committed"),
        else_=K.status != "locked",
    )
    return (
        select(B.id, B.checkout_id, B.status, K.status.label("order"))
        .join_from(CashBackPromise.table, Checkout.table, K.id == B.checkout_id, isouter=True)
        .where(or_(K.id.is_(None), ~wanted))
    )


def _issued() -> Select[Any]:
    """What is issued is there: the customer's coupon, of that worth."""
    theirs = and_(C.id == B.coupon_id, C.customer_id == B.customer_id, C.reference == B.id)
    return (
        select(B.id, B.checkout_id, B.amount, C.face_amount)
        .join_from(CashBackPromise.table, Coupon.table, theirs, isouter=True)
        .where(B.status == "issued", or_(C.id.is_(None), C.face_amount != B.amount))
    )


def _once() -> Select[Any]:
    """A coupon of cash-back is the one that its promise names: a second one would have none."""
    return (
        select(C.id, C.customer_id, C.reference)
        .join_from(Coupon.table, CashBackPromise.table, and_(B.coupon_id == C.id, B.id == C.reference), isouter=True)
        .where(C.source == "cash_back", B.id.is_(None))
    )


def _owed() -> Select[Any]:
    """What is owed of a coupon was taken as soon as it was free: it is used, or an order holds it."""
    return (
        select(B.id, B.checkout_id, B.owed, C.status)
        .join_from(CashBackPromise.table, Coupon.table, C.id == B.coupon_id, isouter=True)
        .where(B.owed > 0, or_(C.id.is_(None), C.status.not_in(("redeemed", "locked"))))
    )


CASH_BACK_CHECKS = (
    Check("cash_back_promises", "cash-back is promised by an order's coupon or promotion", _promises()),
    Check("cash_back_states", "cash-back is promised to open and paid orders, and given to paid ones", _states()),
    Check("cash_back_issued", "cash-back that is issued is a coupon of that worth", _issued()),
    Check("cash_back_once", "cash-back is issued once", _once()),
    Check("cash_back_owed", "cash-back of goods that came back is owed only while its coupon is used or held", _owed()),
)
