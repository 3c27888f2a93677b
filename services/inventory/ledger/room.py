"""The room of the one ledger: levels by state, the movements that made them, and what may be sold now."""

from services.inventory.ledger.adjusting import Adjusting
from services.inventory.ledger.api import router
from services.inventory.ledger.posting import Ledger
from services.inventory.ledger.queries import Stock
from services.inventory.ledger.safety_stock import SafetyStock
from services.inventory.locations.room import LocationsRoom
from shared.room import Room
from shared.service import Kit


class LedgerRoom(Room):
    """Offers `ledger`, the one way to change stock."""

    def __init__(self, kit: Kit, locations: LocationsRoom) -> None:
        self.ledger = Ledger(kit)
        locations.management.when_selling_changes(self.ledger.place_changed)
        self.routers = [router]
        self.provides = [
            Stock(kit),
            Adjusting(kit, self.ledger, locations.management),
            SafetyStock(kit, self.ledger, locations.management),
        ]
