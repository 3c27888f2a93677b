"""The room of counts. It stands on reservations, because a count that finds too little names those at risk."""

from services.inventory.counts.api import router
from services.inventory.counts.counting import Counting
from services.inventory.ledger.room import LedgerRoom
from services.inventory.locations.room import LocationsRoom
from services.inventory.reservations.room import ReservationsRoom
from shared.room import Room
from shared.service import Kit


class CountsRoom(Room):
    """Offers nothing to other rooms."""

    def __init__(self, kit: Kit, locations: LocationsRoom, ledger: LedgerRoom, reservations: ReservationsRoom) -> None:
        self.routers = [router]
        self.provides = [Counting(kit, ledger.ledger, locations.management, reservations.queries)]
