"""What clients send and get about refunds."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from services.coupon.refunds.rules import Policy
from shared.web import Body, ExternalId, Instant, Quantity, View

MOST_LINES = 500
_EXAMPLE: dict[str, Any] = {"lines": [{"line_id": "1", "quantity": 1}], "refund_id": "r1"}


class RefundLineIn(Body):
    """So many units of a line came back."""

    line_id: ExternalId
    quantity: Quantity


class RefundIn(Body):
    """Goods that came back 退款. Without `lines`: all that is left of the order."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    lines: Annotated[list[RefundLineIn] | None, Field(max_length=MOST_LINES)] = None
    refund_id: Annotated[ExternalId | None, Field(description="an id of your own: the same one is refunded once")] = (
        None
    )
    policy: Annotated[
        Policy | None,
        Field(description="keep: by the frozen shares; clawback: paid less what is kept costs. Default: the offers'"),
    ] = None
    shipping: Annotated[
        Literal["when_whole", "never", "now"],
        Field(description="when the shipping fee is refunded: with the last goods, never, or now"),
    ] = "when_whole"
    return_coupons: Annotated[
        Literal["when_whole", "never"],
        Field(
            description="whether coupons come back with the last goods, and with what they gave, where their terms allow it"
        ),
    ] = "when_whole"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        lines = self.lines
        if lines is None:
            return self
        if not lines and self.shipping != "now":
            raise ValueError("name at least one line, leave `lines` out for all that is left, or set shipping to now")
        if len({line.line_id for line in lines}) < len(lines):
            raise ValueError("two lines have the same line_id; add their quantities up")
        return self


class DiscountShareView(View):
    """What one source's payer gets back."""

    source: str
    funder: Literal["shop", "platform"]
    amount: int


class RefundLineView(View):
    """One line's part: money and points for the customer; `shares` for those who paid the discounts.

    The line `shipping` is the shipping fee.
    """

    line_id: str
    quantity: int
    amount: int
    points: int
    shares: list[DiscountShareView]


class PayersView(View):
    """Who gets what back, in minor units; they sum up to the price of what came back."""

    customer: int
    points: int
    shop: int
    platform: int


class CashBackCutView(View):
    """What the refund takes of a promise of cash-back. `lost` can't be taken back: its coupon is used or held."""

    source: str
    before: int
    after: int
    lost: int


class GiftKeptView(View):
    """What came free of charge by an offer (`source`) 赠品 and is still with the customer after the refund."""

    line_id: str
    source: str
    quantity: int


class RefundAnswer(View):
    """What goods that come back give back. `amount` is the customer's money, shipping included."""

    checkout_id: str
    order_id: str
    customer_id: str
    policy: Policy
    currency: str
    amount: int
    points: int
    whole: Annotated[bool, Field(description="no goods are left after it, gifts included")]
    payers: PayersView
    lines: list[RefundLineView]
    coupons_returned: list[str]
    gifts_kept: tuple[GiftKeptView, ...] = ()
    cash_back: list[CashBackCutView]


class RefundView(RefundAnswer):
    """A refund that was made. `refund_id` is the caller's own id, or the refund's."""

    id: str
    refund_id: str
    number: int
    created_at: Instant
