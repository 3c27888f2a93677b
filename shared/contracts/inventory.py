"""What the inventory service tells: stock levels 库存 and reservations 预占."""

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.base import Event, Instant, OwnedEvent, contract


@contract("stock.changed", owner="inventory", public=True)
class StockChanged(Event):
    """One SKU at one location after one transaction; `level_version` rises with every change, so a reader can drop older news."""

    sku: str
    location_id: str
    available: int
    on_hand: int
    reserved: int
    level_version: int


class LocationUnits(BaseModel):
    """What one place can sell of a SKU."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    location_id: str
    available: int


class SkuEvent(Event):
    """One SKU over all places that sell."""

    sku: str
    available: int = Field(description="over all places that sell, as GET /v1/availability answers it")
    held: int = Field(0, description="units of orders that are not paid yet; they count as not sold")
    by_location: tuple[LocationUnits, ...] = Field((), description="places that have any, most first, 200 at most")


@contract("stock.low", owner="inventory", public=True)
class StockLow(SkuEvent):
    """Few units are left that nobody has bought 低库存. Told again only after there were half as many again."""


@contract("stock.sold_out", owner="inventory", public=True)
class StockSoldOut(SkuEvent):
    """Everything is bought 售罄; an unpaid order does not sell out a SKU."""


@contract("stock.back_in_stock", owner="inventory", public=True)
class StockBackInStock(SkuEvent):
    """After it was sold out, there is something to buy again 到货."""


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
    lines: tuple[ReservedLine, ...] = Field(description="the units that this is about: of a part, the part")
    status: str | None = Field(
        None, description="of the whole reservation from then on: `held` when a part was released"
    )
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
