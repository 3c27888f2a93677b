"""Routes of the prices. The quote is hot: a shop asks for it with every look at a cart."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.coupon.pricing.preview_schemas import PreviewIn, PreviewView
from services.coupon.pricing.previewing import Previewing
from services.coupon.pricing.quoting import Quoting
from services.coupon.pricing.schemas import QuoteIn, QuoteView
from shared.web import Caller, HotRoute, Provided, needs

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
        operation_id="quote_cart_v1_quotes_post",
        description="What the cart costs with the customer's coupons, and why each coupon that is not used is not. "
        "Stores nothing.",
    )


@router.post("/preview", summary="Try drafts of offers on a cart", response_model_exclude_none=True)
async def preview_drafts(
    caller: QuotesWrite, body: PreviewIn, previewing: Annotated[Previewing, Provided(Previewing)]
) -> PreviewView:
    """The quote as if the customer held one coupon of each draft, stacks that go too far, and what would refuse a draft."""
    return await previewing.preview(caller, body)
