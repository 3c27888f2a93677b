"""HTTP shapes of reservations."""

from typing import Annotated

from pydantic import Field

from services.inventory.reservations.rules import TTL_DEFAULT, TTL_MAX, Status
from shared.web import Body, ExternalId, Instant, Quantity, View

Channel = Annotated[ExternalId, Field(max_length=40, examples=["mini_program"])]
Seconds = Annotated[int, Field(strict=True, ge=1, le=TTL_MAX)]


class LineIn(Body):
    """Lines of one SKU are summed. Without `location_id` the stock is taken where most is available."""

    sku: ExternalId
    quantity: Quantity
    location_id: ExternalId | None = None


class ReservationIn(Body):
    """All lines or nothing. The same body again gets the same reservation; `order_id` can't be used for another."""

    order_id: ExternalId
    channel: Channel
    lines: list[LineIn] = Field(min_length=1, max_length=200)
    ttl_seconds: Seconds = TTL_DEFAULT


class ExtendIn(Body):
    """Hold until this many seconds from now."""

    ttl_seconds: Seconds = TTL_DEFAULT


class ShipLine(Body):
    """Units that leave. Without `location_id`, from any place where they are reserved."""

    sku: ExternalId
    quantity: Quantity
    location_id: ExternalId | None = None


class ShipIn(Body):
    """What leaves: the given lines, or everything that is not shipped yet. `reference` (a parcel number) makes the call
    repeatable: the same reference again ships nothing and gets the first answer.
    """

    lines: list[ShipLine] | None = Field(None, min_length=1, max_length=200)
    reference: ExternalId | None = None


class ReservationLineView(View):
    """Units of one SKU at one location; open units are neither shipped nor released."""

    sku: str
    quantity: int
    location_id: str
    shipped: int
    released: int


class ReservationView(View):
    """Stock set aside for one order. `expires_at` is null once the order is paid. `reserved_again`: it was confirmed after its
    time had run out, because the stock was still there.
    """

    id: str
    order_id: str
    channel: str
    status: Status
    lines: list[ReservationLineView]
    ttl_seconds: int
    expires_at: Instant | None
    extended: bool
    reserved_again: bool
    version: int
    created_at: Instant
    updated_at: Instant
