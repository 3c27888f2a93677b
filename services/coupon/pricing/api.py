"""Routes of the prices."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.coupon.pricing.preview_schemas import PreviewIn, PreviewView
from services.coupon.pricing.previewing import Previewing
from services.coupon.pricing.quoting import Quoting
from services.coupon.pricing.schemas import QuoteIn, QuoteView
from shared.web import Caller, ClientFacts, Provided, needs

router = APIRouter(prefix="/v1/quotes", tags=["prices"])
QuotesWrite = Annotated[Caller, Depends(needs("coupon:quotes:write"))]


@router.post("", summary="Price a cart", response_model_exclude_none=True)
async def quote_cart(
    caller: QuotesWrite, body: QuoteIn, client: ClientFacts, quoting: Annotated[Quoting, Provided(Quoting)]
) -> QuoteView:
    """What the cart costs with the customer's coupons, and why each coupon that is not used is not. Stores nothing."""
    caller.require_customer(body.customer_id)
    return await quoting.quote(caller, body, client)


@router.post("/preview", summary="Try drafts of offers on a cart", response_model_exclude_none=True)
async def preview_drafts(
    caller: QuotesWrite, body: PreviewIn, previewing: Annotated[Previewing, Provided(Previewing)]
) -> PreviewView:
    """The quote as if the customer held one coupon of each draft, stacks that go too far, and what would refuse a draft."""
    return await previewing.preview(caller, body)
