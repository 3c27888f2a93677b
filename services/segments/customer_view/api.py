"""Routes of the customer view."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.segments.customer_view.queries import CustomerViews
from services.segments.customer_view.schemas import ProfileRow, ProfileView, TimelineEntry
from shared.web import Caller, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["profiles"])
ProfilesRead = Annotated[Caller, Depends(needs("segments:profiles:read"))]
Views = Annotated[CustomerViews, Provided(CustomerViews)]


@router.get(
    "/profiles", summary="List people", openapi_extra=chinese("列出顾客档案", "顾客档案，新的在前；或按某个标识查找。")
)
async def list_profiles(
    caller: ProfilesRead,
    views: Views,
    page: PageParams,
    identifier: Annotated[str | None, Query(max_length=300, examples=["phone:+8613800138000"])] = None,
) -> Page[ProfileRow]:
    """People, newest first, or whom an identifier names."""
    return await views.page(caller, page, identifier)


@router.get(
    "/profiles/{customer_id}",
    summary="Read one person",
    openapi_extra=chinese("读取顾客档案", "一位顾客，按顾客 id 或档案 id。"),
)
async def get_profile(caller: ProfilesRead, views: Views, customer_id: str) -> ProfileView:
    """One person, by customer id or profile id."""
    return await views.read(caller, customer_id)


@router.get(
    "/profiles/{customer_id}/timeline",
    summary="List what somebody did",
    openapi_extra=chinese("列出顾客的行为", "某位顾客做过的事，新的在前。"),
)
async def get_timeline(caller: ProfilesRead, views: Views, customer_id: str, page: PageParams) -> Page[TimelineEntry]:
    """What somebody did, newest first."""
    return await views.timeline(caller, customer_id, page)
