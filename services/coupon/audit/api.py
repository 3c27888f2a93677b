"""Routes of the audit."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.coupon.audit.queries import CouponAudit
from shared.audit import AuditView
from shared.web import Caller, Provided, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/audit", tags=["audit"])
AuditRead = Annotated[Caller, Depends(operator_needs("coupon:audit:read"))]


@router.get(
    "/coupons",
    summary="Prove the identities of the coupon service",
    openapi_extra=chinese("优惠券对账", "核对计数、上限、预算、分摊、锁定和流水。不成立的检查会指出出错的行。"),
)
async def audit_coupons(caller: AuditRead, audit: Annotated[CouponAudit, Provided(CouponAudit)]) -> AuditView:
    """Counters, limits, budgets, shares, locks and ledger. A check that fails names the offending rows."""
    return await audit.run()
