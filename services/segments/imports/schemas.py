"""HTTP shapes of the orders import."""

from typing import Any, Literal

from pydantic import Field

from shared.money import PastCurrency
from shared.web import Amount, Body, ExternalId, Instant, JsonObject, Name, Quantity, View

MAX_ORDERS = 500


class OrderLine(Body):
    """One line. `unit_price` in minor units."""

    sku: ExternalId
    quantity: Quantity
    unit_price: Amount
    name: str | None = Field(None, max_length=500)
    product_id: ExternalId | None = None
    category: Name | None = None
    brand: Name | None = None


class OrderIn(Body):
    """One order of the past. `total` in minor units, by default the sum of its lines."""

    order_id: ExternalId
    customer_id: ExternalId
    ordered_at: Instant
    kind: Literal["completed", "refunded"] = "completed"
    currency: PastCurrency | None = None
    total: Amount | None = None
    lines: list[OrderLine] = Field(default_factory=list, max_length=5_000)
    traits: JsonObject = Field(default_factory=dict, max_length=300)


class OrdersIn(Body):
    """A piece of order history. Each order is judged by itself; the shape of one is `OrderIn`."""

    source: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$", description="part of the message ids: repeats are harmless")
    currency: PastCurrency | None = None
    orders: list[dict[str, Any]] = Field(min_length=1, max_length=MAX_ORDERS)


class OrderResult(View):
    """What became of one order."""

    index: int
    order_id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    code: str | None = None
    detail: str | None = None
    pointer: str | None = None


class OrdersResult(View):
    """What became of the orders, in their order."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[OrderResult]
