"""The room of signals: what the world is told of a SKU over all places that sell."""

from dataclasses import dataclass

from services.inventory.ledger.room import LedgerRoom
from services.inventory.locations.room import LocationsRoom
from services.inventory.settings import InventorySettings
from services.inventory.signals.worker import SignalWorker
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class SignalsRoom(Room):
    """Offers nothing, and reads the tables of those that it stands on: the ledger notes down what is to be looked at."""

    kit: Kit
    settings: InventorySettings
    locations: LocationsRoom
    ledger: LedgerRoom

    def __post_init__(self) -> None:
        worker = SignalWorker(self.kit, self.settings.low_stock_threshold, self.settings.signal_seconds)
        self.loops = [worker.loop]
