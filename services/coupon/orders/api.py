"""Routes of the order system's messages."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.orders.queries import OrderMessageLog
from services.coupon.orders.schemas import MessageName, OrderMessageView, Outcome
from shared.web import Caller, ExternalId, Page, PageParams, Provided, operator_needs

router = APIRouter(prefix="/v1/order-messages", tags=["checkouts"])
MessagesRead = Annotated[Caller, Depends(operator_needs("coupon:order-messages:read"))]
Log = Annotated[OrderMessageLog, Provided(OrderMessageLog)]


@router.get("", summary="List what the order system told")
async def list_order_messages(
    caller: MessagesRead,
    paging: PageParams,
    log: Log,
    order_id: Annotated[ExternalId | None, Query()] = None,
    name: MessageName | None = None,
    outcome: Outcome | None = None,
) -> Page[OrderMessageView]:
    """Messages about orders with a checkout, and what became of each, newest first: `refused` says why."""
    return await log.page(paging, order_id, name, outcome)


@router.get("/{message_id}", summary="Read an order message")
async def get_order_message(caller: MessagesRead, message_id: str, log: Log) -> OrderMessageView:
    """One message, and what became of it."""
    return await log.read(message_id)
