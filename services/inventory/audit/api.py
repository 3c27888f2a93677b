"""Route of the audit."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.inventory.audit.queries import StockAudit
from shared.audit import AuditView
from shared.web import Caller, Provided, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get(
    "/stock",
    summary="Audit the stock ledger",
    openapi_extra=chinese("库存对账", "核对流水：库存量、变动和占用互相一致。"),
)
async def audit_stock(
    caller: Annotated[Caller, Depends(operator_needs("inventory:audit:read"))],
    audit: Annotated[StockAudit, Provided(StockAudit)],
) -> AuditView:
    """Prove the ledger: levels, movements and reservations agree."""
    return await audit.run()
