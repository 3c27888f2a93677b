"""Create, change and read locations."""

from typing import Any

from sqlalchemy import select

from services.inventory.locations.models import Location
from services.inventory.locations.schemas import Geo, LocationIn, LocationPatch, LocationView
from shared.clock import Clock
from shared.db import Database, insert_ignore, table
from shared.ids import new_id
from shared.web import Conflict, NotFound, Page, Paging, fetch_page, filtered

_LOCATION = table(Location)


class Locations:
    """The merchant's places. Simple entities: they go through the session."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def create(self, body: LocationIn) -> LocationView:
        """The new location; the same body under the same id again answers the location as it is.

        Raises Conflict (`location_exists`) when the id belongs to a location that was created with other values.
        """
        values = _values(body)
        now = self._clock.now()
        row = {"id": body.id or new_id("loc"), "active": True, "version": 1, "created_at": now, "updated_at": now}
        async with self._db.write() as tx:
            created = await insert_ignore(tx, _LOCATION, [row | values])
            found = await tx.session().get_one(Location, row["id"])
            if not created and any(getattr(found, name) != value for name, value in values.items()):
                raise Conflict(
                    "location_exists",
                    f"There is a location {found.id} with other values. Change it with PATCH /v1/locations/{found.id}.",
                )
            return view(found)

    async def change(self, location_id: str, body: LocationPatch) -> LocationView:
        """The location after the change. Raises NotFound."""
        given = body.model_dump(exclude_unset=True, exclude={"geo"})
        if "geo" in body.model_fields_set:
            given |= _point(body.geo)
        async with self._db.write() as tx:
            found = await tx.session().get(Location, location_id, with_for_update=True)
            if found is None:
                raise _no_location(location_id)
            if any(getattr(found, name) != value for name, value in given.items()):
                for name, value in given.items():
                    setattr(found, name, value)
                found.version += 1
                found.updated_at = self._clock.now()
            return view(found)

    async def read(self, location_id: str) -> LocationView:
        """Raises NotFound."""
        async with self._db.read() as tx:
            found = await tx.session().get(Location, location_id)
        if found is None:
            raise _no_location(location_id)
        return view(found)

    async def page(self, paging: Paging, kind: str | None, active: bool | None) -> Page[LocationView]:
        """Locations by id, in alphabetical order."""
        statement = filtered(select(_LOCATION), {_LOCATION.c.kind: kind, _LOCATION.c.active: active})
        async with self._db.read() as tx:
            return await fetch_page(tx, statement, _LOCATION.c.id, paging, view, ascending=True)


def view(row: Any) -> LocationView:
    """A row of the table, or the entity."""
    return LocationView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        geo=None if row.lat is None else Geo(lat=row.lat, lon=row.lon),
        address=row.address,
        can_ship=row.can_ship,
        can_pickup=row.can_pickup,
        active=row.active,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _values(body: LocationIn) -> dict[str, Any]:
    return {
        "name": body.name,
        "kind": body.kind,
        "address": body.address,
        "can_ship": body.kind in ("warehouse", "store") if body.can_ship is None else body.can_ship,
        "can_pickup": body.kind == "store" if body.can_pickup is None else body.can_pickup,
        **_point(body.geo),
    }


def _point(geo: Geo | None) -> dict[str, float | None]:
    return {"lat": None, "lon": None} if geo is None else {"lat": geo.lat, "lon": geo.lon}


def _no_location(location_id: str) -> NotFound:
    return NotFound("location_not_found", f"There is no location {location_id[:64]}. GET /v1/locations lists them.")
