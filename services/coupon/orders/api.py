"""Routes of the order system's messages."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.orders.queries import OrderMessageLog
from services.coupon.orders.schemas import MessageName, OrderMessageView, Outcome
from shared.web import Caller, ExternalId, Page, PageParams, Provided, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/order-messages", tags=["checkouts"])
MessagesRead = Annotated[Caller, Depends(operator_needs("coupon:order-messages:read"))]
Log = Annotated[OrderMessageLog, Provided(OrderMessageLog)]


@router.get(
    "",
    summary="List what the order system told",
    openapi_extra=chinese(
        "列出订单系统的通知",
        "订单收到的通知及其结果，新的在前：`refused` 说明原因，`unmatched` 表示没有该订单的结算单。",
    ),
)
async def list_order_messages(
    caller: MessagesRead,
    paging: PageParams,
    log: Log,
    order_id: Annotated[ExternalId | None, Query()] = None,
    name: MessageName | None = None,
    outcome: Outcome | None = None,
) -> Page[OrderMessageView]:
    """Messages about orders, and what became of each, newest first: `refused` says why, `unmatched` found no checkout."""
    return await log.page(paging, order_id, name, outcome)


@router.get(
    "/{message_id}", summary="Read an order message", openapi_extra=chinese("读取订单通知", "一条通知及其结果。")
)
async def get_order_message(caller: MessagesRead, message_id: str, log: Log) -> OrderMessageView:
    """One message, and what became of it."""
    return await log.read(message_id)
