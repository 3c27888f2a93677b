"""What the order system tells 订单系统: through a webhook source of the gateway, which publishes it, or on the bus itself."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.base import OwnedEvent, TheirId, contract


class OrderEvent(OwnedEvent):
    """One order of the shop, by the shop's own id; the checkout of that order is meant.

    `owner_id` is whose source told it: a partner's speaks of that partner's orders only. None: the merchant's own.
    """

    order_id: TheirId


@contract("order.paid", owner="gateway")
class OrderPaid(OrderEvent):
    """The customer paid 已付款: the order's coupons are used."""


@contract("order.cancelled", owner="gateway")
class OrderCancelled(OrderEvent):
    """The order was given up before it was paid 已取消: its coupons are free again."""

    reason: str = Field("order_cancelled", max_length=200)


@contract("order.completed", owner="gateway")
class OrderCompleted(OrderEvent):
    """Delivered and past its return window 已完成: what was promised for it (cash-back) is due."""


class RefundedLine(BaseModel):
    """So many units of a line come back."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    line_id: TheirId
    quantity: int = Field(ge=1)


@contract("order.refunded", owner="gateway")
class OrderRefunded(OrderEvent):
    """Units were returned 已退款. `refund_id` makes it happen once; no `lines` means all that is left of the order."""

    refund_id: TheirId
    lines: tuple[RefundedLine, ...] = ()
    policy: Literal["keep", "clawback"] | None = None
