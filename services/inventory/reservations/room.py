"""The room of reservations: stock set aside for orders, all lines or nothing, for a time."""

from services.inventory.ledger.room import LedgerRoom
from services.inventory.locations.room import LocationsRoom
from services.inventory.reservations.api import hot_routes, router
from services.inventory.reservations.queries import Reservations
from services.inventory.reservations.reserving import Reserving
from services.inventory.reservations.settling import Settling
from services.inventory.reservations.shipping import Shipping
from services.inventory.reservations.sweeper import ReservationSweeper
from services.inventory.settings import InventorySettings
from shared.loops import Loop
from shared.room import Room
from shared.service import Kit


class ReservationsRoom(Room):
    """Offers `queries`: which reservations hold units of a SKU."""

    def __init__(self, kit: Kit, settings: InventorySettings, locations: LocationsRoom, ledger: LedgerRoom) -> None:
        at_once = settings.group_commit_max
        sweeper = ReservationSweeper(kit, ledger.ledger, settings.expiry_batch_size)
        reserving = Reserving(kit, ledger.ledger, locations.management, sweeper, at_once)
        settling = Settling(kit, ledger.ledger, sweeper, at_once)
        shipping = Shipping(kit, settling)
        self.queries = Reservations(kit)

        self.routers = [router]
        self.hot_routes = hot_routes(reserving, settling, shipping)
        self.provides = [self.queries, shipping]
        self.loops = [Loop("expire reservations", sweeper.sweep, settings.expiry_sweep_seconds)]
        self.resources = [reserving.running, settling.running]
