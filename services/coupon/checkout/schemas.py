"""What clients send and get about checkouts."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from services.coupon.cash_back.schemas import CashBackView
from services.coupon.pricing.schemas import EXAMPLE, CartIn, QuoteView
from shared.web import Body, ExternalId, Instant, View

TtlSeconds = Annotated[int, Field(strict=True, ge=1, le=7 * 86_400)]
Status = Literal["locked", "committed", "rolled_back", "expired"]


class CheckoutIn(CartIn):
    """An order's cart 下单. The coupons of its quote are locked until it is paid, given up, or `ttl_seconds` passed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "order_id": "o1", "ttl_seconds": 900}]})
    order_id: ExternalId
    ttl_seconds: TtlSeconds = 900


class ExtendIn(Body):
    """How long the lock lasts from now on."""

    ttl_seconds: TtlSeconds


class LockView(View):
    """One coupon in the checkout. `token` is the fencing token of its lock."""

    coupon_id: str
    template_id: str
    amount: int
    token: int
    state: Literal["live", "redeemed", "released", "returned"]


class PromotionUseView(View):
    """One promotion in the checkout. While live or redeemed it counts in the promotion's limits."""

    promotion_id: str
    amount: int
    state: Literal["live", "redeemed", "released", "returned"]


class CheckoutView(View):
    """An order's hold on coupons. `quote` is frozen; `status` is by the clock."""

    id: str
    order_id: str
    customer_id: str
    status: Status
    quote: QuoteView
    locks: list[LockView]
    promotions: list[PromotionUseView]
    expires_at: Instant
    created_at: Instant
    updated_at: Instant


class CompletedView(View):
    """A completed order, and the cash-back that it brings."""

    checkout_id: str
    order_id: str
    cash_back: list[CashBackView]
