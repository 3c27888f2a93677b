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

router = APIRouter(prefix="/v1", tags=["segments"])
SegmentsRead = Annotated[Caller, Depends(merchant_needs("segments:segments:read"))]
OwnRead = Annotated[Caller, Depends(needs("segments:segments:read"))]
SegmentsWrite = Annotated[Caller, Depends(merchant_needs("segments:segments:write"))]
Management = Annotated[Segments, Provided(Segments)]
Questions = Annotated[SegmentQueries, Provided(SegmentQueries)]
Status = Annotated[Literal["backfilling", "live", "archived"] | None, Query(description="default: all but archived")]


@router.post("/segments", status_code=201, summary="Create a segment")
async def create_segment(caller: SegmentsWrite, segments: Management, body: SegmentIn) -> SegmentView:
    """Keep an audience from now on. Its history is backfilled; the answer's `status` says whether that is done."""
    return await segments.create(caller, body)


@router.get("/segments", summary="List segments")
async def list_segments(
    _: SegmentsRead, segments: Management, page: PageParams, status: Status = None
) -> Page[SegmentView]:
    """Segments, newest first."""
    return await segments.page(page, status)


@router.post("/segments/preview", summary="Preview a rule")
async def preview_segment(caller: SegmentsRead, audiences: Questions, body: PreviewIn) -> PreviewView:
    """Count whom a rule selects now, and show some of them; nothing is stored."""
    return await audiences.preview(caller, body)


@router.get("/segments/{segment_id}", summary="Read a segment")
async def get_segment(caller: SegmentsRead, segments: Management, segment_id: str) -> SegmentView:
    """One segment with its count, status and version."""
    return await segments.read(caller, segment_id)


@router.put("/segments/{segment_id}", summary="Replace a segment")
async def replace_segment(caller: SegmentsWrite, segments: Management, segment_id: str, body: SegmentIn) -> SegmentView:
    """Give a segment a whole new definition; another rule is a new version and backfills."""
    return await segments.change(caller, segment_id, SegmentPatch(**body.model_dump()))


@router.patch("/segments/{segment_id}", summary="Change a segment")
async def change_segment(
    caller: SegmentsWrite, segments: Management, segment_id: str, body: SegmentPatch
) -> SegmentView:
    """Change name, rule or time zone; another rule is a new version and backfills."""
    return await segments.change(caller, segment_id, body)


@router.delete("/segments/{segment_id}", summary="Archive a segment")
async def archive_segment(caller: SegmentsWrite, segments: Management, segment_id: str) -> SegmentView:
    """Stop evaluating a segment; its last members can still be read. Refused while another segment refers to it."""
    return await segments.archive(caller, segment_id)


@router.get("/segments/{segment_id}/versions", summary="List a segment's versions")
async def list_versions(_: SegmentsRead, segments: Management, segment_id: str, page: PageParams) -> Page[VersionView]:
    """Every definition that the segment had, newest first."""
    return await segments.versions(segment_id, page)


@router.get("/segments/{segment_id}/members", summary="List members")
async def list_members(_: SegmentsRead, audiences: Questions, segment_id: str, page: PageParams) -> Page[MemberView]:
    """Who is in the segment."""
    return await audiences.members(segment_id, page)


@router.get("/segments/{segment_id}/members/{customer_id}", summary="Explain a membership")
async def explain_member(caller: OwnRead, audiences: Questions, segment_id: str, customer_id: str) -> ExplanationView:
    """Why a customer is or is not in the segment, leaf by leaf, and when that changes by time alone."""
    return await audiences.explain(caller, segment_id, customer_id)
