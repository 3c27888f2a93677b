"""The identities of codes, unique and public: each use has its coupon, each coupon its use."""

from typing import Any

from sqlalchemy import Select, String, and_, cast, func, or_, select

from services.coupon.codes.models import Code, CodeBatch, PublicCode, PublicCodeUse
from services.coupon.wallet.models import Coupon
from shared.audit import Check

B, U, P, N, C = CodeBatch.c, Code.c, PublicCode.c, PublicCodeUse.c, Coupon.c


def _codes_made() -> Select[Any]:
    """A batch has as many codes as it says, numbered from 1 without gaps."""
    rows = select(U.batch_id, func.count().label("n"), func.max(U.number).label("top")).group_by(U.batch_id).subquery()
    there = func.coalesce(rows.c.n, 0)
    return (
        select(B.id, B.made, there.label("there"))
        .join_from(CodeBatch.table, rows, rows.c.batch_id == B.id, isouter=True)
        .where(or_(B.made != there, B.made != func.coalesce(rows.c.top, 0)))
    )


def _codes_used() -> Select[Any]:
    """A used code names the coupon that names it."""
    return (
        select(U.batch_id, U.number, U.coupon_id)
        .join_from(Code.table, Coupon.table, C.id == U.coupon_id, isouter=True)
        .where(
            U.coupon_id.is_not(None),
            or_(
                C.id.is_(None),
                C.source != "code",
                C.customer_id != U.customer_id,
                C.reference != U.batch_id.concat(":").concat(cast(U.number, String)),
            ),
        )
    )


def _code_coupons() -> Select[Any]:
    """A coupon of a code is the one that a code, unique or public, says it gave."""
    return (
        select(C.id, C.reference)
        .join_from(Coupon.table, Code.table, U.coupon_id == C.id, isouter=True)
        .join(PublicCodeUse.table, N.coupon_id == C.id, isouter=True)
        .where(C.source == "code", U.coupon_id.is_(None), N.coupon_id.is_(None))
    )


def _public_used() -> Select[Any]:
    rows = select(N.public_code_id, func.count().label("n")).group_by(N.public_code_id).subquery()
    there = func.coalesce(rows.c.n, 0)
    return (
        select(P.id, P.used, there.label("there"))
        .join_from(PublicCode.table, rows, rows.c.public_code_id == P.id, isouter=True)
        .where(or_(P.used != there, P.used > P.total))
    )


def _public_uses() -> Select[Any]:
    """A use names a coupon of its customer."""
    return (
        select(N.public_code_id, N.customer_id, N.number, N.coupon_id)
        .join_from(PublicCodeUse.table, Coupon.table, and_(C.id == N.coupon_id, C.source == "code"), isouter=True)
        .where(or_(C.id.is_(None), C.customer_id != N.customer_id))
    )


CODES_CHECKS = (
    Check("codes_made", "a batch has as many codes as it made, numbered without gaps", _codes_made()),
    Check("codes_used", "a used code names the coupon that names it", _codes_used()),
    Check("code_coupons", "every coupon of a code has its code", _code_coupons()),
    Check("public_used", "a public code's counter is the number of its uses, within its total", _public_used()),
    Check("public_uses", "every use of a public code names a coupon of its customer", _public_uses()),
)
