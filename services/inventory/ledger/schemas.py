"""HTTP shapes of stock. Quantities are whole units."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from services.inventory.ledger.rules import MAX_QUANTITY, State
from shared.web import Body, Count, ExternalId, Instant, Patch, Text, View

Reason = Literal[
    "received",
    "sold",
    "returned",
    "damaged",
    "lost",
    "found",
    "transfer",
    "count",
    "quality_control",
    "correction",
    "other",
]
Adjustable = Literal["available", "quality_control", "damaged", "incoming"]
Change = Annotated[int, Field(strict=True, ge=-MAX_QUANTITY, le=MAX_QUANTITY)]


Remark = Annotated[Text, Field(min_length=1, max_length=300, examples=["到货破损 damaged on arrival"])]
"""What people are to read beside a movement later 备注."""
MOST_SHOWN = 10
"""Units of a SKU that a shopper is told of."""


class AdjustmentLine(Body):
    """`change` units more (or, negative, fewer). `state` says which: a move is two lines, `available` −3 and `damaged` +3."""

    sku: ExternalId
    location_id: ExternalId
    change: Change = Field(examples=[10])
    state: Adjustable = "available"

    @field_validator("change")
    @classmethod
    def _not_nothing(cls, value: int) -> int:
        if value == 0:
            raise ValueError("must not be 0; leave the line out")
        return value


class AdjustmentIn(Body):
    """All lines or none. The same `reference` (a receipt, a delivery note) again gets the first answer and changes nothing."""

    lines: list[AdjustmentLine] = Field(min_length=1, max_length=500)
    reason: Reason
    reference: ExternalId | None = None
    remark: Remark | None = None


class AdjustedLine(View):
    """The level after the adjustment. Lines of one SKU, location and state are summed."""

    sku: str
    location_id: str
    state: Adjustable
    change: int
    on_hand: int
    available: int
    version: int


class AdjustmentView(View):
    """An adjustment that was made."""

    id: str
    reason: Reason
    reference: str | None
    remark: str | None
    created_at: Instant
    lines: list[AdjustedLine]


class SafetyIn(Patch):
    """`safety` units are kept back: reservations never touch them. `low_threshold`: low at or under this many units that are
    not sold (null: the service's default; 0: never). What is left out stays as it is.
    """

    nullable: ClassVar[frozenset[str]] = frozenset(("low_threshold", "remark"))
    sku: ExternalId
    location_id: ExternalId
    safety: Count | None = None
    low_threshold: Count | None = None
    remark: Remark | None = None

    @model_validator(mode="after")
    def _something(self) -> "SafetyIn":
        if not self.model_fields_set & {"safety", "low_threshold"}:
            raise ValueError("give safety, low_threshold or both")
        return self

    def settings(self) -> dict[str, int | None]:
        """The settings of the level that were given."""
        names = {"safety": "safety_target", "low_threshold": "low_threshold"}
        return {names[name]: value for name, value in self.given().items() if name in names}


class StockView(View):
    """One SKU at one location. `on_hand` = available + held + committed + safety + quality_control + damaged; `reserved` = held
    (unpaid orders) + committed (paid). `safety` is what is kept back now, `safety_target` what is to be kept back.
    """

    sku: str
    location_id: str
    on_hand: int
    available: int
    reserved: int
    held: int
    committed: int
    safety: int
    safety_target: int
    low_threshold: int | None
    quality_control: int
    damaged: int
    incoming: int
    version: int


class MovementView(View):
    """`quantity` units went from one state to another; `outside` is the world. `actor` is who moved them (`key:…`, `account:…`,
    `customer:…`, or `system` for what happens by itself), `remark` 备注 what they wrote, `level_version` the
    level's version since.
    """

    id: str
    sku: str
    location_id: str
    from_state: State
    to_state: State
    quantity: int
    reason: str
    reference: str | None
    reservation_id: str | None
    actor: str
    remark: str | None
    level_version: int
    occurred_at: Instant


class LocationAvailability(View):
    """What can be sold from one location."""

    location_id: str
    available: int


class SkuAvailability(View):
    """What can be sold now, and where. An unknown SKU has 0. Shoppers, with a publishable key or an end-user's token, are not
    told how much there is nor where.
    """

    sku: str
    in_stock: Annotated[bool, Field(description="at least one unit can be sold")]
    available: Annotated[int, Field(description=f"for shoppers {MOST_SHOWN} at most: {MOST_SHOWN} or more are there")]
    locations: Annotated[list[LocationAvailability], Field(description="always empty for shoppers")]


class AvailabilityView(View):
    """`at` is the instant asked about. The figure is always that of now: `note` says so when a later instant was asked."""

    channel: str | None
    at: Instant
    note: str | None
    data: list[SkuAvailability]
