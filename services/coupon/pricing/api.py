"""Routes of the prices."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.coupon.pricing.quoting import Quoting
from services.coupon.pricing.schemas import QuoteIn, QuoteView
from shared.web import Caller, Provided, needs

router = APIRouter(prefix="/v1/quotes", tags=["prices"])
QuotesWrite = Annotated[Caller, Depends(needs("coupon:quotes:write"))]


@router.post("", summary="Price a cart", response_model_exclude_none=True)
async def quote_cart(caller: QuotesWrite, body: QuoteIn, quoting: Annotated[Quoting, Provided(Quoting)]) -> QuoteView:
    """What the cart costs with the customer's coupons, and why each coupon that is not used is not. Stores nothing."""
    caller.require_customer(body.customer_id)
    return await quoting.quote(caller, body)
