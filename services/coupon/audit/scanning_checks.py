"""The identity of scans: each has the coupon that it gave."""

from typing import Any

from sqlalchemy import Select, and_, or_, select

from services.coupon.scanning.models import ClaimScan
from services.coupon.wallet.models import Coupon
from shared.audit import Check

Q, C = ClaimScan.c, Coupon.c


def _scans() -> Select[Any]:
    """A scan has the coupon that it gave, and that is its customer's."""
    return (
        select(Q.claim_code_id, Q.customer_id, Q.slot)
        .join_from(ClaimScan.table, Coupon.table, and_(C.id == Q.coupon_id, C.source == "qr"), isouter=True)
        .where(or_(C.id.is_(None), C.customer_id != Q.customer_id))
    )


SCANNING_CHECKS = (Check("scans", "every scan has the coupon that it gave its customer", _scans()),)
