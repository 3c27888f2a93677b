"""The route of the audit."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.journey.audit.queries import Audit
from shared.audit import AuditView
from shared.web import Caller, Provided, operator_needs

router = APIRouter(prefix="/v1/audit", tags=["audit"])
AuditRead = Annotated[Caller, Depends(operator_needs("journey:audit:read"))]
Audits = Annotated[Audit, Provided(Audit)]


@router.get("/journeys", summary="Audit journeys")
async def audit_journeys(caller: AuditRead, audit: Audits) -> AuditView:
    """Prove the identities of this service: no run is stuck, every effect has its outcome, counters equal the history."""
    return await audit.read()
