"""What clients get about the order system's messages."""

from typing import Literal

from shared.web import Instant, View

Outcome = Literal["done", "nothing", "refused", "unmatched"]
MessageName = Literal["order.paid", "order.cancelled", "order.completed", "order.refunded"]


class OrderMessageView(View):
    """One message, and what became of it. `code` and `detail` say why nothing was done.

    `unmatched`: no checkout has this order id under this owner, so there is no `checkout_id`; kept for 30 days.
    """

    id: str
    message_id: str
    name: MessageName
    order_id: str
    checkout_id: str | None
    outcome: Outcome
    code: str | None
    detail: str | None
    received_at: Instant
