"""What clients get about cash-back."""

from typing import Annotated, Literal

from pydantic import Field

from shared.web import Instant, View

Status = Literal["promised", "due", "issued", "cancelled"]


class CashBackView(View):
    """What one offer promises for one order 返现: once it is completed, a coupon of `amount`."""

    id: str
    checkout_id: str
    order_id: str
    customer_id: str
    source: Annotated[str, Field(description="the coupon or promotion that promises it")]
    template_id: str
    currency: str
    promised: int
    amount: Annotated[int, Field(description="what refunds left of it")]
    valid_days: int
    status: Status
    coupon_id: str | None
    note: Annotated[str | None, Field(description="the code of what keeps it back while it is due")]
    created_at: Instant
    updated_at: Instant
