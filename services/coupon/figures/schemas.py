"""What clients get about the figures of offers."""

from typing import Annotated

from pydantic import Field

from shared.web import Instant, View

Net = Annotated[int, Field(description="minor units that it took off paid orders, less what refunds gave back")]
CashBack = Annotated[int, Field(description="minor units promised as cash-back for paid orders, less what refunds cut")]


class TemplateFigures(View):
    """The figures of a coupon template, counted when they are asked for; each coupon is in one of the five states."""

    template_id: str
    currency: str
    claimed: Annotated[int, Field(description="coupons given out so far, in whatever way 领取")]
    unused: Annotated[int, Field(description="in wallets, still to be used 未使用")]
    locked: Annotated[int, Field(description="held by orders that are not paid yet 已锁定")]
    redeemed: Annotated[int, Field(description="used, on line or at a till 已核销")]
    expired: Annotated[int, Field(description="their time is over 已过期")]
    voided: Annotated[int, Field(description="taken back 已作废")]
    redemption_rate_bp: Annotated[
        int | None, Field(description="redeemed in basis points of claimed 核销率; null while nothing is claimed")
    ]
    discount_cost: Net
    cash_back: CashBack
    as_of: Instant


class PromotionFigures(View):
    """The figures of a promotion, in orders, counted when they are asked for."""

    promotion_id: str
    currency: str
    locked: Annotated[int, Field(description="orders with it that are not paid yet 已锁定")]
    redeemed: Annotated[int, Field(description="paid orders with it 已核销")]
    returned: Annotated[int, Field(description="paid orders with it that came back whole 已退回")]
    discount_cost: Net
    cash_back: CashBack
    as_of: Instant
