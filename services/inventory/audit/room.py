"""The room of the proof: what must hold over the ledger's and the reservations' tables."""

from dataclasses import dataclass

from services.inventory.audit.api import router
from services.inventory.audit.queries import StockAudit
from services.inventory.ledger.room import LedgerRoom
from services.inventory.locations.room import LocationsRoom
from services.inventory.reservations.room import ReservationsRoom
from services.inventory.signals.room import SignalsRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class AuditRoom(Room):
    """Offers nothing, and reads the tables of those that it stands on."""

    kit: Kit
    locations: LocationsRoom
    ledger: LedgerRoom
    signals: SignalsRoom
    reservations: ReservationsRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [StockAudit(self.kit)]
