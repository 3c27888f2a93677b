"""Event types 事件类型: what a webhook can tell."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from gateway.docs.events import catalogue
from shared.web import Caller, Page, View, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/event-types", tags=["webhooks"])
EventsRead = Annotated[Caller, Depends(needs("gateway:events:read"))]


class EventTypeView(View):
    """One type, with the JSON schema of its webhook body and an example. `scope` is what a key needs to hear of it."""

    name: str
    owner: str
    version: int
    scope: str
    description: str
    body_schema: dict[str, Any] = Field(alias="schema")
    example: dict[str, Any]


@router.get("", summary="List event types", openapi_extra=chinese("列出事件类型", "端点可以订阅的全部类型，一页列完。"))
async def list_event_types(_caller: EventsRead) -> Page[EventTypeView]:
    """Every type that an endpoint can ask for, all on one page."""
    entries = [EventTypeView.model_validate(entry) for entry in catalogue()]
    return Page[EventTypeView](data=entries, has_more=False)
