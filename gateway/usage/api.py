"""Reading usage 用量."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from gateway.usage.management import Usage
from gateway.usage.repository import GroupBy, WantedUsage
from gateway.usage.schemas import UsageView
from shared.web import Caller, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/usage", tags=["usage"])
UsageRead = Annotated[Caller, Depends(needs("gateway:usage:read"))]
Managed = Annotated[Usage, Provided(Usage)]


async def _wanted(
    usage: Managed,
    first: Annotated[date | None, Query(alias="from", description="the first day, in the merchant's time zone")] = None,
    last: Annotated[date | None, Query(alias="to", description="the last day, included; today unless given")] = None,
    key_id: Annotated[
        ExternalId | None, Query(max_length=40, description="of this key and those it was rotated from and into")
    ] = None,
    group_by: Annotated[GroupBy, Query(description="what to sum by")] = "route",
) -> WantedUsage:
    return usage.wanted(first, last, key_id, group_by)


Which = Annotated[WantedUsage, Depends(_wanted)]


@router.get(
    "",
    summary="List usage",
    openapi_extra=chinese(
        "查看用量",
        "最近三十天的调用次数，按密钥、接口或日期汇总，区分成功、被拒、限流、失败；最多晚五秒。合作方只看到自己的。"
        "不在 `group_by=key` 结果中的密钥就是闲置的。",
    ),
)
async def list_usage(caller: UsageRead, paging: PageParams, usage: Managed, wanted: Which) -> Page[UsageView]:
    """Calls of the last thirty days by key, operation or day, and what became of them; five seconds late at most. A partner sees
    its own. Which key is idle: one that is not among those of `group_by=key`."""
    return await usage.page(caller, paging, wanted)


@router.get(
    "/export",
    summary="Export usage",
    openapi_extra=chinese("导出用量", "同样的汇总，导出为 CSV 表格。"),
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "A file"}},
)
async def export_usage(caller: UsageRead, usage: Managed, wanted: Which) -> StreamingResponse:
    """The same sums as a spreadsheet."""
    headers = {"Content-Disposition": 'attachment; filename="usage.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(usage.csv(caller, wanted), media_type="text/csv; charset=utf-8", headers=headers)
