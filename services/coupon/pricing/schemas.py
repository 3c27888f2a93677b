"""What clients send and get about prices."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from services.coupon.code_format import Typed
from services.coupon.pricing.cart import SHIPPING, Cart, Line
from services.coupon.templates.scopes import Flag
from services.coupon.templates.terms import Layer
from shared.money import Currency
from shared.web import Body, ExternalId, Instant, View

Price = Annotated[int, Field(strict=True, ge=0, le=10**11)]
"""Minor units; bounded so that no sum of a cart leaves 64 bits."""
CartQuantity = Annotated[int, Field(strict=True, ge=1, le=100_000)]
MOST_LINES = 500
MOST_NAMED = 100
EXAMPLE: dict[str, Any] = {
    "customer_id": "c1",
    "channel": "app",
    "currency": "CNY",
    "shipping_fee": 1000,
    "lines": [
        {
            "line_id": "1",
            "product_id": "p1",
            "sku": "s1",
            "shop_id": "shopA",
            "category": "shoes",
            "brand": "b",
            "quantity": 2,
            "unit_price": 20000,
        }
    ],
    "coupons": "best",
}


class LineIn(Body):
    """One cart line. `unit_price` is the activity price that is charged 活动价; `list_price` the one before promotions."""

    line_id: ExternalId
    quantity: CartQuantity
    unit_price: Price
    list_price: Price | None = None
    floor_price: Annotated[Price, Field(description="lowest unit price that any discount may reach")] = 0
    product_id: ExternalId | None = None
    sku: ExternalId | None = None
    shop_id: ExternalId | None = None
    category: ExternalId | None = None
    brand: ExternalId | None = None
    tags: Annotated[tuple[ExternalId, ...], Field(max_length=100)] = ()
    discountable: Flag = True
    cost_price: Annotated[Price | None, Field(description="what the unit costs the shop; a preview warns below it")] = (
        None
    )
    selected: Annotated[Flag, Field(description="false: in the cart, but not checked out")] = True

    def line(self) -> Line:
        """The same for the engine."""
        return Line(
            line_id=self.line_id,
            quantity=self.quantity,
            unit_price=self.unit_price,
            list_price=self.unit_price if self.list_price is None else self.list_price,
            floor_price=self.floor_price,
            product_id=self.product_id,
            sku=self.sku,
            shop_id=self.shop_id,
            category=self.category,
            brand=self.brand,
            tags=frozenset(self.tags),
            discountable=self.discountable,
            cost_price=self.cost_price,
        )


class CartIn(Body):
    """A cart to price."""

    customer_id: ExternalId
    channel: ExternalId | None = None
    currency: Currency = "CNY"
    shipping_fee: Price = 0
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MOST_LINES)]
    coupons: Annotated[
        Literal["best"] | Annotated[list[ExternalId], Field(max_length=MOST_NAMED)],
        Field(description="`best`: whatever of the wallet takes most off; or the ids of the coupons to use"),
    ] = "best"
    codes: Annotated[
        tuple[Typed, ...],
        Field(max_length=10, description="codes that the shopper typed: priced by a quote, redeemed by a checkout"),
    ] = ()
    points: Annotated[
        Price,
        Field(description="points to pay with, one for one minor unit of goods; only the shop's own server may say so"),
    ] = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [line.line_id for line in self.lines]
        if len(set(names)) < len(names):
            raise ValueError("two lines have the same line_id; give each its own")
        if SHIPPING in names:
            raise ValueError(f"line_id {SHIPPING} stands for the shipping fee; give the line another")
        return self

    def priced(self) -> Cart:
        """What is checked out of it."""
        return Cart(tuple(line.line() for line in self.lines if line.selected), self.shipping_fee, self.currency)


class QuoteIn(CartIn):
    """A cart to price 试算. Nothing is stored."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})


class LineDiscount(View):
    """What one source takes off a line."""

    source: str
    amount: int


class LineView(View):
    """One line that is checked out. `discount` is the sum of `discounts`.

    A gift 赠品 or exchanged product 兑换 that an offer (`source`) adds is a line of its own, at price 0.
    """

    line_id: str
    kind: Literal["item", "gift", "exchange"] = "item"
    source: str | None = None
    sku: str | None = None
    product_id: str | None = None
    quantity: int | None = None
    subtotal: int
    discount: int
    points_discount: int = 0
    total: int
    discounts: list[LineDiscount]


class NextStepView(View):
    """What to add to get more off 凑单: goods for so much, or so many units, or both; then the offer takes `would_take_off`
    in all."""

    missing_amount: int | None = None
    missing_quantity: int | None = None
    would_take_off: int | None = None
    detail: str
    detail_zh: str


class Named(View):
    """An offer in a quote: a coupon, a promotion, a code that is not redeemed yet, or (in a preview) a draft."""

    coupon_id: str | None = None
    promotion_id: str | None = None
    redeem_code: str | None = None
    ref: str | None = None
    template_id: str | None = None
    name: str | None = None


class NudgeView(Named, NextStepView):
    """The nearest next step of all offers."""


class AppliedView(Named):
    """An offer that is used, and what it takes off the order, goods and shipping."""

    layer: Layer = "coupon"
    amount: int
    valid_until: Instant | None = None
    next_step: NextStepView | None = None


class UnmetView(View):
    """A condition that is not met, and what is missing to it."""

    code: str
    detail: str
    detail_zh: str
    missing_amount: int | None = None
    missing_quantity: int | None = None


class RejectedView(Named, UnmetView):
    """An offer that is not used, and why. `missing_amount` / `missing_quantity`: what to add in all to use it 凑单.

    `unmet`: every condition that is not met, where conditions are the reason; `code` and `detail` are those of the first.
    """

    unmet: list[UnmetView] | None = None
    excluded_by: str | None = None
    valid_until: Instant | None = None


class PromisedCashBackView(View):
    """What an offer promises 返现: once the order completes, a coupon of that worth."""

    source: str
    amount: int
    valid_days: int


class QuoteView(View):
    """The price of a cart: `total` = `subtotal` - `discount` - `points_discount` + `shipping_fee` - `shipping_discount`.

    `search` bounded: no combination takes more than `best_possible_discount` off. `server_time` is the instant of the
    price, for countdowns to each offer's `valid_until`.
    """

    server_time: Instant | None = None
    currency: str
    subtotal: int
    discount: int
    points_discount: int = 0
    shipping_fee: int
    shipping_discount: int = 0
    total: int
    lines: list[LineView]
    applied: list[AppliedView]
    rejected: list[RejectedView]
    cash_back: tuple[PromisedCashBackView, ...] = ()
    next_step: NudgeView | None = None
    search: Literal["exact", "bounded"]
    best_possible_discount: int
