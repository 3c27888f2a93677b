"""Reading the audit log 审计日志."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from gateway.audit_log.log import AuditLog
from gateway.audit_log.schemas import AuditView
from shared.web import Caller, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/audit-log", tags=["audit"])
AuditRead = Annotated[Caller, Depends(needs("gateway:audit:read"))]
Log = Annotated[AuditLog, Provided(AuditLog)]


@router.get("", summary="List administrative calls", openapi_extra=chinese("列出管理操作", "管理操作日志，新的在前。"))
async def list_entries(
    caller: AuditRead,
    paging: PageParams,
    log: Log,
    object_id: Annotated[ExternalId | None, Query(max_length=60)] = None,
    action: Annotated[str | None, Query(max_length=60)] = None,
) -> Page[AuditView]:
    """Administrative calls, newest first."""
    return await log.page(caller, paging, object_id, action)
