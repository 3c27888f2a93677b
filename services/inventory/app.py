"""The inventory service, put together: this file is its diagram. Each room stands on those that it names.

What a room offers and adds is told by its `room.py`.
"""

from services.inventory.audit.room import AuditRoom
from services.inventory.base import Base
from services.inventory.counts.room import CountsRoom
from services.inventory.ledger.room import LedgerRoom
from services.inventory.locations.room import LocationsRoom
from services.inventory.reservations.room import ReservationsRoom
from services.inventory.settings import InventorySettings
from services.inventory.signals.room import SignalsRoom
from shared.clock import Clock
from shared.messaging import Bus
from shared.room import join
from shared.service import Kit, Service

DESCRIPTION = "One stock for every channel 全渠道库存: what is where, and what is set aside for orders."


def create_service(settings: InventorySettings, bus: Bus, clock: Clock) -> Service:
    """The whole service on the given bus and clock. Opens nothing before it runs; hears no messages."""
    kit = Kit.create("inventory", settings, bus, clock, base=Base, migrations="services.inventory.migrations")

    # What is where.
    locations = LocationsRoom(kit)
    ledger = LedgerRoom(kit, locations)
    signals = SignalsRoom(kit, settings, locations, ledger)

    # What is promised of it, and what is looked at afterwards.
    reservations = ReservationsRoom(kit, settings, locations, ledger)
    counts = CountsRoom(kit, locations, ledger, reservations)
    audit = AuditRoom(kit, locations, ledger, signals, reservations)

    return join(kit, [locations, ledger, signals, reservations, counts, audit], description=DESCRIPTION)
