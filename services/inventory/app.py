"""The inventory service, put together."""

from services.inventory.audit.api import router as audit_router
from services.inventory.audit.proving import StockAudit
from services.inventory.base import Base
from services.inventory.ledger.adjusting import Adjusting
from services.inventory.ledger.api import router as ledger_router
from services.inventory.ledger.counting import Counting
from services.inventory.ledger.posting import Ledger
from services.inventory.ledger.reading import Stock
from services.inventory.ledger.safekeeping import Safekeeping
from services.inventory.locations.api import router as locations_router
from services.inventory.locations.keeping import Locations
from services.inventory.reservations.api import hot_routes
from services.inventory.reservations.api import router as reservations_router
from services.inventory.reservations.expiring import Expiring
from services.inventory.reservations.finding import Reservations, open_at
from services.inventory.reservations.reserving import Reserving
from services.inventory.reservations.settling import Settling
from services.inventory.reservations.shipping import Shipping
from services.inventory.settings import InventorySettings
from shared.clock import Clock
from shared.messaging import Bus
from shared.service import Kit, Loop, Service
from shared.web import create_app


def create_service(settings: InventorySettings, bus: Bus, clock: Clock) -> Service:
    """Rooms: locations, ledger, reservations, audit. Hears no messages; tells of stock and reservations."""
    kit = Kit.create("inventory", settings, bus, clock, base=Base, migrations="services.inventory.migrations")
    db = kit.db

    ledger = Ledger(kit.outbox, clock, settings.low_stock_threshold)
    expiring = Expiring(db, ledger, clock, settings.expiry_batch_size)
    reserving = Reserving(db, ledger, expiring, settings.group_commit_max)
    settling = Settling(db, ledger, expiring, settings.group_commit_max)

    app = create_app(
        kit,
        routers=[locations_router, ledger_router, reservations_router, audit_router],
        provides=[
            Locations(db, clock),
            Stock(db, clock),
            Adjusting(db, ledger, clock),
            Counting(db, ledger, clock, at_risk=open_at),
            Safekeeping(db, ledger, clock),
            Reservations(db),
            Shipping(db, settling, clock),
            StockAudit(db),
        ],
        hot_routes=hot_routes(reserving, settling),
        description="One stock for every channel 全渠道库存: locations, ledger, reservations, audit.",
    )
    return Service(
        kit,
        app,
        loops=[Loop("expire-reservations", expiring.tick, settings.expiry_sweep_seconds)],
        resources=[reserving.running, settling.running],
    )
