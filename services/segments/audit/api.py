"""Route of the audit."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.segments.audit.proof import Audit
from shared.audit import AuditView
from shared.web import Caller, Provided, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/audit", tags=["segments"])


@router.get(
    "/segments",
    summary="Prove memberships",
    openapi_extra=chinese("人群对账", "核对人群成员、日志、计数和规则一致。期间暂停接收事件。"),
)
async def audit_segments(
    _: Annotated[Caller, Depends(operator_needs("segments:audit:read"))], audit: Annotated[Audit, Provided(Audit)]
) -> AuditView:
    """Prove that memberships, log, counts and rules agree. Ingestion waits meanwhile."""
    return await audit.run()
