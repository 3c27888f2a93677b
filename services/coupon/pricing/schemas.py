"""What clients send and get about prices."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from services.coupon.pricing.cart import SHIPPING, Line
from services.coupon.templates.scopes import Flag
from shared.money import Currency
from shared.web import Body, ExternalId, Unprocessable, View

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
        given = self.model_dump(exclude={"selected", "list_price", "tags"})
        listed = self.unit_price if self.list_price is None else self.list_price
        return Line(**given, list_price=listed, tags=frozenset(self.tags))


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
    codes: Annotated[tuple[ExternalId, ...], Field(description="must be empty: there are no codes yet")] = ()
    points: Annotated[int, Field(strict=True, ge=0, description="must be 0: there are no points yet")] = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [line.line_id for line in self.lines]
        if len(set(names)) < len(names):
            raise ValueError("two lines have the same line_id; give each its own")
        if SHIPPING in names:
            raise ValueError(f"line_id {SHIPPING} stands for the shipping fee; give the line another")
        if self.codes:
            raise Unprocessable("unsupported_codes", "Codes are not supported yet; leave `codes` empty.")
        if self.points:
            raise Unprocessable("unsupported_points", "Points are not supported yet; leave `points` at 0.")
        return self

    def checked_out(self) -> list[Line]:
        return [line.line() for line in self.lines if line.selected]


class QuoteIn(CartIn):
    """A cart to price 试算. Nothing is stored."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})


class LineDiscount(View):
    """What one source takes off a line."""

    source: str
    amount: int


class LineView(View):
    """One line that is checked out. `discount` is the sum of `discounts`."""

    line_id: str
    subtotal: int
    discount: int
    total: int
    discounts: list[LineDiscount]


class AppliedView(View):
    """A coupon that is used, and what it takes off the order."""

    coupon_id: str
    template_id: str
    amount: int


class RejectedView(View):
    """A coupon that is not used, and why. `missing_amount` / `missing_quantity`: what to add to use it 凑单."""

    coupon_id: str
    code: str
    detail: str
    detail_zh: str
    missing_amount: int | None = None
    missing_quantity: int | None = None
    excluded_by: str | None = None


class QuoteView(View):
    """The price of a cart. `search` bounded: no combination takes more than `best_possible_discount` off."""

    currency: str
    subtotal: int
    discount: int
    shipping_fee: int
    total: int
    lines: list[LineView]
    applied: list[AppliedView]
    rejected: list[RejectedView]
    search: Literal["exact", "bounded"]
    best_possible_discount: int
