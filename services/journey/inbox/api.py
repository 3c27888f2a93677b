"""Routes of the in-app inbox. An end-user's token sees its own customer's inbox only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.journey.inbox.management import Inbox
from services.journey.inbox.schemas import InboxMessageView
from shared.web import Caller, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/customers/{customer_id}/inbox", tags=["inbox"])
InboxRead = Annotated[Caller, Depends(needs("journey:inbox:read"))]
InboxWrite = Annotated[Caller, Depends(needs("journey:inbox:write"))]
Messages = Annotated[Inbox, Provided(Inbox)]


@router.get(
    "", summary="List a customer's inbox", openapi_extra=chinese("列出顾客的站内信", "顾客的站内信，新的在前。")
)
async def list_inbox(
    caller: InboxRead,
    customer_id: str,
    inbox: Messages,
    paging: PageParams,
    unread: Annotated[bool | None, Query(description="Only unread, or only read, messages")] = None,
) -> Page[InboxMessageView]:
    """A customer's in-app messages (站内信), newest first."""
    caller.require_customer(customer_id)
    return await inbox.page(customer_id, paging, unread)


@router.post(
    "/{message_id}/read",
    summary="Mark an inbox message as read",
    openapi_extra=chinese("把站内信标为已读", "标为已读；重复标记不会改变任何东西。"),
)
async def read_inbox_message(
    caller: InboxWrite, customer_id: str, message_id: str, inbox: Messages
) -> InboxMessageView:
    """Mark a message as read; marking it again changes nothing."""
    caller.require_customer(customer_id)
    return await inbox.mark_read(customer_id, message_id)
