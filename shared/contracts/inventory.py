"""What the inventory service tells: stock levels 库存 and reservations 预占."""

from pydantic import BaseModel, ConfigDict

from shared.contracts.base import Event, Instant, OwnedEvent, contract


class StockEvent(Event):
    """One SKU at one location."""

    sku: str
    location_id: str
    available: int


@contract("stock.changed", owner="inventory", public=True)
class StockChanged(StockEvent):
    """The level after one transaction; `level_version` rises with every change, so a reader can drop older news."""

    on_hand: int
    reserved: int
    level_version: int


@contract("stock.low", owner="inventory", public=True)
class StockLow(StockEvent):
    """Available stock fell to the safety level or below 低库存."""


@contract("stock.sold_out", owner="inventory", public=True)
class StockSoldOut(StockEvent):
    """Nothing is available any more 售罄."""


@contract("stock.back_in_stock", owner="inventory", public=True)
class StockBackInStock(StockEvent):
    """Something is available again 到货."""


class ReservedLine(BaseModel):
    """Units of one SKU promised from one location."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    sku: str
    quantity: int
    location_id: str


class ReservationEvent(OwnedEvent):
    """A promise of stock to one order."""

    reservation_id: str
    order_id: str
    channel: str
    lines: tuple[ReservedLine, ...]
    expires_at: Instant | None = None


@contract("reservation.held", owner="inventory", public=True)
class ReservationHeld(ReservationEvent):
    """Held for an unpaid order until `expires_at` 预占."""


@contract("reservation.confirmed", owner="inventory", public=True)
class ReservationConfirmed(ReservationEvent):
    """The order was paid 确认占用."""


@contract("reservation.released", owner="inventory", public=True)
class ReservationReleased(ReservationEvent):
    """Given back 释放."""


@contract("reservation.expired", owner="inventory", public=True)
class ReservationExpired(ReservationEvent):
    """Nobody paid in time 超时释放."""
