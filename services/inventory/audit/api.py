"""Route of the audit."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.inventory.audit.queries import StockAudit
from shared.audit import AuditView
from shared.web import Caller, Provided, operator_needs

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("/stock", summary="Audit the stock ledger")
async def audit_stock(
    caller: Annotated[Caller, Depends(operator_needs("inventory:audit:read"))],
    audit: Annotated[StockAudit, Provided(StockAudit)],
) -> AuditView:
    """Prove the ledger: levels, movements and reservations agree."""
    return await audit.run()
