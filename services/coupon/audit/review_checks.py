"""The identities of the review queue: its cases, and what became of their coupons."""

from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from services.coupon.review.models import AbuseCase, AbuseCaseCoupon
from services.coupon.wallet.models import Coupon
from shared.audit import Check

A, AC, C = AbuseCase.c, AbuseCaseCoupon.c, Coupon.c


def _case_counts() -> Select[Any]:
    rows = select(AC.case_id, func.count().label("n")).group_by(AC.case_id).subquery()
    there = func.coalesce(rows.c.n, 0)
    return (
        select(A.id, A.coupons, there.label("there"))
        .join_from(AbuseCase.table, rows, rows.c.case_id == A.id, isouter=True)
        .where(A.coupons != there)
    )


def _case_outcomes() -> Select[Any]:
    """Taking coupons back leaves an outcome on each, and what it calls voided is void; other cases leave none."""
    taken_back = A.status.in_(("voided", "denied"))
    return (
        select(AC.case_id, AC.coupon_id, AC.outcome)
        .join_from(AbuseCaseCoupon.table, AbuseCase.table, A.id == AC.case_id)
        .join(Coupon.table, C.id == AC.coupon_id, isouter=True)
        .where(
            or_(
                and_(taken_back, AC.outcome.is_(None)),
                and_(~taken_back, AC.outcome.is_not(None)),
                and_(AC.outcome == "voided", C.status != "voided"),
            )
        )
    )


REVIEW_CHECKS = (
    Check("case_counts", "a case holds as many coupons as it says", _case_counts()),
    Check("case_outcomes", "a decided case says what became of each coupon", _case_outcomes()),
)
