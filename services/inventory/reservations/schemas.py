"""HTTP shapes of reservations."""

from typing import Annotated

from pydantic import Field

from services.inventory.ledger.schemas import Remark
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
    """All lines or nothing. The same body again gets the order's reservation while it is held, paid or partly shipped, with
    `Idempotent-Replayed: true`. An order whose reservation ran out or was released reserves anew.
    """

    order_id: ExternalId
    channel: Channel
    lines: list[LineIn] = Field(min_length=1, max_length=200)
    ttl_seconds: Seconds = TTL_DEFAULT


class ExtendIn(Body):
    """Hold until this many seconds from now."""

    ttl_seconds: Seconds = TTL_DEFAULT


class PartLine(Body):
    """Units of a reservation. Without `location_id`, from any place where they are reserved."""

    sku: ExternalId
    quantity: Quantity
    location_id: ExternalId | None = None


Lines = Annotated[list[PartLine], Field(min_length=1, max_length=200)]


class ConfirmIn(Body):
    """What was paid: exactly these units, and the others are given back at once; without `lines` everything. The same again
    changes nothing.
    """

    lines: Lines | None = None
    remark: Remark | None = None


class ReleaseIn(Body):
    """What is given back: these units, or everything that is not shipped. `reference` (the number of the cancellation) makes a
    part repeatable: the same reference again gives back nothing and gets the first answer.
    """

    lines: Lines | None = None
    reference: ExternalId | None = None
    remark: Remark | None = None


class ShipIn(Body):
    """What leaves: the given lines, or everything that is not shipped yet. `reference` (a parcel number) makes the call
    repeatable: the same reference again ships nothing and gets the first answer.
    """

    lines: Lines | None = None
    reference: ExternalId | None = None
    remark: Remark | None = None


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
