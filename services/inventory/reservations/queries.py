"""Reading reservations."""

from services.inventory.reservations import repository
from services.inventory.reservations.problems import no_reservation
from services.inventory.reservations.repository import Wanted
from services.inventory.reservations.schemas import ReservationView
from services.inventory.reservations.views import reservation_view
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Page, Paging


class Reservations:
    """The reading side."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db

    async def read(self, caller: Caller, reservation_id: str) -> ReservationView:
        """Raises NotFound, also for another owner's."""
        async with self._db.read() as tx:
            found = (await repository.by_id(tx, [reservation_id])).get(reservation_id)
        if found is None or not caller.sees(found.owner_id):
            raise no_reservation(reservation_id)
        return reservation_view(found)

    async def page(self, paging: Paging, wanted: Wanted) -> Page[ReservationView]:
        """Reservations, newest first."""
        async with self._db.read() as tx:
            ids = await repository.page_ids(tx, paging, wanted)
            found = await repository.by_id(tx, ids.data)
        views = [reservation_view(found[id_]) for id_ in ids.data]
        return Page[ReservationView](data=views, has_more=ids.has_more, next_cursor=ids.next_cursor)

    async def open_at(self, tx: Transaction, caller: Caller, sku: str, location_id: str) -> list[str]:
        """The first hundred of the caller's reservations that still hold units of the SKU at the location, oldest first."""
        return await repository.open_at(tx, caller, sku, location_id, limit=100)
