"""Routes of locations."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.inventory.locations.management import Locations
from services.inventory.locations.models import Kind
from services.inventory.locations.schemas import LocationIn, LocationPatch, LocationView
from shared.web import Caller, Page, PageParams, Provided, needs

router = APIRouter(prefix="/v1/locations", tags=["locations"])
LocationsRead = Annotated[Caller, Depends(needs("inventory:locations:read"))]
LocationsWrite = Annotated[Caller, Depends(needs("inventory:locations:write"))]
Management = Annotated[Locations, Provided(Locations)]


@router.post("", status_code=201, summary="Create a location")
async def create_location(caller: LocationsWrite, body: LocationIn, locations: Management) -> LocationView:
    """Create a location. The same id with the same values again is no error."""
    return await locations.create(body)


@router.get("", summary="List locations")
async def list_locations(
    caller: LocationsRead,
    locations: Management,
    paging: PageParams,
    kind: Annotated[Kind | None, Query()] = None,
    active: Annotated[bool | None, Query()] = None,
) -> Page[LocationView]:
    """All locations, by id."""
    return await locations.page(paging, kind, active)


@router.get("/{location_id}", summary="Read a location")
async def read_location(caller: LocationsRead, location_id: str, locations: Management) -> LocationView:
    """One location."""
    return await locations.read(location_id)


@router.patch("/{location_id}", summary="Change a location")
async def change_location(
    caller: LocationsWrite, location_id: str, body: LocationPatch, locations: Management
) -> LocationView:
    """Change some fields of a location."""
    return await locations.change(location_id, body)
