"""The SQL of locations."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, update

from services.inventory.locations.models import Location
from services.inventory.locations.schemas import LocationView
from services.inventory.locations.views import location_view
from shared.db import Transaction, insert_ignore, one_of
from shared.web import Page, Paging, filtered, page_of


async def page(tx: Transaction, paging: Paging, kind: str | None, active: bool | None) -> Page[LocationView]:
    """By id, in alphabetical order."""
    statement = filtered(select(Location.table), {Location.c.kind: kind, Location.c.active: active})
    return await page_of(tx, Location, statement, Location.c.id, paging.ascending(), location_view)


async def find(tx: Transaction, location_id: str) -> Location | None:
    """None when there is none."""
    return await tx.row(Location, select(Location.table).where(Location.c.id == location_id))


async def lock(tx: Transaction, location_id: str) -> Location | None:
    """As `find`, held until the transaction ends."""
    return await tx.row(Location, select(Location.table).where(Location.c.id == location_id).with_for_update())


class _Active(NamedTuple):
    id: str
    active: bool


async def active_by_id(tx: Transaction, ids: Sequence[str]) -> dict[str, bool]:
    """Whether each of the ids is active; those that are no locations are left out."""
    if not ids:
        return {}
    statement = select(Location.c.id, Location.c.active).where(one_of(Location.c.id, ids))
    return {row.id: row.active for row in await tx.rows(_Active, statement)}


async def insert_location(tx: Transaction, row: Mapping[str, Any]) -> bool:
    """False when there is a location with this id already."""
    return bool(await insert_ignore(tx, Location.table, [row]))


async def update_location(tx: Transaction, location_id: str, values: Mapping[str, Any]) -> Location:
    """The row after the change."""
    statement = update(Location.table).where(Location.c.id == location_id).values(**values).returning(*Location.c)
    (changed,) = await tx.rows(Location, statement)
    return changed
