"""The terms of an offer: one definition for the HTTP body, the stored snapshot and the pricing engine.

Terms are immutable once a coupon was issued under them: a changed template gets a new version of its terms, and each
coupon names the version that it was issued under.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.coupon.templates.validity import Validity
from shared.web.schemas import Amount, ExternalId

Money = Annotated[int, Field(strict=True, ge=1, le=10**13)]
"""A positive amount in minor units."""
Units = Annotated[int, Field(strict=True, ge=1, le=10**6)]
Per = Literal["order", "line", "unit"]
Basis = Literal["list", "activity", "running"]
Layer = Literal["item", "shop", "cross_shop", "coupon", "points", "shipping"]
LAYERS: tuple[Layer, ...] = ("item", "shop", "cross_shop", "coupon", "points", "shipping")
Flag = Annotated[bool, Field(strict=True)]
Names = Annotated[tuple[ExternalId, ...], Field(max_length=1000)]


class Part(BaseModel):
    """Base of the terms' parts: frozen, and strict about unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AmountOff(Part):
    """满减: a fixed amount off the order, each line, or each unit (then at most `max_units`, the dearest first)."""

    kind: Literal["amount_off"]
    amount: Money
    per: Per = "order"
    max_units: Units | None = None


class PercentOff(Part):
    """折扣: `percent_bp` basis points off (2000 = 20 % off = 8折), at most `max_amount` in all."""

    kind: Literal["percent_off"]
    percent_bp: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    per: Per = "order"
    max_amount: Money | None = None
    max_units: Units | None = None


Benefit = Annotated[AmountOff | PercentOff, Field(discriminator="kind")]


class LineFilter(Part):
    """Names of goods. A line must match every dimension that is named; within one, any value does.

    Products and SKUs are one dimension: either names the goods.
    """

    products: Names = ()
    skus: Names = ()
    categories: Names = ()
    brands: Names = ()
    shops: Names = ()
    tags: Names = ()

    def empty(self) -> bool:
        return not (self.products or self.skus or self.categories or self.brands or self.shops or self.tags)


class PriceRange(Part):
    """Bounds of a line's unit price (the activity price), both included."""

    gte: Amount | None = None
    lte: Amount | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.gte is not None and self.lte is not None and self.lte < self.gte:
            raise ValueError("unit_price.lte lies under unit_price.gte; no line could match")
        return self


class LineScope(Part):
    """Which lines count. `exclude` removes a line that matches any of its names."""

    include: LineFilter = LineFilter()
    exclude: LineFilter = LineFilter()
    unit_price: PriceRange | None = None
    exclude_on_sale: Flag = False


class Scope(LineScope):
    """Which lines, on which channels, for whom. `segments`: a member of any one of them."""

    channels: Names = ()
    segments: Names = ()
    tiers: Annotated[
        tuple[ExternalId, ...], Field(max_length=0, description="must be empty: there are no tiers yet")
    ] = ()
    first_order_only: Annotated[Literal[False], Field(description="must be false: first orders are not known yet")] = (
        False
    )


class Threshold(Part):
    """满X元 / 满X件: what the cart must reach, on which price basis, over which lines (default: the offer's own)."""

    amount: Money | None = None
    quantity: Units | None = None
    basis: Basis = "activity"
    scope: LineScope | None = None


class Limits(Part):
    """How many coupons there are. `per_day` counts all customers, in the template's time zone; `budget` is money.

    Each issued coupon reserves its highest possible discount of the budget and gives back what it did not use.
    """

    total: Annotated[int, Field(strict=True, ge=0, le=10**12)] | None = None
    per_customer: Annotated[int, Field(strict=True, ge=1, le=10**6)] | None = None
    per_day: Annotated[int, Field(strict=True, ge=1, le=10**12)] | None = None
    budget: Annotated[int, Field(strict=True, ge=0, le=10**15)] | None = None


class Stacking(Part):
    """How the offer combines with others: pricing layer, priority in it, exclusion group 互斥组, exclusive or not.

    `calculation` parallel works on the basis price, sequential on what earlier discounts left. `overflow` says what
    becomes of a share that is larger than what its line has left. The preset chinese is the default of both; western is
    sequential and redistribute, with a running threshold. What is said beside a preset wins.
    """

    preset: Literal["chinese", "western"] = "chinese"
    layer: Layer = "coupon"
    group: ExternalId | None = None
    exclusive: Flag = False
    priority: Annotated[int, Field(strict=True, ge=-1000, le=1000)] = 0
    calculation: Literal["sequential", "parallel"] = "parallel"
    overflow: Literal["drop", "redistribute"] = "drop"
    share_by: Literal["amount", "quantity"] = "amount"


class Terms(Part):
    """Everything that decides what a coupon of this offer is worth, where and when."""

    benefit: Benefit
    threshold: Threshold = Threshold()
    scope: Scope = Scope()
    validity: Validity = Validity()
    stacking: Stacking = Stacking()
    allow_zero_pay: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _presets(cls, body: Any) -> Any:
        """What `stacking.preset` western stands for, where the body does not say otherwise."""
        stacking = body.get("stacking") if isinstance(body, dict) else None
        if not isinstance(stacking, dict) or stacking.get("preset") != "western":
            return body
        body = {**body, "stacking": {"calculation": "sequential", "overflow": "redistribute", **stacking}}
        if isinstance(body.get("threshold"), dict):
            body["threshold"] = {"basis": "running", **body["threshold"]}
        return body
