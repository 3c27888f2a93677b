"""The identities of the packs."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, or_, select

from services.coupon.packs.models import CouponPack, PackClaim
from services.coupon.wallet.models import Coupon

P, C = PackClaim.c, Coupon.c


def _pack_counters() -> Select[Any]:
    rows = select(P.pack_id, func.count().label("n")).group_by(P.pack_id).subquery()
    counted = func.coalesce(rows.c.n, 0)
    return (
        select(CouponPack.c.id, CouponPack.c.issued, counted)
        .join_from(CouponPack.table, rows, rows.c.pack_id == CouponPack.c.id, isouter=True)
        .where(CouponPack.c.issued != counted)
    )


def _pack_coupons() -> Select[Any]:
    """Coupons that came with a pack name its claim; the claim names as many."""
    rows = select(C.reference, func.count().label("n")).where(C.source == "pack").group_by(C.reference).subquery()
    return (
        select(func.coalesce(P.id, rows.c.reference), P.coupon_count, rows.c.n)
        .join_from(PackClaim.table, rows, rows.c.reference == P.id, full=True)
        .where(or_(P.id.is_(None), rows.c.n.is_(None), rows.c.n != P.coupon_count))
    )


PACK_CHECKS: Mapping[str, tuple[Select[Any], str]] = {
    "pack_counters": (_pack_counters(), "a pack's counter is the number of its claims"),
    "pack_coupons": (_pack_coupons(), "a claim of a pack has all its coupons, and each such coupon its claim"),
}
"""Name → (the rows that break it, what holds)."""
