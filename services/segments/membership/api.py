"""Routes of segments."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from services.segments.membership.management import Segments
from services.segments.membership.queries import SegmentQueries
from services.segments.membership.schemas import (
    ExplanationView,
    MemberView,
    PreviewIn,
    PreviewView,
    SegmentIn,
    SegmentPatch,
    SegmentView,
    VersionView,
)
from shared.web import Caller, Page, PageParams, Provided, merchant_needs, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["segments"])
SegmentsRead = Annotated[Caller, Depends(merchant_needs("segments:segments:read"))]
OwnRead = Annotated[Caller, Depends(needs("segments:segments:read"))]
SegmentsWrite = Annotated[Caller, Depends(merchant_needs("segments:segments:write"))]
Management = Annotated[Segments, Provided(Segments)]
Questions = Annotated[SegmentQueries, Provided(SegmentQueries)]
Status = Annotated[Literal["backfilling", "live", "archived"] | None, Query(description="default: all but archived")]


@router.post(
    "/segments",
    status_code=201,
    summary="Create a segment",
    openapi_extra=chinese("创建人群", "从现在起维护一个人群，并回溯历史；应答的 `status` 说明回溯是否完成。"),
)
async def create_segment(caller: SegmentsWrite, segments: Management, body: SegmentIn) -> SegmentView:
    """Keep an audience from now on. Its history is backfilled; the answer's `status` says whether that is done."""
    return await segments.create(caller, body)


@router.get("/segments", summary="List segments", openapi_extra=chinese("列出人群", "人群，新的在前。"))
async def list_segments(
    _: SegmentsRead, segments: Management, page: PageParams, status: Status = None
) -> Page[SegmentView]:
    """Segments, newest first."""
    return await segments.page(page, status)


@router.post(
    "/segments/preview",
    summary="Preview a rule",
    openapi_extra=chinese("预览规则", "统计规则此刻选中多少人，并展示其中一些；不保存任何内容。"),
)
async def preview_segment(caller: SegmentsRead, audiences: Questions, body: PreviewIn) -> PreviewView:
    """Count whom a rule selects now, and show some of them; nothing is stored."""
    return await audiences.preview(caller, body)


@router.get(
    "/segments/{segment_id}",
    summary="Read a segment",
    openapi_extra=chinese("读取人群", "一个人群的人数、状态和版本。"),
)
async def get_segment(caller: SegmentsRead, segments: Management, segment_id: str) -> SegmentView:
    """One segment with its count, status and version."""
    return await segments.read(caller, segment_id)


@router.put(
    "/segments/{segment_id}",
    summary="Replace a segment",
    openapi_extra=chinese("替换人群定义", "给人群一个全新的定义；规则不同即为新版本，并回溯。"),
)
async def replace_segment(caller: SegmentsWrite, segments: Management, segment_id: str, body: SegmentIn) -> SegmentView:
    """Give a segment a whole new definition; another rule is a new version and backfills."""
    return await segments.change(caller, segment_id, SegmentPatch(**body.model_dump()))


@router.patch(
    "/segments/{segment_id}",
    summary="Change a segment",
    openapi_extra=chinese("修改人群", "修改名称、规则或时区；规则不同即为新版本，并回溯。"),
)
async def change_segment(
    caller: SegmentsWrite, segments: Management, segment_id: str, body: SegmentPatch
) -> SegmentView:
    """Change name, rule or time zone; another rule is a new version and backfills."""
    return await segments.change(caller, segment_id, body)


@router.delete(
    "/segments/{segment_id}",
    summary="Archive a segment",
    openapi_extra=chinese("归档人群", "停止计算人群；最后的成员仍可读取。仍被其他人群引用时会被拒绝。"),
)
async def archive_segment(caller: SegmentsWrite, segments: Management, segment_id: str) -> SegmentView:
    """Stop evaluating a segment; its last members can still be read. Refused while another segment refers to it."""
    return await segments.archive(caller, segment_id)


@router.get(
    "/segments/{segment_id}/versions",
    summary="List a segment's versions",
    openapi_extra=chinese("列出人群的版本", "人群有过的每个定义，新的在前。"),
)
async def list_versions(_: SegmentsRead, segments: Management, segment_id: str, page: PageParams) -> Page[VersionView]:
    """Every definition that the segment had, newest first."""
    return await segments.versions(segment_id, page)


@router.get(
    "/segments/{segment_id}/members", summary="List members", openapi_extra=chinese("列出人群成员", "人群中有谁。")
)
async def list_members(_: SegmentsRead, audiences: Questions, segment_id: str, page: PageParams) -> Page[MemberView]:
    """Who is in the segment."""
    return await audiences.members(segment_id, page)


@router.get(
    "/segments/{segment_id}/members/{customer_id}",
    summary="Explain a membership",
    openapi_extra=chinese("解释是否属于人群", "顾客为何属于或不属于人群，逐条件说明，以及随时间推移何时会变化。"),
)
async def explain_member(caller: OwnRead, audiences: Questions, segment_id: str, customer_id: str) -> ExplanationView:
    """Why a customer is or is not in the segment, leaf by leaf, and when that changes by time alone."""
    return await audiences.explain(caller, segment_id, customer_id)
