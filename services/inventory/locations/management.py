"""Create, change and read locations, and what other rooms ask about them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from services.inventory.locations import repository
from services.inventory.locations.schemas import Geo, LocationIn, LocationPatch, LocationView
from services.inventory.locations.views import location_view
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Conflict, FieldError, NotFound, Page, Paging, Unprocessable

Watcher = Callable[[Transaction, str, bool], Awaitable[None]]
"""Called with the id of a place, and whether it sells now to orders that name no place."""
_ADVICE = "There is no location with this id. Create it with POST /v1/locations."


class Locations:
    """The merchant's places."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._watchers: list[Watcher] = []

    def when_selling_changes(self, watcher: Watcher) -> None:
        """From now on ``watcher`` is called, in the same transaction, when a place begins or ceases to sell."""
        self._watchers.append(watcher)

    async def create(self, body: LocationIn) -> LocationView:
        """The new location; the same body under the same id again answers the location as it is.

        Raises Conflict (`location_exists`) when the id belongs to a location that was created with other values.
        """
        values = _values(body)
        now = self._clock.now()
        location_id = body.id or new_id("loc")
        row = {"id": location_id, "active": True, "version": 1, "created_at": now, "updated_at": now}
        async with self._db.write() as tx:
            created = await repository.insert_location(tx, row | values)
            found = await repository.find(tx, location_id)
            if found is None:
                raise AssertionError("locations are never deleted")
            if not created and any(getattr(found, name) != value for name, value in values.items()):
                raise Conflict(
                    "location_exists",
                    f"There is a location {found.id} with other values. Change it with PATCH /v1/locations/{found.id}.",
                )
            return location_view(found)

    async def change(self, location_id: str, body: LocationPatch) -> LocationView:
        """The location after the change. Raises NotFound."""
        given = body.model_dump(exclude_unset=True, exclude={"geo"})
        if "geo" in body.model_fields_set:
            given |= _point(body.geo)
        async with self._db.write() as tx:
            found = await repository.lock(tx, location_id)
            if found is None:
                raise _no_location(location_id)
            if any(getattr(found, name) != value for name, value in given.items()):
                changed = given | {"version": found.version + 1, "updated_at": self._clock.now()}
                sold = found.active and found.can_ship
                found = await repository.update_location(tx, location_id, changed)
                sells = found.active and found.can_ship
                if sells != sold:
                    for watcher in self._watchers:
                        await watcher(tx, location_id, sells)
            return location_view(found)

    async def read(self, location_id: str) -> LocationView:
        """Raises NotFound."""
        async with self._db.read() as tx:
            found = await repository.find(tx, location_id)
        if found is None:
            raise _no_location(location_id)
        return location_view(found)

    async def page(self, paging: Paging, kind: str | None, active: bool | None) -> Page[LocationView]:
        """Locations by id, in alphabetical order."""
        async with self._db.read() as tx:
            return await repository.page(tx, paging, kind, active)

    async def active(self, tx: Transaction, ids: Sequence[str]) -> dict[str, bool]:
        """Whether each of the ids is active; those that are no locations are left out."""
        return await repository.active_by_id(tx, ids)

    async def require(self, tx: Transaction, named: Sequence[tuple[str, str]]) -> None:
        """Every (id, JSON pointer of the field that named it) must be a location, else Unprocessable `unknown_location`."""
        known = await self.active(tx, sorted({id_ for id_, _ in named}))
        errors = [
            FieldError(pointer=pointer, code="unknown_location", detail=_ADVICE)
            for id_, pointer in named
            if id_ not in known
        ]
        if errors:
            raise Unprocessable("unknown_location", f"{errors[0].pointer}: {_ADVICE}", errors=errors[:50])


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
    return NotFound("not_found", f"There is no location {location_id[:64]}. GET /v1/locations lists them.")
