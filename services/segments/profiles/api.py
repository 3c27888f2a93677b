"""Routes of people."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.segments.profiles.reading import People
from services.segments.profiles.schemas import ProfileRow, ProfileView, TimelineEntry
from shared.web import Caller, Page, PageParams, Provided, needs

router = APIRouter(prefix="/v1", tags=["profiles"])
ProfilesRead = Annotated[Caller, Depends(needs("segments:profiles:read"))]
Reading = Annotated[People, Provided(People)]


@router.get("/profiles")
async def list_profiles(
    caller: ProfilesRead,
    people: Reading,
    page: PageParams,
    identifier: Annotated[str | None, Query(max_length=300, examples=["phone:+8613800138000"])] = None,
) -> Page[ProfileRow]:
    """People, newest first, or whom an identifier names."""
    return await people.page(caller, page, identifier)


@router.get("/profiles/{customer_id}")
async def get_profile(caller: ProfilesRead, people: Reading, customer_id: str) -> ProfileView:
    """One person, by customer id or profile id."""
    return await people.get(caller, customer_id)


@router.get("/profiles/{customer_id}/timeline")
async def get_timeline(
    caller: ProfilesRead, people: Reading, customer_id: str, page: PageParams
) -> Page[TimelineEntry]:
    """What somebody did, newest first."""
    return await people.timeline(caller, customer_id, page)
