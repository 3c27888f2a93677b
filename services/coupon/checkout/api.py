"""Routes of the checkouts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from services.coupon.checkout.completing import Completing
from services.coupon.checkout.locking import Locking
from services.coupon.checkout.queries import Checkouts
from services.coupon.checkout.schemas import CheckoutIn, CheckoutView, CompletedView, ExtendIn, Status
from services.coupon.checkout.settling import Settling
from shared.web import Caller, ClientFacts, ExternalId, Page, PageParams, Provided, merchant_needs, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/checkouts", tags=["checkouts"])
CheckoutsRead = Annotated[Caller, Depends(needs("coupon:checkouts:read"))]
CheckoutsWrite = Annotated[Caller, Depends(needs("coupon:checkouts:write"))]
CompletionsWrite = Annotated[Caller, Depends(merchant_needs("coupon:completions:write"))]
Viewing = Annotated[Checkouts, Provided(Checkouts)]
Ends = Annotated[Settling, Provided(Settling)]


@router.post(
    "",
    status_code=201,
    summary="Lock the coupons of an order",
    openapi_extra=chinese(
        "为订单锁券", "为购物车计价，冻结报价，锁定优惠券。同一订单、同样的请求体再次调用，得到同一个结算单。"
    ),
    response_model_exclude_none=True,
)
async def create_checkout(
    caller: CheckoutsWrite,
    body: CheckoutIn,
    response: Response,
    client: ClientFacts,
    locking: Annotated[Locking, Provided(Locking)],
) -> CheckoutView:
    """Price the cart, freeze the quote, hold its coupons. The same order and body again get the same checkout."""
    caller.require_customer(body.customer_id)
    view, known = await locking.lock(caller, body, client)
    if known:
        response.headers["Idempotent-Replayed"] = "true"
    return view


@router.get(
    "", summary="List checkouts", openapi_extra=chinese("列出结算单", "新的在前。"), response_model_exclude_none=True
)
async def list_checkouts(
    caller: CheckoutsRead,
    paging: PageParams,
    checkouts: Viewing,
    customer_id: Annotated[ExternalId | None, Query()] = None,
    order_id: Annotated[ExternalId | None, Query()] = None,
    status: Status | None = None,
) -> Page[CheckoutView]:
    """Newest first."""
    return await checkouts.page(caller, paging, customer_id, order_id, status)


@router.get(
    "/{checkout_id}",
    summary="Read a checkout",
    openapi_extra=chinese("读取结算单", "冻结的报价及其锁定的优惠券。"),
    response_model_exclude_none=True,
)
async def get_checkout(caller: CheckoutsRead, checkout_id: str, checkouts: Viewing) -> CheckoutView:
    """The frozen quote and its locks."""
    return await checkouts.read(caller, checkout_id)


@router.post(
    "/{checkout_id}/commit",
    summary="The order was paid",
    openapi_extra=chinese(
        "订单已支付",
        "核销优惠券。重复调用得到同样的应答。409 `checkout_rolled_back`、`checkout_expired`、`checkout_replaced`。",
    ),
    response_model_exclude_none=True,
)
async def commit_checkout(caller: CheckoutsWrite, checkout_id: str, settling: Ends) -> CheckoutView:
    """Redeem the coupons 核销. Again: the same answer. 409 `checkout_rolled_back`, `checkout_expired`, `checkout_replaced`."""
    return await settling.commit(caller, checkout_id)


@router.post(
    "/{checkout_id}/rollback",
    summary="The order was given up",
    openapi_extra=chinese(
        "订单已取消", "释放优惠券（回退）。重复调用得到同样的应答。支付后返回 409 `checkout_committed`。"
    ),
    response_model_exclude_none=True,
)
async def roll_back_checkout(caller: CheckoutsWrite, checkout_id: str, settling: Ends) -> CheckoutView:
    """Free the coupons 回退. Again: the same answer. 409 `checkout_committed` once it was paid."""
    return await settling.roll_back(caller, checkout_id)


@router.post(
    "/{checkout_id}/extend",
    summary="The order needs more time",
    openapi_extra=chinese(
        "延长锁券时间",
        "从现在起再锁定 `ttl_seconds` 秒，不会比原来更短。仅在锁定仍有效时可用。410 `checkout_expired`；409 "
        "`checkout_committed`、`checkout_rolled_back`。",
    ),
    response_model_exclude_none=True,
)
async def extend_checkout(caller: CheckoutsWrite, checkout_id: str, body: ExtendIn, settling: Ends) -> CheckoutView:
    """Hold the coupons for `ttl_seconds` from now on; never shorter than before. Only while the lock lives.

    410 `checkout_expired`; 409 `checkout_committed`, `checkout_rolled_back`.
    """
    return await settling.extend(caller, checkout_id, body.ttl_seconds)


@router.post(
    "/{checkout_id}/complete",
    summary="The order is completed",
    openapi_extra=chinese(
        "订单已完成", "以优惠券兑现订单承诺的返现。重复调用得到同样的应答。409 `checkout_not_committed`。"
    ),
)
async def complete_checkout(
    caller: CompletionsWrite, checkout_id: str, completing: Annotated[Completing, Provided(Completing)]
) -> CompletedView:
    """Give the cash-back 返现 that the order was promised, as coupons. Again: the same answer. 409 `checkout_not_committed`."""
    return await completing.complete(caller, checkout_id)
