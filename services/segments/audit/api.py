"""Route of the audit."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.segments.audit.proof import Audit
from shared.audit import AuditView
from shared.web import Caller, Provided, operator_needs

router = APIRouter(prefix="/v1/audit", tags=["segments"])


@router.get("/segments", summary="Prove memberships")
async def audit_segments(
    _: Annotated[Caller, Depends(operator_needs("segments:audit:read"))], audit: Annotated[Audit, Provided(Audit)]
) -> AuditView:
    """Prove that memberships, log, counts and rules agree. Ingestion waits meanwhile."""
    return await audit.run()
