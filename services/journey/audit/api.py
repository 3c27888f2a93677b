"""The route of the audit."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.journey.audit.queries import Audit
from shared.audit import AuditView
from shared.web import Caller, Provided, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/audit", tags=["audit"])
AuditRead = Annotated[Caller, Depends(operator_needs("journey:audit:read"))]
Audits = Annotated[Audit, Provided(Audit)]


@router.get(
    "/journeys",
    summary="Audit journeys",
    openapi_extra=chinese("旅程对账", "核对本服务：没有卡住的运行，每个动作都有结果，计数与历史一致。"),
)
async def audit_journeys(caller: AuditRead, audit: Audits) -> AuditView:
    """Prove the identities of this service: no run is stuck, every effect has its outcome, counters equal the history."""
    return await audit.read()
