"""The terms of an offer: one definition for the HTTP body, the stored snapshot and the pricing engine.

Terms are immutable once a coupon was issued under them: a changed template gets a new version of its terms, and each
coupon names the version that it was issued under.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from services.coupon.templates.benefits import SHIPPING_KINDS, Benefit
from services.coupon.templates.scopes import Flag, LineScope, Names, Part
from services.coupon.templates.validity import Validity
from shared.external_ids import ExternalId

Basis = Literal["list", "activity", "running"]
Layer = Literal["item", "shop", "cross_shop", "coupon", "points", "shipping"]
RefundPolicy = Literal["keep", "clawback"]
Funder = Literal["shop", "platform"]
NoneForZero = AfterValidator(lambda number: number or None)
"""For thresholds: from 0 on is from anything on, so 0 is stored and shown as no threshold."""
LAYERS: tuple[Layer, ...] = ("item", "shop", "cross_shop", "coupon", "points", "shipping")


class ToldScope(LineScope):
    """Which lines, on which channels, for whom, as everybody may know it.

    `new_customer_days`: customers whom the shop has known for at most so many days 新客.
    """

    channels: Names = ()
    first_order_only: Annotated[Flag, Field(description="only for customers who have not ordered yet 首单")] = False
    new_customer_days: Annotated[int, Field(strict=True, ge=1, le=3660)] | None = None


class Scope(ToldScope):
    """Which lines, on which channels, for whom. `segments`, `tiers`: any one of them.

    `first_order_again`: what a first order is after all of it came back 首单退款. never: it was the first order all the same, and
    its coupon stays used. once: the customer may have one more first order, if that was their only one.
    """

    segments: Names = ()
    tiers: Names = ()
    first_order_again: Literal["never", "once"] = "never"


class Threshold(Part):
    """满X元 / 满X件: what the cart must reach, on which price basis, over which lines (default: the offer's own).

    0 is the same as none 无门槛.
    """

    amount: Annotated[Annotated[int, Field(strict=True, ge=0, le=10**13)] | None, NoneForZero] = None
    quantity: Annotated[Annotated[int, Field(strict=True, ge=0, le=10**6)] | None, NoneForZero] = None
    basis: Annotated[
        Basis,
        Field(
            description="list, activity: the price before discounts; running: what is left after them and points. The "
            "default is activity, but running for what takes off the shipping fee 包邮: that is due on what is really paid"
        ),
    ] = "activity"
    scope: LineScope | None = None


class Limits(Part):
    """How many coupons there are. `per_day` counts all customers, in the template's time zone; `budget` is money.

    `budget_on` issue: each issued coupon reserves its highest possible discount of the budget and gives back what it did
    not use. `budget_on` redemption: an order takes what its coupons take off, when it locks them.
    """

    total: Annotated[int, Field(strict=True, ge=0, le=10**12)] | None = None
    per_customer: Annotated[int, Field(strict=True, ge=1, le=10**6)] | None = None
    per_day: Annotated[int, Field(strict=True, ge=1, le=10**12)] | None = None
    budget: Annotated[int, Field(strict=True, ge=0, le=10**15)] | None = None
    budget_on: Literal["issue", "redemption"] = "issue"


class Stacking(Part):
    """How the offer combines with others: pricing layer, priority in it, exclusion group 互斥组, exclusive or not, and whether
    `priority` decides between it and offers that it excludes.

    `calculation` parallel works on the basis price, sequential on what earlier discounts left. `overflow` says what
    becomes of a share that is larger than what its line has left. The preset chinese is the default of both; western is
    sequential and redistribute, with a running threshold. What is said beside a preset wins.
    """

    preset: Literal["chinese", "western"] = "chinese"
    layer: Layer = "coupon"
    group: ExternalId | None = None
    exclusive: Flag = False
    priority: Annotated[int, Field(strict=True, ge=-1000, le=1000)] = 0
    choice: Annotated[
        Literal["best", "priority"],
        Field(
            description="of offers that exclude each other: the better price, or this one before those of lower priority"
        ),
    ] = "best"
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
    refund_policy: Annotated[
        RefundPolicy,
        Field(description="a partial refund that ends under the threshold: keep the discount, or take it back"),
    ] = "keep"
    reusable_after_refund: Annotated[Flag, Field(description="a whole refund gives the coupon back")] = True
    funder: Annotated[Funder, Field(description="who pays for the discount 出资方")] = "shop"

    @property
    def comes_back(self) -> bool:
        """True when the offer is the customer's again after a whole refund. One that they could never use again is not."""
        return self.reusable_after_refund and (
            not self.scope.first_order_only or self.scope.first_order_again == "once"
        )

    @model_validator(mode="before")
    @classmethod
    def _presets(cls, body: Any) -> Any:
        """What the benefit's kind and `stacking.preset` western stand for, where the body does not say otherwise."""
        if not isinstance(body, dict):
            return body
        benefit, stacking = body.get("benefit"), body.get("stacking", {})
        if not isinstance(stacking, dict):
            return body
        if isinstance(benefit, dict) and benefit.get("kind") in SHIPPING_KINDS:
            body = {**body, "stacking": {"layer": "shipping", **stacking}}
            body = _by_default(body, "running")
        if stacking.get("preset") != "western":
            return body
        body = {**body, "stacking": {"calculation": "sequential", "overflow": "redistribute", **body["stacking"]}}
        return _by_default(body, "running")

    @model_validator(mode="after")
    def _in_its_layer(self) -> Self:
        if self.benefit.kind in SHIPPING_KINDS and self.stacking.layer != "shipping":
            raise ValueError(
                "what takes off the shipping fee stands in the layer shipping; set stacking.layer to shipping"
            )
        return self


def _by_default(body: dict[str, Any], basis: Basis) -> dict[str, Any]:
    """The body with that basis of its threshold, where it has one and names none."""
    threshold = body.get("threshold")
    return {**body, "threshold": {"basis": basis, **threshold}} if isinstance(threshold, dict) else body
