"""Reading the audit log 审计日志."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select

from gateway.audit.recording import AUDIT
from shared.db import Database
from shared.web import Caller, Instant, Page, PageParams, Provided, View, fetch_page, needs

router = APIRouter(prefix="/v1/audit-log", tags=["audit"])
AuditRead = Annotated[Caller, Depends(needs("gateway:audit:read"))]


class AuditView(View):
    """One administrative call that took effect."""

    id: str
    at: Instant
    actor_key_id: str | None
    action: str
    object_id: str
    request_id: str | None
    detail: dict[str, Any]


@router.get("")
async def list_entries(
    caller: AuditRead,
    paging: PageParams,
    db: Annotated[Database, Provided(Database)],
    object_id: Annotated[str | None, Query(max_length=60)] = None,
    action: Annotated[str | None, Query(max_length=60)] = None,
) -> Page[AuditView]:
    """Administrative calls, newest first."""
    statement = select(AUDIT)
    if caller.kind != "secret":
        statement = statement.where(AUDIT.c.owner_id == caller.owner_id)
    if object_id is not None:
        statement = statement.where(AUDIT.c.object_id == object_id)
    if action is not None:
        statement = statement.where(AUDIT.c.action == action)
    async with db.read() as tx:
        return await fetch_page(tx, statement, AUDIT.c.id, paging, AuditView.model_validate)
