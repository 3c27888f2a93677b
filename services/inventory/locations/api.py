"""Routes of locations."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.inventory.locations.management import Locations
from services.inventory.locations.models import Kind
from services.inventory.locations.schemas import LocationIn, LocationPatch, LocationView
from shared.web import Caller, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/locations", tags=["locations"])
LocationsRead = Annotated[Caller, Depends(needs("inventory:locations:read"))]
LocationsWrite = Annotated[Caller, Depends(needs("inventory:locations:write"))]
Management = Annotated[Locations, Provided(Locations)]


@router.post(
    "",
    status_code=201,
    summary="Create a location",
    openapi_extra=chinese("创建仓库或门店", "创建一个地点。同样的 id 和同样的内容再次提交不算错误。"),
)
async def create_location(caller: LocationsWrite, body: LocationIn, locations: Management) -> LocationView:
    """Create a location. The same id with the same values again is no error."""
    return await locations.create(body)


@router.get("", summary="List locations", openapi_extra=chinese("列出仓库与门店", "全部地点，按 id 排列。"))
async def list_locations(
    caller: LocationsRead,
    locations: Management,
    paging: PageParams,
    kind: Annotated[Kind | None, Query()] = None,
    active: Annotated[bool | None, Query()] = None,
) -> Page[LocationView]:
    """All locations, by id."""
    return await locations.page(paging, kind, active)


@router.get("/{location_id}", summary="Read a location", openapi_extra=chinese("读取仓库或门店", "一个地点。"))
async def read_location(caller: LocationsRead, location_id: str, locations: Management) -> LocationView:
    """One location."""
    return await locations.read(location_id)


@router.patch(
    "/{location_id}", summary="Change a location", openapi_extra=chinese("修改仓库或门店", "修改地点的部分字段。")
)
async def change_location(
    caller: LocationsWrite, location_id: str, body: LocationPatch, locations: Management
) -> LocationView:
    """Change some fields of a location."""
    return await locations.change(location_id, body)
