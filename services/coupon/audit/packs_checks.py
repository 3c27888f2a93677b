"""The identities of the packs."""

from typing import Any

from sqlalchemy import Select, func, or_, select

from services.coupon.packs.models import CouponPack, PackClaim
from services.coupon.wallet.models import Coupon
from shared.audit import Check

P, C = PackClaim.c, Coupon.c


def _pack_counters() -> Select[Any]:
    rows = select(P.pack_id, func.count().label("n")).group_by(P.pack_id).subquery()
    counted = func.coalesce(rows.c.n, 0)
    return (
        select(CouponPack.c.id, CouponPack.c.issued, counted.label("claims"))
        .join_from(CouponPack.table, rows, rows.c.pack_id == CouponPack.c.id, isouter=True)
        .where(CouponPack.c.issued != counted)
    )


def _pack_coupons() -> Select[Any]:
    """Coupons that came with a pack name its claim; the claim names as many."""
    rows = select(C.reference, func.count().label("n")).where(C.source == "pack").group_by(C.reference).subquery()
    return (
        select(func.coalesce(P.id, rows.c.reference).label("claim_id"), P.coupon_count, rows.c.n.label("coupons"))
        .join_from(PackClaim.table, rows, rows.c.reference == P.id, full=True)
        .where(or_(P.id.is_(None), rows.c.n.is_(None), rows.c.n != P.coupon_count))
    )


PACKS_CHECKS = (
    Check("pack_counters", "a pack's counter is the number of its claims", _pack_counters()),
    Check("pack_coupons", "a claim of a pack has all its coupons, and each such coupon its claim", _pack_coupons()),
)
