"""The SQL of locations."""

from collections.abc import Mapping, Sequence
from typing import Any

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


async def known_ids(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Those of the ids that are locations."""
    return set(await tx.scalars(select(Location.c.id).where(one_of(Location.c.id, ids)))) if ids else set()


async def insert_location(tx: Transaction, row: Mapping[str, Any]) -> bool:
    """False when there is a location with this id already."""
    return bool(await insert_ignore(tx, Location.table, [row]))


async def update_location(tx: Transaction, location_id: str, values: Mapping[str, Any]) -> Location:
    """The row after the change."""
    statement = update(Location.table).where(Location.c.id == location_id).values(**values).returning(*Location.c)
    (changed,) = await tx.rows(Location, statement)
    return changed
