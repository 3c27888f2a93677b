"""The benefit kinds 优惠方式: what each one says, what it costs at worst, whether it can make an order free. Pure.

A new kind is one class here, and its name in `Benefit`. What else it needs stands in the service's README, "Where a new … goes".
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.coupon.templates.scopes import LineScope, Part
from shared.external_ids import ExternalId

Money = Annotated[int, Field(strict=True, ge=1, le=10**13)]
"""A positive amount in minor units."""
Units = Annotated[int, Field(strict=True, ge=1, le=10**6)]
BasisPoints = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Per = Literal["order", "line", "unit"]
By = Literal["amount", "quantity"]
WHOLE = 10_000
"""All of it, in basis points."""


class Kind(Part):
    """Base of the kinds."""

    @property
    def percentage(self) -> bool:
        """True for portions of a price: within a layer and a priority they come before amounts."""
        return False

    def most(self) -> int | None:
        """The highest discount that one coupon can give, in minor units; None when nothing bounds it."""
        return None

    def may_be_free(self, reach: int | None) -> bool:  # noqa: ARG002 - asked of every kind
        """True when a cart that just reaches the threshold `reach` could be free, though nobody said that it may."""
        return False


class AmountOff(Kind):
    """满减: a fixed amount off the order, each line, or each unit (then at most `max_units`, those with most left first)."""

    kind: Literal["amount_off"]
    amount: Money
    per: Per = "order"
    max_units: Units | None = None

    def most(self) -> int | None:
        """The amount; for lines or units as often as there may be units."""
        if self.per == "order":
            return self.amount
        # One line holds at least one unit, so a bound on units bounds lines as well.
        return None if self.max_units is None else self.amount * self.max_units

    def may_be_free(self, reach: int | None) -> bool:
        """When the amount is all that the threshold asks for."""
        # Without a threshold 无门槛 a coupon is meant to pay small orders whole.
        return reach is not None and self.amount >= reach


class PercentOff(Kind):
    """折扣: `percent_bp` basis points off (2000 = 20 % off = 8折), at most `max_amount` in all."""

    kind: Literal["percent_off"]
    percent_bp: BasisPoints
    per: Per = "order"
    max_amount: Money | None = None
    max_units: Units | None = None

    @property
    def percentage(self) -> bool:
        """A portion of the price."""
        return True

    def most(self) -> int | None:
        """What bounds the portion."""
        return self.max_amount

    def may_be_free(self, reach: int | None) -> bool:
        """When it is all of the price."""
        return _all_of_it(self.percent_bp, self.max_amount, reach)


class Step(Part):
    """One step of a ladder: from `threshold` on (minor units or pieces), `amount` or `percent_bp` off."""

    threshold: Money
    amount: Money | None = None
    percent_bp: BasisPoints | None = None

    @model_validator(mode="after")
    def _one_benefit(self) -> Self:
        if (self.amount is None) == (self.percent_bp is None):
            raise ValueError("a step gives either an amount or a percent_bp; name exactly one")
        return self


class Ladder(Kind):
    """阶梯满减: the highest step that is reached counts. `by` quantity counts pieces 满件."""

    kind: Literal["ladder"]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=20)]
    by: By = "amount"
    max_amount: Annotated[Money | None, Field(description="the most that a percentage takes off")] = None

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if len({step.amount is None for step in self.steps}) > 1:
            raise ValueError("the steps mix amounts and percentages; use one of them for all")
        for lower, higher in zip(self.steps, self.steps[1:], strict=False):
            if higher.threshold <= lower.threshold:
                raise ValueError("the thresholds must rise from step to step")
            if (higher.amount or higher.percent_bp or 0) <= (lower.amount or lower.percent_bp or 0):
                raise ValueError("what a step gives must rise with its threshold")
        if self.max_amount is not None and self.steps[0].amount is not None:
            raise ValueError("max_amount bounds percentages; the steps already say their amounts")
        return self

    @property
    def percentage(self) -> bool:
        """True when the steps are portions; they never mix."""
        return self.steps[0].amount is None

    def most(self) -> int | None:
        """The amount of the highest step, or what bounds the portions."""
        return self.steps[-1].amount or self.max_amount

    def may_be_free(self, reach: int | None) -> bool:
        """When one of the steps takes all that it asks for."""
        for step in self.steps:
            own = max(step.threshold, reach or 0) if self.by == "amount" else reach
            if step.amount is not None and own is not None and step.amount >= own:
                return True
            if step.percent_bp is not None and _all_of_it(step.percent_bp, self.max_amount, own):
                return True
        return False


class Every(Kind):
    """每满减: `amount` off for every full `threshold` (minor units, or pieces), at most `max_times`."""

    kind: Literal["every"]
    threshold: Money
    amount: Money
    max_times: Units | None = None
    by: By = "amount"

    def most(self) -> int | None:
        """The amount as often as it may be given."""
        return None if self.max_times is None else self.amount * self.max_times

    def may_be_free(self, reach: int | None) -> bool:  # noqa: ARG002 - asked of every kind
        """When it gives all that it asks for, each time."""
        return self.by == "amount" and self.amount >= self.threshold


class FixedPrice(Kind):
    """一口价: each unit costs `amount`, where it costs more now; at most `max_units`, those with most left first."""

    kind: Literal["fixed_price"]
    amount: Money
    max_units: Units | None = None


class Buy(Part):
    """What must be bought: so many units of the offer's goods, or of `scope`."""

    quantity: Units
    scope: LineScope | None = None


class Get(Part):
    """What is given: so many units at `percent_bp` off (10000 = free), of the offer's goods, or of `scope`."""

    quantity: Units
    percent_bp: BasisPoints = WHOLE
    scope: LineScope | None = None


class BuyGet(Kind):
    """买N送M, N件M折: for each `buy` the cheapest units that are not free already are given; at most `max_times`."""

    kind: Literal["buy_get"]
    buy: Buy
    get: Get
    max_times: Units | None = None


class BundlePrice(Kind):
    """组合价: the named units together cost `amount`; as often as the cart holds them, at most `max_times`."""

    kind: Literal["bundle_price"]
    skus: Annotated[dict[ExternalId, Units], Field(min_length=1, max_length=50)]
    amount: Money
    max_times: Units | None = None

    @model_validator(mode="after")
    def _several(self) -> Self:
        if sum(self.skus.values()) < 2:
            raise ValueError("a bundle holds two units at least; use fixed_price for the price of one")
        return self


class FreeShipping(Kind):
    """包邮: no shipping fee; the shop pays at most `max_amount` of it."""

    kind: Literal["free_shipping"]
    max_amount: Money | None = None

    def most(self) -> int | None:
        """What bounds the fee that the shop pays."""
        return self.max_amount


class ShippingPercentOff(Kind):
    """运费折扣: `percent_bp` off the shipping fee, at most `max_amount`."""

    kind: Literal["shipping_percent_off"]
    percent_bp: BasisPoints
    max_amount: Money | None = None

    @property
    def percentage(self) -> bool:
        """A portion of the fee."""
        return True

    def most(self) -> int | None:
        """What bounds the portion."""
        return self.max_amount


class Gift(Kind):
    """赠品: `quantity` units of `sku` come with the order, free of charge."""

    kind: Literal["gift"]
    sku: ExternalId
    quantity: Units = 1


class Exchange(Kind):
    """兑换券: units of the product in the cart are free; those that the cart lacks are added at no charge."""

    kind: Literal["exchange"]
    product_id: ExternalId
    quantity: Units = 1


class CashBack(Kind):
    """返现: nothing off now; after the order completes a coupon of that worth, valid for `valid_days`.

    `percent_bp` is computed on what is paid for the offer's goods, after all discounts and points.
    """

    kind: Literal["cash_back"]
    amount: Money | None = None
    percent_bp: BasisPoints | None = None
    max_amount: Money | None = None
    valid_days: Annotated[int, Field(strict=True, ge=1, le=3660)] = 30

    @model_validator(mode="after")
    def _one_benefit(self) -> Self:
        if (self.amount is None) == (self.percent_bp is None):
            raise ValueError("cash-back is either an amount or a percent_bp; name exactly one")
        if self.amount is not None and self.max_amount is not None:
            raise ValueError("max_amount bounds a percentage; leave it out beside an amount")
        return self

    def most(self) -> int | None:
        """The amount, or what bounds the portion."""
        return self.amount or self.max_amount

    def may_be_free(self, reach: int | None) -> bool:
        """When all that is paid comes back."""
        if self.amount is not None:
            return reach is not None and self.amount >= reach
        return _all_of_it(self.percent_bp or 0, self.max_amount, reach)


SHIPPING_KINDS = ("free_shipping", "shipping_percent_off")
Benefit = Annotated[
    AmountOff
    | PercentOff
    | Ladder
    | Every
    | FixedPrice
    | BuyGet
    | BundlePrice
    | FreeShipping
    | ShippingPercentOff
    | Gift
    | Exchange
    | CashBack,
    Field(discriminator="kind"),
]


def _all_of_it(percent_bp: int, most: int | None, reach: int | None) -> bool:
    return percent_bp == WHOLE and (most is None or (reach is not None and most >= reach))
