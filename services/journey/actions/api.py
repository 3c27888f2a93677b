"""Routes of the messages in the ledger."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.journey.actions.queries import MessageLedger
from services.journey.actions.schemas import MessageStatus, MessageView
from shared.web import Caller, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/messages", tags=["messages"])
MessagesRead = Annotated[Caller, Depends(needs("journey:messages:read"))]
Ledger = Annotated[MessageLedger, Provided(MessageLedger)]


@router.get(
    "",
    summary="List sent messages",
    openapi_extra=chinese("列出已发送的消息", "发送台账，新的在前：每条消息要么已发送，要么说明为何没有。"),
)
async def list_messages(
    caller: MessagesRead,
    ledger: Ledger,
    paging: PageParams,
    customer_id: Annotated[ExternalId | None, Query()] = None,
    journey_id: Annotated[ExternalId | None, Query(max_length=40)] = None,
    status: Annotated[MessageStatus | None, Query()] = None,
) -> Page[MessageView]:
    """The send ledger (发送台账), newest first: each message was sent, or says why not."""
    customer_id = customer_id or caller.customer_id
    if customer_id is not None:
        caller.require_customer(customer_id)
    return await ledger.page(paging, customer_id, journey_id, status)


@router.get(
    "/{message_id}",
    summary="Read a message of the send ledger",
    openapi_extra=chinese("读取发送台账中的消息", "发送台账中的一条消息。"),
)
async def get_message(caller: MessagesRead, message_id: str, ledger: Ledger) -> MessageView:
    """One message of the send ledger."""
    message = await ledger.read(caller, message_id)
    caller.require_customer(message.customer_id)
    return message
