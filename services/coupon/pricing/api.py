"""Routes of the prices. The quote is hot: a shop asks for it with every look at a cart."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.coupon.pricing.preview_schemas import PreviewIn, PreviewView
from services.coupon.pricing.previewing import Previewing
from services.coupon.pricing.quoting import Quoting
from services.coupon.pricing.schemas import QuoteIn, QuoteView
from shared.web import Caller, HotRoute, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/quotes", tags=["prices"])
QuotesWrite = Annotated[Caller, Depends(needs("coupon:quotes:write"))]


def quote_route(quoting: Quoting) -> HotRoute:
    """The hot route of quotes."""
    return HotRoute(
        "POST",
        "/v1/quotes",
        "coupon:quotes:write",
        quoting.quote_cart,
        "Price a cart",
        body=QuoteIn,
        answer=QuoteView,
        tags=("prices",),
        errors=(422,),
        client=True,
        openapi_extra=chinese(
            "试算：为购物车计价", "用上顾客的优惠券后购物车的价格，以及每张未用的券为何未用。不保存任何内容。"
        ),
        description="What the cart costs with the customer's coupons, and why each coupon that is not used is not. "
        "Stores nothing.",
    )


@router.post(
    "/preview",
    summary="Try drafts of offers on a cart",
    openapi_extra=chinese(
        "用购物车试算优惠草稿", "假设顾客持有每个草稿的一张券时的报价、过度的叠加，以及草稿会被拒绝的原因。"
    ),
    response_model_exclude_none=True,
)
async def preview_drafts(
    caller: QuotesWrite, body: PreviewIn, previewing: Annotated[Previewing, Provided(Previewing)]
) -> PreviewView:
    """The quote as if the customer held one coupon of each draft, stacks that go too far, and what would refuse a draft."""
    return await previewing.preview(caller, body)
