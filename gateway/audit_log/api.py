"""Reading the audit log 审计日志."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from gateway.audit_log.chain import Chain
from gateway.audit_log.log import AuditLog
from gateway.audit_log.models import Kind
from gateway.audit_log.repository import Wanted
from gateway.audit_log.schemas import AuditView, ChainView
from shared.web import Caller, ExternalId, Instant, Page, PageParams, Provided, invalid, needs, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/audit-log", tags=["audit"])
AuditRead = Annotated[Caller, Depends(needs("gateway:audit:read"))]
Log = Annotated[AuditLog, Provided(AuditLog)]
_MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class _Window(NamedTuple):
    since: datetime | None
    until: datetime | None


async def _window(
    since: Annotated[Instant | None, Query(description="from this instant on")] = None,
    until: Annotated[Instant | None, Query(description="before this instant")] = None,
) -> _Window:
    return _Window(since, until)


async def _wanted(
    window: Annotated[_Window, Depends(_window)],
    kind: Annotated[Kind | None, Query(description="calls at the door, or facts that followed")] = None,
    actor: Annotated[ExternalId | None, Query(max_length=60, description="who, `account:…` or `key:…`")] = None,
    action: Annotated[str | None, Query(max_length=120)] = None,
    object_id: Annotated[ExternalId | None, Query(max_length=200)] = None,
    request_id: Annotated[ExternalId | None, Query(max_length=100, description="of this request only")] = None,
) -> Wanted:
    return Wanted(kind, actor, action, object_id, request_id, window.since, window.until)


Which = Annotated[Wanted, Depends(_wanted)]


@router.get("", summary="List administrative calls", openapi_extra=chinese("列出管理操作", "管理操作日志，新的在前。"))
async def list_entries(caller: AuditRead, paging: PageParams, log: Log, wanted: Which) -> Page[AuditView]:
    """Administrative calls over all parts, and the facts that followed, newest first."""
    return await log.page(caller, paging, wanted)


@router.get(
    "/export",
    summary="Export the audit log",
    openapi_extra=chinese("导出审计日志", "按写入顺序导出为表格或每行一个 JSON，可用同样的条件筛选。"),
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "application/x-ndjson": {}}, "description": "A file"}},
)
async def export_entries(
    caller: AuditRead,
    log: Log,
    wanted: Which,
    format: Annotated[Literal["csv", "jsonl"], Query(description="csv for spreadsheets, or JSON lines")] = "csv",
) -> StreamingResponse:
    """A spreadsheet or JSON lines, in the order of writing, by the same filters."""
    stream = log.csv(caller, wanted) if format == "csv" else log.json_lines(caller, wanted)
    headers = {"Content-Disposition": f'attachment; filename="audit-log.{format}"', "Cache-Control": "no-store"}
    return StreamingResponse(stream, media_type=_MEDIA[format], headers=headers)


@router.get(
    "/verify",
    summary="Verify the audit log",
    openapi_extra=chinese(
        "校验审计日志", "逐条核对散列链，指出缺失或被改动之处。给出以前记下的 `seq` 和 `hash`，可证明其前未被重写。"
    ),
)
async def verify_chain(
    caller: Annotated[Caller, Depends(operator_needs("gateway:audit:read"))],
    chain: Annotated[Chain, Provided(Chain)],
    seq: Annotated[int | None, Query(ge=1, description="a place noted before")] = None,
    hash: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="the hash that was there")] = None,
) -> ChainView:
    """Walk along the chain and say where something is missing or was changed. With `seq` and `hash` noted before, also whether
    it is still the same chain."""
    if (seq is None) != (hash is None):
        raise invalid("?hash" if hash is None else "?seq", "missing", "Give seq and hash together, or neither.")
    return await chain.verify(None if seq is None or hash is None else (seq, hash))


@router.get(
    "/{entry_id}", summary="Read an entry of the audit log", openapi_extra=chinese("读取一条审计记录", "一条记录。")
)
async def get_entry(caller: AuditRead, log: Log, entry_id: str) -> AuditView:
    """One entry."""
    return await log.read(caller, entry_id)
