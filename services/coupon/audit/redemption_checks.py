"""The identities of tills: what they did stands in the ledger of coupons."""

from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select

from services.coupon.redemption.models import Redemption, RedemptionConflict
from services.coupon.wallet.models import CouponEntry
from shared.audit import Check

R, F, E = Redemption.c, RedemptionConflict.c, CouponEntry.c


def _till_ledger() -> Select[Any]:
    """What a till did stands in the coupon's ledger: redeemed once with its amount, and returned once if reversed."""
    rows = (
        select(
            E.checkout_id,
            E.coupon_id,
            func.count(case((E.event == "redeemed", 1))).label("redeemed"),
            func.count(case((E.event == "returned", 1))).label("returned"),
            func.max(case((E.event == "redeemed", E.amount))).label("amount"),
        )
        .group_by(E.checkout_id, E.coupon_id)
        .subquery()
    )
    same = and_(rows.c.checkout_id == R.id, rows.c.coupon_id == R.coupon_id)
    reversals = case((R.status == "reversed", 1), else_=0)
    return (
        select(R.id, R.coupon_id, R.amount)
        .join_from(Redemption.table, rows, same, isouter=True)
        .where(
            or_(
                func.coalesce(rows.c.redeemed, 0) != 1,
                rows.c.amount != R.amount,
                rows.c.returned != reversals,
            )
        )
    )


def _conflicts_lose() -> Select[Any]:
    """A receipt is in conflict about a coupon, or it used it; never both."""
    same = and_(F.shop_id == R.shop_id, F.order_ref == R.order_ref, F.coupon_id == R.coupon_id)
    return (
        select(F.id, R.id.label("redemption_id"))
        .join_from(RedemptionConflict.table, Redemption.table, same)
        .where(R.offline, R.status == "redeemed")
    )


REDEMPTION_CHECKS = (
    Check("till_ledger", "what a till did stands in the coupon's ledger, with its amount", _till_ledger()),
    Check("conflicts_lose", "no receipt is in conflict about a coupon that it used", _conflicts_lose()),
)
