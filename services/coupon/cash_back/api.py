"""Routes of cash-back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.cash_back.queries import CashBacks
from services.coupon.cash_back.schemas import CashBackView, Status
from shared.web import Caller, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["checkouts"])
CashBackRead = Annotated[Caller, Depends(needs("coupon:cash-back:read"))]
Viewing = Annotated[CashBacks, Provided(CashBacks)]


@router.get(
    "/cash-back", summary="List cash-back", openapi_extra=chinese("列出返现", "订单应得和已得的返现，新的在前。")
)
async def list_cash_back(
    caller: CashBackRead,
    paging: PageParams,
    cash_back: Viewing,
    customer_id: Annotated[ExternalId | None, Query()] = None,
    order_id: Annotated[ExternalId | None, Query()] = None,
    status: Status | None = None,
) -> Page[CashBackView]:
    """What orders were promised and got, newest first."""
    return await cash_back.page(caller, paging, customer_id, order_id, status)


@router.get(
    "/cash-back/{cash_back_id}",
    summary="Read a cash-back",
    openapi_extra=chinese("读取返现", "一笔承诺，以及兑现它的优惠券。"),
)
async def get_cash_back(caller: CashBackRead, cash_back_id: str, cash_back: Viewing) -> CashBackView:
    """One promise, and the coupon that it was given as."""
    return await cash_back.read(caller, cash_back_id)
