"""Routes of the refunds."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from services.coupon.refunds.queries import Refunds
from services.coupon.refunds.refunding import Refunding
from services.coupon.refunds.schemas import RefundAnswer, RefundIn, RefundView
from shared.web import Caller, Page, PageParams, Provided, merchant_needs, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["refunds"])
RefundsRead = Annotated[Caller, Depends(needs("coupon:refunds:read"))]
RefundsWrite = Annotated[Caller, Depends(merchant_needs("coupon:refunds:write"))]
Makes = Annotated[Refunding, Provided(Refunding)]
Viewing = Annotated[Refunds, Provided(Refunds)]


@router.post(
    "/checkouts/{checkout_id}/refunds",
    status_code=201,
    summary="Refund goods of a paid order",
    openapi_extra=chinese(
        "为已支付订单退款",
        "按冻结的分摊计算谁退回多少。没有请求体时，退回订单剩余的全部。同一 `refund_id` "
        "再次调用得到同一笔退款；全部退完后，不带请求体的调用也是如此。409 `nothing_left_to_refund`、"
        "`checkout_not_committed`；422 `unknown_line`。",
    ),
)
async def refund_checkout(
    caller: RefundsWrite, checkout_id: str, response: Response, refunding: Makes, body: RefundIn | None = None
) -> RefundView:
    """Who gets what back 退款, by the frozen shares. Without a body: all that is left of the order.

    The same `refund_id` again gets the same refund; so does a call without a body once all came back. 409
    `nothing_left_to_refund`, `checkout_not_committed`; 422 `unknown_line`.
    """
    view, known = await refunding.refund(caller, checkout_id, body or RefundIn())
    if known:
        response.headers["Idempotent-Replayed"] = "true"
    return view


@router.post(
    "/checkouts/{checkout_id}/refunds/quote",
    summary="What a refund would give back",
    openapi_extra=chinese("退款试算", "与此刻真正退款相同的应答。不保存任何内容。"),
)
async def quote_refund(
    caller: RefundsWrite, checkout_id: str, refunding: Makes, body: RefundIn | None = None
) -> RefundAnswer:
    """The same answer as the refund would have now 退款试算. Stores nothing."""
    return await refunding.quote(caller, checkout_id, body or RefundIn())


@router.get(
    "/checkouts/{checkout_id}/refunds",
    summary="List the refunds of a checkout",
    openapi_extra=chinese("列出结算单的退款", "新的在前。"),
)
async def list_refunds(caller: RefundsRead, checkout_id: str, paging: PageParams, refunds: Viewing) -> Page[RefundView]:
    """Newest first."""
    return await refunds.page(caller, paging, checkout_id)


@router.get(
    "/refunds/{refund_id}",
    summary="Read a refund",
    openapi_extra=chinese("读取退款", "一笔退款、它的明细，以及谁得到多少。"),
)
async def get_refund(caller: RefundsRead, refund_id: str, refunds: Viewing) -> RefundView:
    """One refund with its lines, and who got what."""
    return await refunds.read(caller, refund_id)
